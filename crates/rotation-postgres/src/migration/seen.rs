//! What a migration is decided from.

use std::collections::BTreeMap;

use crate::roles::Roles;

/// All of it.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) roles: Roles,
    /// The database of the secret; it comes first in `databases`.
    pub(super) home: String,
    /// PostgreSQL 16 or later: memberships have options, and belong to who granted them.
    pub(super) has_options: bool,
    /// Memberships between the two users.
    pub(super) edges: Vec<Edge>,
    /// Why it cannot be migrated as it is.
    pub(super) refusals: Vec<String>,
    /// Other members of the users, and of the owner role: role, member.
    pub(super) followers: Vec<(String, String)>,
    pub(super) superuser: Option<Administrator>,
    /// Changes of a database's owner, by each user.
    pub(super) database_owners: Vec<OwnerChange>,
    pub(super) databases: Vec<Database>,
    pub(super) notes: Vec<String>,
}

/// A membership of one user in the other.
#[derive(Debug)]
pub(super) struct Edge {
    pub(super) role: String,
    pub(super) member: String,
    /// Who granted it, where that counts.
    pub(super) grantor: Option<String>,
}

/// The superuser secret's user.
#[derive(Debug, Default)]
pub(super) struct Administrator {
    pub(super) name: String,
    pub(super) is_superuser: bool,
    /// Those of the pair and the owner role whose rights it lacks.
    pub(super) lacks: Vec<String>,
}

/// What was seen of one database.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) name: String,
    /// The users that own something in it.
    pub(super) owners: Vec<String>,
    /// Changes of a schema's owner, by each user.
    pub(super) schema_owners: Vec<OwnerChange>,
    /// What the owner role lacks a right in to be given what is there: by user.
    pub(super) blocked: Vec<(String, String)>,
    /// Statements that give the owner role a right, and that others than the pair have to run.
    pub(super) by_others: Vec<String>,
    /// The same that one of the pair may run, once the owner role owns what that one owned: by user.
    pub(super) by_users: Vec<(String, String)>,
    /// Those of the names of the pair and the owner role that are schemas.
    pub(super) schemas: Vec<String>,
    /// The search path of each user, as a session begins with it.
    pub(super) paths: BTreeMap<String, String>,
    pub(super) notes: Vec<String>,
}

impl Database {
    /// A statement that this user may run, unless the other runs the same.
    pub(super) fn add_for_user(&mut self, user: &str, statement: String) {
        if self.by_users.iter().all(|(_, known)| *known != statement) {
            self.by_users.push((user.to_owned(), statement));
        }
    }
}

/// The statement that makes the owner role the owner of a database or a schema.
#[derive(Clone, Debug)]
pub(super) struct OwnerChange {
    /// The user that owns it now.
    pub(super) by: String,
    pub(super) statement: String,
    /// That user has the right that this takes besides.
    pub(super) may: bool,
}
