//! From what was seen to what has to be run: decided from the survey alone.

use std::collections::BTreeMap;

use rotation_core::BackendError;

use super::notes::notes;
use super::plan::{MigrationPlan, Phase};
use super::script::Script;
use super::seen::{Database, Survey};
use super::sessions::sessions;
use crate::compare::{check_owner, refuse_superuser};
use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::roles::Role;
use crate::sql::identifier;

/// The plan. The order lets neither an open session nor a new one lose a right on the way: the role is
/// given first, ownership moves to it next, sessions begin as it after that, and only then the
/// membership of one user in the other goes.
pub(super) fn plan(
    users: &[&str; 2],
    owner: &OwnerRole,
    seen: &Survey,
) -> Result<MigrationPlan, BackendError> {
    let roles = both(users, seen)?;
    check(&roles, owner, seen)?;
    let mut script = Script::new(seen, owner);
    give(&mut script, users, &roles, owner, seen);
    script.phase = Phase::Switch;
    let moved_names = sessions(&mut script, &roles, owner, &seen.databases);
    revoke_memberships(&mut script, seen);
    let mut notes = notes(&roles, owner, seen);
    notes.extend(moved_names);
    if !script.steps.is_empty() {
        notes.push(format!(
            "sessions act as {0} from then on: current_user is {0}, in expressions and policies too; \
             session_user stays the user. What needs the user itself (pg_cancel_backend of its own sessions) \
             takes SET ROLE NONE. Sessions that are open now act as the user until they end, and \
             what they make belongs to it: plan again after the next rotation",
            owner.name()
        ));
    }
    Ok(MigrationPlan {
        steps: script.steps,
        notes,
    })
}

fn both<'a>(users: &[&str; 2], seen: &'a Survey) -> Result<[&'a Role; 2], BackendError> {
    match (&seen.roles.current, &seen.roles.pending) {
        (Some(current), Some(pending)) => Ok([current, pending]),
        _ => Err(BackendError::misconfigured(format!(
            "{} and {} log in and are not both in pg_roles; is a proxy mapping their names?",
            users[0], users[1]
        ))),
    }
}

/// Fails for what is not fit, and for what would fail half way.
fn check(roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) -> Result<(), BackendError> {
    check_owner(&seen.roles, owner)?;
    for role in roles {
        check_user(role, owner)?;
    }
    if seen.refusals.is_empty() {
        return Ok(());
    }
    let why = seen.refusals.join(". And ");
    Err(BackendError::misconfigured(format!(
        "the pair cannot be migrated as it is, and nothing was changed: {why}"
    )))
}

fn check_user(role: &Role, owner: &OwnerRole) -> Result<(), BackendError> {
    refuse_superuser(role)?;
    let name = &role.name;
    if role.attributes.contains("NOINHERIT") {
        return Err(BackendError::misconfigured(format!(
            "{name} has NOINHERIT: its open sessions would lose what it owns. Run: ALTER ROLE {} INHERIT",
            identifier(name)
        )));
    }
    let other = role
        .settings
        .iter()
        .find(|((database, key), value)| key == "role" && (!database.is_empty() || *value != owner.name()));
    match other {
        None => Ok(()),
        Some(((database, _), value)) => Err(BackendError::misconfigured(format!(
            "{name} already begins its sessions as {value}{}; reset that first (ALTER ROLE … RESET role), or name that \
             role as the owner",
            if database.is_empty() {
                String::new()
            } else {
                format!(" in database {database}")
            },
        ))),
    }
}

/// Makes the role, and gives it what the users have, in every database.
fn give(script: &mut Script<'_>, users: &[&str; 2], roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) {
    create(script, roles, owner, seen);
    inherit_groups(script, roles, owner, seen);
    script.change_owners(&seen.home, &seen.database_owners);
    for database in &seen.databases {
        for statement in &database.by_others {
            script.by_superuser(&database.name, statement.clone());
        }
        script.change_owners(&database.name, &database.schema_owners);
        for user in &database.owners {
            reassign(script, user, owner, database);
        }
        for user in users {
            for (_, statement) in database.by_users.iter().filter(|(by, _)| by == user) {
                script.by_user(user, &database.name, statement.clone());
            }
        }
    }
}

/// The role, and both users in it.
fn create(script: &mut Script<'_>, roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) {
    if seen.roles.owner.is_none() {
        let role = owner.name().to_owned();
        script.at_home_by_superuser(&Difference::CreateOwner { role });
    }
    for role in roles {
        let membership = role.memberships.get(owner.name());
        // Sessions that are open have what the role owns by inheritance alone.
        let options = match membership {
            Some(membership) if membership.inherits && membership.sets => continue,
            Some(_) => script.lending,
            None => "",
        };
        script.at_home_by_superuser(&Difference::Member {
            user: role.name.clone(),
            role: owner.name().to_owned(),
            options,
        });
    }
}

/// The role in the groups whose rights the users inherit.
fn inherit_groups(script: &mut Script<'_>, roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) {
    for (group, sets) in groups(roles, owner) {
        let held = seen
            .roles
            .owner
            .as_ref()
            .and_then(|role| role.memberships.get(group));
        if held.is_some_and(|held| held.inherits && (held.sets || !sets)) {
            continue;
        }
        let options = match (seen.has_options, sets) {
            (true, false) => " WITH INHERIT TRUE, SET FALSE",
            (true, true) if held.is_some() => script.lending,
            _ => "",
        };
        script.at_home_by_superuser(&Difference::Member {
            user: owner.name().to_owned(),
            role: group.clone(),
            options,
        });
    }
}

/// The other roles whose rights the users inherit, and whether one of them may become it.
fn groups<'a>(roles: &[&'a Role; 2], owner: &OwnerRole) -> BTreeMap<&'a String, bool> {
    let mut groups = BTreeMap::new();
    for (name, how) in roles.iter().flat_map(|role| &role.memberships) {
        if how.inherits && *name != owner.name() && roles.iter().all(|role| role.name != *name) {
            *groups.entry(name).or_insert(false) |= how.sets;
        }
    }
    groups
}

/// Gives the role what the user owns in the database.
fn reassign(script: &mut Script<'_>, user: &str, owner: &OwnerRole, database: &Database) {
    let role = identifier(owner.name());
    let statement = format!("REASSIGN OWNED BY {} TO {role}", identifier(user));
    let blocked = database.blocked.iter().filter(|(by, _)| by == user);
    let blocked: Vec<&String> = blocked.map(|(_, what)| what).collect();
    match (blocked.is_empty(), script.superuser) {
        (true, _) => script.by_user(user, &database.name, statement),
        (false, Some(superuser)) if !superuser.is_superuser => {
            // The new owner has to be able to create what it is given, where it is.
            let create = |what: &&String| format!("GRANT CREATE ON {what} TO {role}");
            let revoke = |what: &&String| format!("REVOKE CREATE ON {what} FROM {role}");
            let before = blocked.iter().map(create);
            let statements = before.chain([statement]).chain(blocked.iter().map(revoke));
            script.by_superuser_lent(&database.name, &[user], statements.collect());
        }
        (false, _) => script.by_superuser(&database.name, statement),
    }
}

fn revoke_memberships(script: &mut Script<'_>, seen: &Survey) {
    for edge in &seen.edges {
        let by = edge.grantor.as_ref().map_or_else(String::new, |grantor| {
            format!(" GRANTED BY {}", identifier(grantor))
        });
        let (role, member) = (identifier(&edge.role), identifier(&edge.member));
        script.by_superuser(&seen.home, format!("REVOKE {role} FROM {member}{by}"));
    }
}
