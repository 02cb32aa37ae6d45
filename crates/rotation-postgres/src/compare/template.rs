//! A pair as AWS's template has it: the second user is a member of the first and has its rights by that.

use rotation_core::BackendError;

use super::pair::RolePair;
use crate::difference::Difference;
use crate::names::is_made_of;
use crate::plan::Plan;
use crate::roles::Role;
use crate::sql::identifier;

pub(super) fn compare(plan: &mut Plan, pair: RolePair<'_>) -> Result<(), BackendError> {
    let (roles, current) = (pair.roles, pair.current);
    let follow_current = pair.membership_in(&current.name);
    let Some(pending) = pair.pending else {
        plan.differences.push(follow_current);
        return Ok(());
    };
    // A membership of the second user in the first is the mark that AWS's template leaves. One in the other
    // direction means that the current user has the pending one's rights already.
    let marked = roles.pending_is_member && is_made_of(pair.pending_name, &current.name);
    if !(pair.proven || marked || roles.current_is_member) {
        return Err(pair.not_a_pair(&follow_current));
    }
    if roles.pending_inherits {
        return Ok(());
    }
    if let Some(shared) = acts_as_one(current, pending) {
        plan.warnings.push(format!(
            "{} and {} both act as {shared}; name it to the function as their owner role, so that this is looked after",
            current.name, pending.name
        ));
        return Ok(());
    }
    if roles.pending_is_member {
        plan.differences.push(inheritance(pair));
    } else if current.owned + current.granted > 0 {
        match roles.current_is_member {
            true => without_membership(plan, current, pending),
            false => plan.differences.push(follow_current),
        }
    }
    Ok(())
}

/// The role that the sessions of both begin as, if it is one: a pair with an owner role.
fn acts_as_one<'a>(one: &'a Role, other: &Role) -> Option<&'a String> {
    let key = (String::new(), "role".to_owned());
    let role = one.settings.get(&key)?;
    let both = [one, other]
        .iter()
        .all(|user| user.memberships.contains_key(role));
    (both && other.settings.get(&key) == Some(role)).then_some(role)
}

/// What makes the membership pass on its rights. PostgreSQL 16 and later have that of each membership, those
/// before of the user.
fn inheritance(pair: RolePair<'_>) -> Difference {
    let user = pair.pending_name.to_owned();
    match pair.roles.has_options {
        true => Difference::Member {
            options: " WITH INHERIT TRUE",
            user,
            role: pair.current.name.clone(),
        },
        false => Difference::Inherit { user },
    }
}

/// The current user is a member of the pending one, so the pending one cannot be a member of it.
fn without_membership(plan: &mut Plan, current: &Role, pending: &Role) {
    plan.compare_grants = true;
    if current.owned > 0 {
        plan.warnings.push(format!(
            "{0} owns {2} objects, which {1} cannot alter and may not even read; as {0}, in each database, \
             run: REASSIGN OWNED BY {3} TO {4}; or give the pair a shared owner role",
            current.name,
            pending.name,
            current.owned,
            identifier(&current.name),
            identifier(&pending.name),
        ));
    }
}
