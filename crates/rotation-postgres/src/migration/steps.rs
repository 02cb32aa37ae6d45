//! From what was seen to what has to be run: decided from the survey alone.

use rotation_core::BackendError;

use crate::migration::survey::{Administrator, Survey};
use crate::migration::{Database, MigrationPlan, MigrationStep, Owned};
use crate::owner::OwnerRole;
use crate::plan::{Difference, check_owner, missing_for_owner, refuse_superuser};
use crate::roles::Role;
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
    let reach = seen.roles.pending_inherits || seen.roles.current_is_member;
    if reach && seen.edges.is_empty() {
        let [one, other] = users;
        return Err(BackendError::misconfigured(format!(
            "one of {one} and {other} is a member of the other by way of a third role; revoke that first"
        )));
    }
    let mut script = Script {
        home: &seen.home,
        superuser: seen.superuser.as_ref(),
        steps: Vec::new(),
    };
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
    sessions(&mut script, &roles, owner, seen);
    for (role, member, grantor) in &seen.edges {
        let by = grantor.as_ref().map_or_else(String::new, |grantor| {
            format!(" GRANTED BY {}", identifier(grantor))
        });
        let statement = format!("REVOKE {} FROM {}{by}", identifier(role), identifier(member));
        script.by_superuser(&seen.home, statement);
    }
    if !script.steps.is_empty() {
        notes.push(format!(
            "sessions act as {0} from then on: current_user is {0}, in expressions and policies too; \
             session_user stays the user. Sessions that are open now act as the user until they end, and \
             what they make belongs to it: plan again after the next rotation",
            owner.name()
        ));
    }
    Ok(MigrationPlan {
        steps: script.steps,
        notes,
    })
}

struct Script<'a> {
    home: &'a str,
    superuser: Option<&'a Administrator>,
    steps: Vec<MigrationStep>,
}

impl Script<'_> {
    fn push(&mut self, user: Option<&str>, database: &str, statement: String) {
        self.steps.push(MigrationStep {
            user: user.map(str::to_owned),
            database: database.to_owned(),
            statement,
        });
    }

    fn by_superuser(&mut self, database: &str, statement: String) {
        let superuser = self.superuser.map(|superuser| superuser.name.as_str());
        self.push(superuser, database, statement);
    }

    /// In the database of the secret.
    fn home(&mut self, user: &str, difference: &Difference) {
        let home = self.home;
        self.push(Some(user), home, difference.statement());
    }

    /// The same, by the superuser.
    fn at_home(&mut self, difference: &Difference) {
        let home = self.home;
        self.by_superuser(home, difference.statement());
    }

    /// Changes of owners: by who owns it where that one may, else by the superuser, who has the rights of
    /// both for as long as its transaction lasts.
    fn owners(&mut self, database: &str, owned: &[Owned], owner: &OwnerRole) {
        for change in owned.iter().filter(|change| change.may) {
            self.push(Some(&change.by), database, change.statement.clone());
        }
        let others: Vec<&Owned> = owned.iter().filter(|change| !change.may).collect();
        let mut needed: Vec<&str> = others.iter().map(|change| change.by.as_str()).collect();
        needed.push(owner.name());
        needed.sort_unstable();
        needed.dedup();
        let lent: Vec<(String, String)> = match (self.superuser, others.is_empty()) {
            (Some(superuser), false) => needed
                .into_iter()
                .filter(|&role| superuser.lacks.iter().any(|lacked| lacked == role))
                .map(|role| (identifier(role), identifier(&superuser.name)))
                .collect(),
            _ => Vec::new(),
        };
        for (role, superuser) in &lent {
            self.by_superuser(database, format!("GRANT {role} TO {superuser}"));
        }
        for change in others {
            self.by_superuser(database, change.statement.clone());
        }
        for (role, superuser) in &lent {
            self.by_superuser(database, format!("REVOKE {role} FROM {superuser}"));
        }
    }
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
        let missing = missing_for_owner(Some(role), &role.name, owner);
        for difference in missing.iter().filter(|d| matches!(d, Difference::Member { .. })) {
            script.at_home(difference);
        }
    }
    let mut groups: Vec<&String> = roles
        .iter()
        .flat_map(|role| &role.memberships)
        .filter(|(name, how)| {
            how.inherits && *name != owner.name() && roles.iter().all(|role| role.name != **name)
        })
        .map(|(name, _)| name)
        .collect();
    groups.sort();
    groups.dedup();
    let holds = |group: &String| {
        let role = seen.roles.owner.as_ref();
        role.is_some_and(|role| role.memberships.contains_key(group))
    };
    for group in groups.into_iter().filter(|group| !holds(group)) {
        let (user, role) = (owner.name().to_owned(), group.clone());
        script.at_home(&Difference::Member {
            user,
            role,
            options: "",
        });
    }
}

/// What the users run in one database: each gives up what it owns, then what it may run for the role.
fn of_users(script: &mut Script<'_>, users: &[&str; 2], owner: &OwnerRole, database: &Database) {
    for user in &database.owners {
        let statement = format!(
            "REASSIGN OWNED BY {} TO {}",
            identifier(user),
            identifier(owner.name())
        );
        script.push(Some(user), &database.name, statement);
    }
    for user in users {
        for (_, statement) in database.own.iter().filter(|(by, _)| by == user) {
            script.push(Some(user), &database.name, statement.clone());
        }
    }
}

/// How sessions begin: the search path without `"$user"` where that would be another schema, and the
/// role. Each user sets its own.
fn sessions(script: &mut Script<'_>, roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) {
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
            }
        }
        let missing = missing_for_owner(Some(role), user, owner);
        for difference in missing.iter().filter(|d| matches!(d, Difference::Setting { .. })) {
            script.home(user, difference);
        }
    }
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
