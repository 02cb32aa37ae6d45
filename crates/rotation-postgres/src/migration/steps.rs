//! From what was seen to what has to be run: decided from the survey alone.

use std::collections::BTreeMap;

use rotation_core::BackendError;

use crate::compare::{check_owner, missing_for_owner, refuse_superuser};
use crate::difference::Difference;
use crate::migration::Database;
use crate::migration::script::{MigrationPlan, Phase, Script};
use crate::migration::survey::Survey;
use crate::owner::OwnerRole;
use crate::roles::{Membership, Role};
use crate::sql::{identifier, list};

/// The plan. The order lets neither an open session nor a new one lose a right on the way: the role is
/// given first, ownership moves to it next, sessions begin as it after that, and only then the
/// membership of one user in the other goes.
pub(super) fn plan(
    users: &[&str; 2],
    owner: &OwnerRole,
    seen: &Survey,
) -> Result<MigrationPlan, BackendError> {
    let roles = both(users, seen)?;
    check_owner(&seen.roles, owner)?;
    for role in roles {
        check(role, owner)?;
    }
    if !seen.refusals.is_empty() {
        let why = seen.refusals.join(". And ");
        return Err(BackendError::misconfigured(format!(
            "the pair cannot be migrated as it is, and nothing was changed: {why}"
        )));
    }
    let mut script = Script::new(seen);
    let mut notes = notes(&roles, owner, seen);
    membership(&mut script, &roles, owner, seen);
    script.owners(&seen.home, &seen.databases_owned, owner);
    for database in &seen.databases {
        for statement in &database.grants {
            script.by_superuser(&database.name, statement.clone());
        }
        script.owners(&database.name, &database.schemas_owned, owner);
        of_users(&mut script, users, owner, database);
    }
    script.phase = Phase::Switch;
    notes.extend(sessions(&mut script, &roles, owner, seen));
    for edge in &seen.edges {
        let by = edge.grantor.as_ref().map_or_else(String::new, |grantor| {
            format!(" GRANTED BY {}", identifier(grantor))
        });
        let (role, member) = (identifier(&edge.role), identifier(&edge.member));
        script.by_superuser(&seen.home, format!("REVOKE {role} FROM {member}{by}"));
    }
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

fn check(role: &Role, owner: &OwnerRole) -> Result<(), BackendError> {
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

/// The role, both users in it, and it in the roles whose rights the users inherit.
fn membership(script: &mut Script<'_>, roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) {
    if seen.roles.owner.is_none() {
        let role = owner.name().to_owned();
        script.at_home(&Difference::CreateOwner { role });
    }
    for role in roles {
        let membership = role.memberships.get(owner.name());
        // Sessions that are open have what the role owns by inheritance alone.
        let options = match membership {
            Some(membership) if membership.inherits && membership.sets => continue,
            Some(_) => script.lending,
            None => "",
        };
        script.at_home(&Difference::Member {
            user: role.name.clone(),
            role: owner.name().to_owned(),
            options,
        });
    }
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
        script.at_home(&Difference::Member {
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

/// What the users run in one database: each gives up what it owns, then what it may run for the role.
fn of_users(script: &mut Script<'_>, users: &[&str; 2], owner: &OwnerRole, database: &Database) {
    for user in &database.owners {
        let statement = format!(
            "REASSIGN OWNED BY {} TO {}",
            identifier(user),
            identifier(owner.name())
        );
        let blocked = database.blocked.iter().filter(|(by, _)| by == user);
        let blocked: Vec<&String> = blocked.map(|(_, what)| what).collect();
        match (blocked.is_empty(), script.superuser) {
            (true, _) => script.push(Some(user), &database.name, statement),
            (false, Some(superuser)) if !superuser.is_superuser => {
                // The new owner has to be able to create what it is given, where it is.
                let role = identifier(owner.name());
                let create = |what: &&String| format!("GRANT CREATE ON {what} TO {role}");
                let revoke = |what: &&String| format!("REVOKE CREATE ON {what} FROM {role}");
                let before = blocked.iter().map(create);
                let statements = before.chain([statement]).chain(blocked.iter().map(revoke));
                script.lent(&database.name, &[user], owner, statements.collect());
            }
            (false, _) => script.by_superuser(&database.name, statement),
        }
    }
    for user in users {
        for (_, statement) in database.own.iter().filter(|(by, _)| by == user) {
            script.push(Some(user), &database.name, statement.clone());
        }
    }
}

/// How sessions begin: the search path without `"$user"` where that would be another schema, and the
/// role. Each user sets its own.
///
/// Answers where an unqualified name means another thing than before.
fn sessions(script: &mut Script<'_>, roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) -> Vec<String> {
    let mut notes = Vec::new();
    // The user whose name the other's is made of has the schema, if one has.
    let mut names = roles.map(|role| role.name.as_str());
    names.sort_unstable();
    for role in roles {
        let user = role.name.as_str();
        for database in &seen.databases {
            let Some(path) = database.paths.get(user) else {
                continue;
            };
            if let Some(value) = explicit(path, &names, owner.name(), &database.schemas) {
                let difference = Difference::Setting {
                    user: user.to_owned(),
                    database: database.name.clone(),
                    name: "search_path".to_owned(),
                    value: Some(value),
                };
                script.home(user, &difference);
                let there = |name: &&&str| database.schemas.iter().any(|schema| schema == **name);
                let first = names.iter().find(there);
                if first.is_some_and(|first| *first != user) {
                    notes.push(format!(
                        "in database {}, {user} finds unqualified names in the schema {} first from then on",
                        database.name,
                        first.copied().unwrap_or_default()
                    ));
                }
            }
        }
        let missing = missing_for_owner(Some(role), user, owner);
        for difference in missing.iter().filter(|d| matches!(d, Difference::Setting { .. })) {
            script.home(user, difference);
        }
    }
    notes
}

/// The search path with `"$user"` replaced, if it would mean another schema than before.
fn explicit(path: &str, users: &[&str; 2], owner: &str, schemas: &[String]) -> Option<String> {
    let is_schema = |name: &&str| schemas.iter().any(|schema| schema == *name);
    let items = list(path);
    let matters = users.iter().any(is_schema) || is_schema(&owner);
    if !matters || !items.iter().any(|item| item == "$user") {
        return None;
    }
    let there: Vec<String> = users
        .iter()
        .filter(|user| is_schema(user))
        .map(|user| identifier(user))
        .collect();
    let mut explicit = Vec::new();
    for item in items {
        match item.as_str() {
            "$user" => explicit.extend(there.iter().cloned()),
            _ => explicit.push(identifier(&item)),
        }
    }
    Some(explicit.join(", "))
}

fn notes(roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) -> Vec<String> {
    let mut notes = seen.notes.clone();
    for role in roles {
        let attributes: Vec<&str> = role.attributes.iter().map(String::as_str).collect();
        if !attributes.is_empty() {
            notes.push(format!(
                "{} has {}, which sessions that act as {} do not have; SET ROLE NONE gives it back",
                role.name,
                attributes.join(" "),
                owner.name()
            ));
        }
    }
    for role in roles {
        let administered = role.memberships.iter().filter(|(name, how)| {
            let other = *name != owner.name() && roles.iter().all(|role| role.name != **name);
            matches!(how, Membership { admin: true, .. }) && other
        });
        for (group, _) in administered {
            notes.push(format!(
                "{} has the ADMIN OPTION for {group}, which sessions that act as {} do not have; SET ROLE NONE gives it back",
                role.name,
                owner.name()
            ));
        }
    }
    for (role, member) in &seen.followers {
        let reaches = if role == owner.name() {
            "reaches"
        } else {
            "will reach"
        };
        notes.push(format!(
            "{member} is a member of {role}, and {reaches} all that the owner role owns"
        ));
    }
    for database in &seen.databases {
        let of = |note: &String| format!("in database {}: {note}", database.name);
        notes.extend(database.notes.iter().map(of));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_path_is_made_explicit_only_where_it_would_change() {
        let users = ["app", "app_clone"];
        for (path, schemas, expected) in [
            ("\"$user\", public", &[][..], None),
            ("\"$user\", public", &["app"], Some("\"app\", \"public\"")),
            ("\"$user\", public", &["own"], Some("\"public\"")),
            (
                "a, \"$user\"",
                &["app_clone", "app"],
                Some("\"a\", \"app\", \"app_clone\""),
            ),
            ("crm, public", &["app"], None),
        ] {
            let schemas: Vec<String> = schemas.iter().map(|&name| name.to_owned()).collect();
            assert_eq!(explicit(path, &users, "own", &schemas).as_deref(), expected);
        }
    }
}
