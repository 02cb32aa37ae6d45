//! A change to a role, and the statement that makes it.

use std::fmt;

use rotation_core::SecretString;

use crate::sql::{identifier, literal, parameter, set_password, setting};

/// Something to change before the pending user can take over.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Difference {
    /// The second user does not exist.
    Create { user: String },
    /// It may not log in.
    Login { user: String },
    /// The owner role does not exist.
    CreateOwner { role: String },
    /// It does not inherit what its memberships have.
    Inherit { user: String },
    /// A membership is missing, or does not pass on rights as it should.
    Member {
        user: String,
        role: String,
        options: &'static str,
    },
    /// An `ALTER ROLE … SET` differs; `None` is to be reset. An empty database is all of them.
    Setting {
        user: String,
        database: String,
        name: String,
        value: Option<String>,
    },
    /// The connection limit or the validity differs.
    Limits {
        user: String,
        connections: i64,
        valid_until: Option<String>,
    },
    /// A grant on an object.
    Grant { statement: String },
}

impl Difference {
    /// The statement that mends it. A setting may hold a secret, so print [`Display`](fmt::Display).
    pub(crate) fn statement(&self) -> String {
        match self {
            Self::Create { user } => format!("CREATE ROLE {} LOGIN", identifier(user)),
            Self::Login { user } => format!("ALTER ROLE {} LOGIN", identifier(user)),
            Self::Inherit { user } => format!("ALTER ROLE {} INHERIT", identifier(user)),
            Self::CreateOwner { role } => format!("CREATE ROLE {} NOLOGIN", identifier(role)),
            Self::Member { user, role, options } => {
                format!("GRANT {} TO {}{options}", identifier(role), identifier(user))
            }
            Self::Setting {
                user,
                database,
                name,
                value,
            } => {
                let database = match database.as_str() {
                    "" => String::new(),
                    name => format!(" IN DATABASE {}", identifier(name)),
                };
                let change = match value {
                    Some(value) => format!("SET {}", setting(name, value)),
                    None => format!("RESET {}", parameter(name)),
                };
                format!("ALTER ROLE {}{database} {change}", identifier(user))
            }
            Self::Limits {
                user,
                connections,
                valid_until,
            } => format!(
                "ALTER ROLE {} CONNECTION LIMIT {connections} VALID UNTIL {}",
                identifier(user),
                literal(valid_until.as_deref().unwrap_or("infinity")),
            ),
            Self::Grant { statement } => statement.clone(),
        }
    }

    /// Whether this user may run the statement: it changes a setting of its own.
    pub(crate) fn may_be_made_by(&self, user: &str) -> bool {
        matches!(self, Self::Setting { user: of, .. } if of == user)
    }
}

/// The statement, without the value of a setting of a team's own: some keep secrets there
/// (`pgrst.jwt_secret`).
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = match self {
            Self::Setting {
                user,
                database,
                name,
                value: Some(_),
            } if name.contains('.') => Self::Setting {
                user: user.clone(),
                database: database.clone(),
                name: name.clone(),
                value: Some("(as the other user has it)".to_owned()),
            },
            other => other.clone(),
        };
        f.write_str(&shown.statement())
    }
}

/// The statements that make the changes and set the password.
pub(crate) fn statements<'a>(
    differences: impl Iterator<Item = &'a Difference>,
    user: &str,
    password: Option<&SecretString>,
) -> Option<String> {
    let mut statements: Vec<String> = differences.map(Difference::statement).collect();
    statements.extend(password.map(|password| set_password(user, password)));
    match statements.is_empty() {
        true => None,
        false => Some(statements.join("; ")),
    }
}
