//! How the users' sessions begin once they act as the owner role.

use super::script::Script;
use super::seen::Database;
use crate::compare::missing_for_owner;
use crate::difference::Difference;
use crate::owner::OwnerRole;
use crate::roles::Role;
use crate::sql::{identifier, list};

/// The search path without `"$user"` where that would be another schema, and the role. Each user sets its own.
///
/// Answers where an unqualified name means another thing than before.
pub(super) fn sessions(
    script: &mut Script<'_>,
    roles: &[&Role; 2],
    owner: &OwnerRole,
    databases: &[Database],
) -> Vec<String> {
    let mut notes = Vec::new();
    // The user whose name the other's is made of has the schema, if one has.
    let mut names = roles.map(|role| role.name.as_str());
    names.sort_unstable();
    for role in roles {
        let user = role.name.as_str();
        for database in databases {
            notes.extend(search_path(script, user, &names, owner, database));
        }
        let missing = missing_for_owner(Some(role), user, owner);
        for difference in missing.iter().filter(|d| matches!(d, Difference::Setting { .. })) {
            script.at_home_by_user(user, difference);
        }
    }
    notes
}

/// Makes the search path in one database explicit, where it has to be.
fn search_path(
    script: &mut Script<'_>,
    user: &str,
    names: &[&str; 2],
    owner: &OwnerRole,
    database: &Database,
) -> Option<String> {
    let path = database.paths.get(user)?;
    let value = explicit(path, names, owner.name(), &database.schemas)?;
    let difference = Difference::Setting {
        user: user.to_owned(),
        database: database.name.clone(),
        name: "search_path".to_owned(),
        value: Some(value),
    };
    script.at_home_by_user(user, &difference);
    let is_schema = |name: &&&str| database.schemas.iter().any(|schema| schema == **name);
    let first = names.iter().find(is_schema)?;
    (*first != user).then(|| {
        format!(
            "in database {}, {user} finds unqualified names in the schema {first} first from then on",
            database.name
        )
    })
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
