//! What the pending user lacks that the current one has: decided from the catalogs alone.

use rotation_core::BackendError;

use crate::difference::Difference;

use crate::names::is_made_of;
use crate::owner::OwnerRole;
use crate::roles::{Membership, Role, Roles};
use crate::sql::{identifier, same_value};

/// What a rotation has to do besides the password, and what it leaves alone and reports.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Plan {
    pub(crate) differences: Vec<Difference>,
    pub(crate) warnings: Vec<String>,
    /// Grants on single objects have to be compared as well: the pending user does not inherit from
    /// the current one and cannot.
    pub(crate) compare_grants: bool,
}

/// Compares the two users of a pair.
///
/// `proven` says that the pending user was this secret's before: it logged in by one of its versions.
pub(crate) fn plan(
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
    refuse_superuser(current)?;
    let pending = roles.pending.as_ref();
    if let Some(pending) = pending {
        refuse_superuser(pending)?;
    }
    let mut plan = Plan::default();
    match pending {
        None => plan.differences.push(Difference::Create {
            user: pending_name.to_owned(),
        }),
        Some(pending) if !pending.can_login && !proven => {
            return Err(BackendError::misconfigured(format!(
                "the role {pending_name} may not log in, and no version of the secret has its password: it may be a \
                 group, or locked by somebody. If it is the second user of {}, run: ALTER ROLE {} LOGIN",
                current.name,
                identifier(pending_name)
            )));
        }
        Some(pending) if !pending.can_login => plan.differences.push(Difference::Login {
            user: pending_name.to_owned(),
        }),
        Some(_) => {}
    }
    match owner {
        Some(owner) => with_owner(&mut plan, roles, current, pending_name, (owner, proven))?,
        None => without_owner(&mut plan, roles, current, pending_name, proven)?,
    }
    memberships(&mut plan, roles, current, pending_name, owner);
    limits(&mut plan, current, pending, pending_name);
    settings(&mut plan, current, pending, pending_name, owner);
    if let Some(pending) = pending
        && pending.attributes != current.attributes
    {
        plan.warnings.push(format!(
            "{} has the attributes {:?} and {} has {:?}: none is copied; make them equal with ALTER ROLE",
            current.name, current.attributes, pending.name, pending.attributes
        ));
    }
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

/// As AWS's template has it: the second user is a member of the first and has its rights by that.
fn without_owner(
    plan: &mut Plan,
    roles: &Roles,
    current: &Role,
    pending_name: &str,
    proven: bool,
) -> Result<(), BackendError> {
    let follow_current = Difference::Member {
        user: pending_name.to_owned(),
        role: current.name.clone(),
        options: "",
    };
    let Some(pending) = &roles.pending else {
        plan.differences.push(follow_current);
        return Ok(());
    };
    // A membership of the second user in the first is the mark that AWS's template leaves. One in the other
    // direction means that the current user has the pending one's rights already.
    let marked = roles.pending_is_member && is_made_of(pending_name, &current.name);
    if !(proven || marked || roles.current_is_member) {
        return Err(not_a_pair(pending, current, &follow_current));
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
        plan.differences.push(match roles.has_options {
            true => Difference::Member {
                options: " WITH INHERIT TRUE",
                user: pending_name.to_owned(),
                role: current.name.clone(),
            },
            false => Difference::Inherit {
                user: pending_name.to_owned(),
            },
        });
        return Ok(());
    }
    if current.owned + current.granted == 0 {
        return Ok(());
    }
    if !roles.current_is_member {
        plan.differences.push(follow_current);
        return Ok(());
    }
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

fn not_a_pair(pending: &Role, current: &Role, mark: &Difference) -> BackendError {
    BackendError::misconfigured(format!(
        "the role {0} exists, and nothing says that it is the second user of {1}: no version of the secret logs in as it. \
         If it is, give it the password under AWSPREVIOUS, or, where {0} is the one ending in _clone, run: {2}; if it is \
         not, rename one of them",
        pending.name, current.name, mark,
    ))
}

/// With a shared owner role: both users are members of it and start as it, and neither is a member of
/// the other.
fn with_owner(
    plan: &mut Plan,
    roles: &Roles,
    current: &Role,
    pending_name: &str,
    (owner, proven): (&OwnerRole, bool),
) -> Result<(), BackendError> {
    check_owner(roles, owner)?;
    if let Some(pending) = &roles.pending
        && !proven
        && !pending.memberships.contains_key(owner.name())
    {
        let mark = Difference::Member {
            user: pending_name.to_owned(),
            role: owner.name().to_owned(),
            options: "",
        };
        return Err(not_a_pair(pending, current, &mark));
    }
    if roles.pending_is_member || roles.current_is_member {
        return Err(not_adopted(
            owner,
            format!(
                "one of {} and {pending_name} is a member of the other",
                current.name
            ),
        ));
    }
    if roles.owner.is_none() {
        plan.differences.push(Difference::CreateOwner {
            role: owner.name().to_owned(),
        });
    }
    let adopted = missing_for_owner(Some(current), &current.name, owner);
    if !adopted.is_empty() && (current.owned + current.granted > 0 || !owner.is_created()) {
        return Err(not_adopted(
            owner,
            format!("{} does not act as that role yet", current.name),
        ));
    }
    if !adopted.is_empty() {
        // What the user has by its memberships, its sessions have by the role's from then on.
        let held = roles.owner.as_ref().map(|owner| &owner.memberships);
        for (role, how) in current
            .memberships
            .iter()
            .filter(|(role, _)| *role != owner.name())
        {
            let held = held.and_then(|held| held.get(role));
            plan.differences
                .extend(membership(roles, owner.name(), role, *how, held.copied()));
        }
    }
    plan.differences.extend(adopted);
    let pending = roles.pending.as_ref();
    plan.differences
        .extend(missing_for_owner(pending, pending_name, owner));
    Ok(())
}

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

fn not_adopted(owner: &OwnerRole, why: String) -> BackendError {
    BackendError::misconfigured(format!(
        "the pair does not share the owner role {}: {why}. Nothing was changed; migrate the pair first: \
         give what both users own and were granted to that role, and revoke one user from the other",
        owner.name()
    ))
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

fn memberships(
    plan: &mut Plan,
    roles: &Roles,
    current: &Role,
    pending_name: &str,
    owner: Option<&OwnerRole>,
) {
    let inherits = roles.pending_inherits || owner.is_none() && roles.pending.is_none();
    if inherits {
        return;
    }
    for (role, how) in &current.memberships {
        let is_owner = owner.is_some_and(|owner| owner.name() == role);
        if role == pending_name || is_owner {
            continue;
        }
        if how.circular {
            plan.warnings.push(format!(
                "{} is a member of {role}, which is a member of {pending_name}: {pending_name} has to do without that membership",
                current.name
            ));
            continue;
        }
        let held = roles
            .pending
            .as_ref()
            .and_then(|pending| pending.memberships.get(role));
        plan.differences
            .extend(membership(roles, pending_name, role, *how, held.copied()));
    }
}

/// What makes a user's membership in a role such as another has it, where it is less.
fn membership(
    roles: &Roles,
    user: &str,
    role: &str,
    how: Membership,
    held: Option<Membership>,
) -> Option<Difference> {
    let options = match (roles.has_options, how.inherits, how.sets) {
        (false, ..) => "",
        (true, true, true) => " WITH INHERIT TRUE, SET TRUE",
        (true, true, false) => " WITH INHERIT TRUE, SET FALSE",
        (true, false, true) => " WITH INHERIT FALSE, SET TRUE",
        // It gives the right to pass the role on, which is not copied, and no more.
        (true, false, false) => return None,
    };
    let enough = held.is_some_and(|held| {
        !roles.has_options || (held.inherits || !how.inherits) && (held.sets || !how.sets)
    });
    (!enough).then(|| Difference::Member {
        user: user.to_owned(),
        role: role.to_owned(),
        options,
    })
}

fn limits(plan: &mut Plan, current: &Role, pending: Option<&Role>, pending_name: &str) {
    let has = pending.map_or((-1, None), |p| (p.connection_limit, p.valid_until.as_ref()));
    if has != (current.connection_limit, current.valid_until.as_ref()) {
        plan.differences.push(Difference::Limits {
            user: pending_name.to_owned(),
            connections: current.connection_limit,
            valid_until: current.valid_until.clone(),
        });
    }
}

fn settings(
    plan: &mut Plan,
    current: &Role,
    pending: Option<&Role>,
    pending_name: &str,
    owner: Option<&OwnerRole>,
) {
    let none = Default::default();
    let has = pending.map_or(&none, |pending| &pending.settings);
    // That one is the owner role's, and is looked at there.
    let ours = |key: &&(String, String)| owner.is_some() && key.0.is_empty() && key.1 == "role";
    let mut keys: Vec<_> = current.settings.keys().chain(has.keys()).collect();
    keys.sort();
    keys.dedup();
    for key in keys.into_iter().filter(|key| !ours(key)) {
        let same = match (current.settings.get(key), has.get(key)) {
            (Some(one), Some(other)) => same_value(&key.1, one, other),
            (one, other) => one == other,
        };
        if !same {
            plan.differences.push(Difference::Setting {
                user: pending_name.to_owned(),
                database: key.0.clone(),
                name: key.1.clone(),
                value: current.settings.get(key).cloned(),
            });
        }
    }
}
