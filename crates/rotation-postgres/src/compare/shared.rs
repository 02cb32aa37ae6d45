//! A pair with a shared owner role: both users are members of it and start as it, and neither is a member of
//! the other.

use rotation_core::BackendError;

use super::memberships::membership;
use super::pair::RolePair;
use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::roles::{Membership, Role, Roles};
use crate::sql::identifier;

pub(super) fn compare(plan: &mut Plan, pair: RolePair<'_>, owner: &OwnerRole) -> Result<(), BackendError> {
    let (roles, current) = (pair.roles, pair.current);
    check_owner(roles, owner)?;
    check_pair(pair, owner)?;
    if roles.owner.is_none() {
        plan.differences.push(Difference::CreateOwner {
            role: owner.name().to_owned(),
        });
    }
    let lacks = missing_for_owner(Some(current), &current.name, owner);
    if !lacks.is_empty() {
        if current.owned + current.granted > 0 || !owner.is_created() {
            let why = format!("{} does not act as that role yet", current.name);
            return Err(not_migrated(owner, &why));
        }
        plan.differences.extend(hand_over(roles, current, owner));
    }
    plan.differences.extend(lacks);
    plan.differences
        .extend(missing_for_owner(pair.pending, pair.pending_name, owner));
    Ok(())
}

/// Fails unless the owner role is fit to be one, or may be created.
pub(crate) fn check_owner(roles: &Roles, owner: &OwnerRole) -> Result<(), BackendError> {
    let problem = match &roles.owner {
        None if owner.is_created() => return Ok(()),
        None => format!(
            "does not exist; run: CREATE ROLE {} NOLOGIN",
            identifier(owner.name())
        ),
        Some(role) if role.superuser => "is a superuser; both users would be".to_owned(),
        Some(role) if role.can_login => {
            format!("can log in; run: ALTER ROLE {} NOLOGIN", identifier(owner.name()))
        }
        Some(role) if role.attributes.contains("CREATEROLE") => format!(
            "may change other roles; run: ALTER ROLE {} NOCREATEROLE",
            identifier(owner.name())
        ),
        Some(_) => return Ok(()),
    };
    Err(BackendError::misconfigured(format!(
        "the owner role {} {problem}",
        owner.name()
    )))
}

/// Fails if the pending user is not known to be of the pair, or if one user is a member of the other.
fn check_pair(pair: RolePair<'_>, owner: &OwnerRole) -> Result<(), BackendError> {
    let is_member = |role: &Role| role.memberships.contains_key(owner.name());
    if pair
        .pending
        .is_some_and(|pending| !pair.proven && !is_member(pending))
    {
        return Err(pair.not_a_pair(&pair.membership_in(owner.name())));
    }
    if pair.roles.pending_is_member || pair.roles.current_is_member {
        let (current, pending) = (&pair.current.name, pair.pending_name);
        let why = format!("one of {current} and {pending} is a member of the other");
        return Err(not_migrated(owner, &why));
    }
    Ok(())
}

fn not_migrated(owner: &OwnerRole, why: &str) -> BackendError {
    BackendError::misconfigured(format!(
        "the pair does not share the owner role {}: {why}. Nothing was changed; migrate the pair first: \
         give what both users own and were granted to that role, and revoke one user from the other",
        owner.name()
    ))
}

/// The memberships of a user that is to act as the owner role: what its sessions have by them now, they have by
/// the role's from then on.
fn hand_over(roles: &Roles, current: &Role, owner: &OwnerRole) -> Vec<Difference> {
    let held = roles.owner.as_ref().map(|owner| &owner.memberships);
    let others = current
        .memberships
        .iter()
        .filter(|(role, _)| *role != owner.name());
    others
        .filter_map(|(role, how)| {
            let held = held.and_then(|held| held.get(role)).copied();
            membership(roles, owner.name(), role, *how, held)
        })
        .collect()
}

/// What one user lacks to act as the owner role.
pub(crate) fn missing_for_owner(role: Option<&Role>, user: &str, owner: &OwnerRole) -> Vec<Difference> {
    let mut missing = Vec::new();
    let membership = role.and_then(|role| role.memberships.get(owner.name()));
    let options = match membership {
        Some(Membership { sets: true, .. }) => None,
        // Only PostgreSQL 16 and later know a membership without it.
        Some(_) => Some(" WITH SET TRUE"),
        None => Some(""),
    };
    if let Some(options) = options {
        missing.push(Difference::Member {
            user: user.to_owned(),
            role: owner.name().to_owned(),
            options,
        });
    }
    let key = (String::new(), "role".to_owned());
    if role.and_then(|role| role.settings.get(&key)).map(String::as_str) != Some(owner.name()) {
        missing.push(Difference::Setting {
            user: user.to_owned(),
            database: String::new(),
            name: "role".to_owned(),
            value: Some(owner.name().to_owned()),
        });
    }
    missing
}
