//! What a person has to know of a migration.

use super::seen::Survey;
use crate::owner::OwnerRole;
use crate::roles::Role;

pub(super) fn notes(roles: &[&Role; 2], owner: &OwnerRole, seen: &Survey) -> Vec<String> {
    let mut notes = seen.notes.clone();
    notes.extend(roles.iter().filter_map(|role| attributes(role, owner)));
    notes.extend(roles.iter().flat_map(|role| admin_options(role, roles, owner)));
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

fn attributes(role: &Role, owner: &OwnerRole) -> Option<String> {
    let attributes: Vec<&str> = role.attributes.iter().map(String::as_str).collect();
    (!attributes.is_empty()).then(|| lost(role, &attributes.join(" "), owner))
}

fn admin_options(role: &Role, pair: &[&Role; 2], owner: &OwnerRole) -> Vec<String> {
    let others = role
        .memberships
        .iter()
        .filter(|(name, _)| *name != owner.name() && pair.iter().all(|role| role.name != **name));
    others
        .filter(|(_, how)| how.admin)
        .map(|(group, _)| lost(role, &format!("the ADMIN OPTION for {group}"), owner))
        .collect()
}

fn lost(role: &Role, what: &str, owner: &OwnerRole) -> String {
    format!(
        "{} has {what}, which sessions that act as {} do not have; SET ROLE NONE gives it back",
        role.name,
        owner.name()
    )
}
