//! What the pending user lacks that the current one has: decided from the catalogs alone.

use std::fmt;

use rotation_core::{BackendError, SecretString};

use crate::owner::OwnerRole;
use crate::roles::{Membership, Role, Roles};
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
    /// The statement that mends it. None holds a secret.
    pub(crate) fn statement(&self) -> String {
        match self {
            Self::Create { user } => format!("CREATE ROLE {} LOGIN", identifier(user)),
            Self::Login { user } => format!("ALTER ROLE {} LOGIN", identifier(user)),
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

    /// Whether a user may change this of itself.
    pub(crate) fn by(&self, user: &str) -> bool {
        matches!(self, Self::Setting { user: of, .. } if of == user)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.statement())
    }
}

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
        Some(pending) if !pending.can_login => plan.differences.push(Difference::Login {
            user: pending_name.to_owned(),
        }),
        Some(_) => {}
    }
    match owner {
        Some(owner) => with_owner(&mut plan, roles, current, pending_name, owner)?,
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
            "{} is a superuser or a member of rds_superuser; such users do not alternate. Use the \
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
    let related = roles.pending_inherits || roles.current_is_member || share_a_role(current, pending);
    if !related && !proven {
        return Err(BackendError::misconfigured(format!(
            "the role {0} exists, and nothing says that it is the second user of {1}; if it is, run: \
             {2}; if it is not, rename one of them",
            pending.name,
            current.name,
            follow_current.statement(),
        )));
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

fn share_a_role(one: &Role, other: &Role) -> bool {
    let mut roles = one.memberships.keys();
    roles.any(|role| other.memberships.contains_key(role))
}

/// With a shared owner role: both users are members of it and start as it, and neither is a member of
/// the other.
fn with_owner(
    plan: &mut Plan,
    roles: &Roles,
    current: &Role,
    pending_name: &str,
    owner: &OwnerRole,
) -> Result<(), BackendError> {
    check_owner(roles, owner)?;
    if roles.pending_inherits || roles.current_is_member {
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
    for role in current.memberships.keys() {
        let held = roles
            .pending
            .as_ref()
            .is_some_and(|pending| pending.memberships.contains_key(role));
        let is_owner = owner.is_some_and(|owner| owner.name() == role);
        if role != pending_name && !held && !inherits && !is_owner {
            plan.differences.push(Difference::Member {
                user: pending_name.to_owned(),
                role: role.clone(),
                options: "",
            });
        }
    }
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
        if current.settings.get(key) != has.get(key) {
            plan.differences.push(Difference::Setting {
                user: pending_name.to_owned(),
                database: key.0.clone(),
                name: key.1.clone(),
                value: current.settings.get(key).cloned(),
            });
        }
    }
}

/// The transaction that makes the changes and sets the password, in one message.
pub(crate) fn transaction<'a>(
    differences: impl Iterator<Item = &'a Difference>,
    user: &str,
    password: Option<&SecretString>,
) -> Option<String> {
    let mut statements: Vec<String> = differences.map(Difference::statement).collect();
    statements.extend(password.map(|password| set_password(user, password)));
    match statements.is_empty() {
        true => None,
        false => Some(format!("BEGIN; {}; COMMIT", statements.join("; "))),
    }
}
