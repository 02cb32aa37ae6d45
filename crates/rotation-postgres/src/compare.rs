//! What the pending user lacks that the current one has: decided from the catalogs alone.

mod memberships;
mod pair;
mod shared;
mod template;

use rotation_core::BackendError;

use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::plan::Plan;
use crate::roles::{Role, Roles};
use crate::sql::{identifier, same_value};

use pair::RolePair;

pub(crate) use shared::{check_owner, missing_for_owner};

/// Compares the two users of a pair.
///
/// `proven` says that the pending user was this secret's before: it logged in by one of its versions.
pub(crate) fn compare(
    roles: &Roles,
    pending_name: &str,
    owner: Option<&OwnerRole>,
    proven: bool,
) -> Result<Plan, BackendError> {
    let Some(current) = &roles.current else {
        return Err(BackendError::unavailable(
            "the current user logged in and is not in pg_roles; is a proxy mapping its name?",
        ));
    };
    let pair = RolePair {
        roles,
        current,
        pending: roles.pending.as_ref(),
        pending_name,
        proven,
    };
    refuse_superuser(current)?;
    pair.pending.map_or(Ok(()), refuse_superuser)?;
    let mut plan = Plan::default();
    plan.differences.extend(existence(pair)?);
    match owner {
        Some(owner) => shared::compare(&mut plan, pair, owner)?,
        None => template::compare(&mut plan, pair)?,
    }
    memberships::compare(&mut plan, pair, owner);
    plan.differences.extend(limits(pair));
    plan.differences.extend(settings(pair, owner));
    plan.warnings.extend(attributes(pair));
    Ok(plan)
}

pub(crate) fn refuse_superuser(role: &Role) -> Result<(), BackendError> {
    match role.superuser {
        true => Err(BackendError::misconfigured(format!(
            "{} is a superuser, or a member of one, or a member of rds_superuser; such users do not alternate. Use the \
             strategy of a single user for it, or a user with fewer rights",
            role.name
        ))),
        false => Ok(()),
    }
}

/// What it takes for the pending user to be there and to log in.
fn existence(pair: RolePair<'_>) -> Result<Option<Difference>, BackendError> {
    let user = pair.pending_name;
    match pair.pending {
        None => Ok(Some(Difference::Create {
            user: user.to_owned(),
        })),
        Some(pending) if pending.can_login => Ok(None),
        Some(_) if pair.proven => Ok(Some(Difference::Login {
            user: user.to_owned(),
        })),
        Some(_) => Err(BackendError::misconfigured(format!(
            "the role {user} may not log in, and no version of the secret has its password: it may be a \
             group, or locked by somebody. If it is the second user of {}, run: ALTER ROLE {} LOGIN",
            pair.current.name,
            identifier(user)
        ))),
    }
}

fn limits(pair: RolePair<'_>) -> Option<Difference> {
    let of = |role: &Role| (role.connection_limit, role.valid_until.clone());
    let wanted = of(pair.current);
    let has = pair.pending.map_or((-1, None), of);
    (has != wanted).then(|| Difference::Limits {
        user: pair.pending_name.to_owned(),
        connections: wanted.0,
        valid_until: wanted.1,
    })
}

fn settings(pair: RolePair<'_>, owner: Option<&OwnerRole>) -> Vec<Difference> {
    let none = Default::default();
    let wanted = &pair.current.settings;
    let has = pair.pending.map_or(&none, |pending| &pending.settings);
    // That one is the owner role's, and is looked at there.
    let is_owners = |key: &&(String, String)| owner.is_some() && key.0.is_empty() && key.1 == "role";
    let same = |key: &(String, String)| match (wanted.get(key), has.get(key)) {
        (Some(one), Some(other)) => same_value(&key.1, one, other),
        (one, other) => one == other,
    };
    let mut keys: Vec<_> = wanted.keys().chain(has.keys()).collect();
    keys.sort();
    keys.dedup();
    keys.into_iter()
        .filter(|key| !is_owners(key) && !same(key))
        .map(|key| Difference::Setting {
            user: pair.pending_name.to_owned(),
            database: key.0.clone(),
            name: key.1.clone(),
            value: wanted.get(key).cloned(),
        })
        .collect()
}

fn attributes(pair: RolePair<'_>) -> Option<String> {
    let (current, pending) = (pair.current, pair.pending?);
    (pending.attributes != current.attributes).then(|| {
        format!(
            "{} has the attributes {:?} and {} has {:?}: none is copied; make them equal with ALTER ROLE",
            current.name, current.attributes, pending.name, pending.attributes
        )
    })
}
