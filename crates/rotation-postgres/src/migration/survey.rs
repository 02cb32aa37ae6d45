//! What a migration reads, from the catalogs of every database, as the users themselves.

use rotation_core::{BackendError, StepContext};

use crate::connections::Connections;
use crate::error::{DatabaseError, caused};
use crate::login::Login;
use crate::migration::{Database, Owned, Pair, queries};
use crate::owner::OwnerRole;
use crate::roles::{self, Names, Roles};
use crate::session::{Row, Session};

/// All that is decided from.
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
    pub(super) databases_owned: Vec<Owned>,
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

pub(super) async fn read(
    connections: &Connections,
    ctx: &StepContext<'_>,
    pair: &Pair,
    owner: &OwnerRole,
    superuser: Option<String>,
) -> Result<Survey, BackendError> {
    let login = pair.current();
    let session = open(connections, ctx, login).await?;
    let unreadable = |failure| caused("the catalogs could not be read", failure);
    let [current, pending] = pair.names();
    let names = Names {
        current,
        pending,
        owner: Some(owner.name()),
    };
    let mut survey = Survey {
        roles: roles::read(&session, ctx, names).await.map_err(unreadable)?,
        home: login.database.clone(),
        ..Survey::default()
    };
    let query = queries::cluster(pair.names(), owner.name(), superuser.as_deref());
    let rows = session.run(ctx, &query).await.map_err(unreadable)?;
    session.close(ctx).await;
    survey.superuser = superuser.map(|name| Administrator {
        name,
        ..Administrator::default()
    });
    let mut databases = Vec::new();
    for row in rows {
        match row.into_iter().collect::<Option<Vec<String>>>().as_deref() {
            Some([kind, name, needed]) if kind == "database" => {
                databases.push((name.clone(), needed == "t"));
            }
            Some([kind, rest @ ..]) => survey.take(kind, rest),
            _ => {}
        }
    }
    databases.sort_by_key(|(name, _)| *name != survey.home);
    for (name, needed) in databases {
        match database(connections, ctx, pair, owner, &name).await {
            Ok(database) => survey.databases.push(database),
            Err(error) if needed => return Err(error),
            Err(error) => survey
                .notes
                .push(format!("nothing of theirs is in database {name}, and {error}")),
        }
    }
    Ok(survey)
}

impl Survey {
    /// Puts a row down that is of the whole cluster.
    fn take(&mut self, kind: &str, row: &[String]) {
        match (kind, row) {
            ("edge", [role, member, grantor]) => self.edges.push(Edge {
                role: role.clone(),
                member: member.clone(),
                grantor: Some(grantor.clone()).filter(|grantor| !grantor.is_empty()),
            }),
            ("refusal", [why]) => self.refusals.push(why.clone()),
            ("follower", [role, member]) => self.followers.push((role.clone(), member.clone())),
            ("owned", [by, statement, may]) => self.databases_owned.push(owned(by, statement, may)),
            ("has options", [yes]) => self.has_options = yes == "t",
            ("superuser", [yes]) => {
                if let Some(superuser) = &mut self.superuser {
                    superuser.is_superuser = yes == "t";
                }
            }
            ("lacks", [role]) => {
                if let Some(superuser) = &mut self.superuser {
                    superuser.lacks.push(role.clone());
                }
            }
            _ => {}
        }
    }
}

fn owned(by: &str, statement: &str, may: &str) -> Owned {
    Owned {
        by: by.to_owned(),
        statement: statement.to_owned(),
        may: may == "t",
    }
}

async fn open(
    connections: &Connections,
    ctx: &StepContext<'_>,
    login: &Login,
) -> Result<Session, BackendError> {
    connections.open(ctx, login).await.map_err(|failure| {
        let (user, database) = (&login.user, &login.database);
        let message = format!(
            "{user} could not log in to database {database}, which has something of the pair's, and both have to; nothing was changed"
        );
        caused(message, failure)
    })
}

async fn database(
    connections: &Connections,
    ctx: &StepContext<'_>,
    pair: &Pair,
    owner: &OwnerRole,
    name: &str,
) -> Result<Database, BackendError> {
    let mut database = Database {
        name: name.to_owned(),
        ..Database::default()
    };
    for login in &pair.logins {
        let session = open(connections, ctx, &login.in_database(name)).await?;
        let read = look(&session, ctx, pair, owner, &mut database).await;
        read.map_err(|failure| caused(format!("the catalogs of {name} could not be read"), failure))?;
        session.close(ctx).await;
    }
    database.grants.sort();
    database.grants.dedup();
    Ok(database)
}

async fn look(
    session: &Session,
    ctx: &StepContext<'_>,
    pair: &Pair,
    owner: &OwnerRole,
    into: &mut Database,
) -> Result<(), DatabaseError> {
    let user = session.user();
    // As the session begins: before anything is set in it.
    let path = session.raw(ctx, "SHOW search_path").await?;
    if let Some(path) = path.into_iter().next().and_then(|mut row| row.pop().flatten()) {
        into.paths.insert(user.to_owned(), path);
    }
    let [current, pending] = pair.names();
    let keep = [current, pending, owner.name()];
    let grants = crate::grants::grants_query(user, owner.name(), &keep);
    for statement in session.texts(ctx, &grants).await? {
        // Who may pass a right on needs nobody else for it.
        match statement.starts_with("GRANT ") && statement.ends_with(" WITH GRANT OPTION") {
            true => into.of_user(user, statement),
            false => into.grants.push(statement),
        }
    }
    let query = queries::of_user(user, owner.name(), &keep, &pair.current().database);
    let rows = session.run(ctx, &query).await?;
    for row in rows {
        gather(user, row, into);
    }
    Ok(())
}

fn gather(user: &str, row: Row, into: &mut Database) {
    let Some(row) = row.into_iter().collect::<Option<Vec<String>>>() else {
        return;
    };
    match row.as_slice() {
        [kind, statement, may] if kind == "owned" => {
            into.schemas_owned.push(owned(user, statement, may));
        }
        [kind, ..] if kind == "owns" => into.owners.push(user.to_owned()),
        [kind, what, _] if kind == "blocked" => into.blocked.push((user.to_owned(), what.clone())),
        [kind, statement, _] if kind == "own" => into.of_user(user, statement.clone()),
        [kind, statement, _] if kind == "policy" => into.grants.push(statement.clone()),
        [kind, what, _] if kind == "restricts" => into.notes.push(format!(
            "the restrictive policy {what} is for {user} alone; from then on it restricts both users"
        )),
        [kind, schema, _] if kind == "schema" && !into.schemas.contains(schema) => {
            into.schemas.push(schema.clone());
        }
        [kind, what, number] if kind == "left" => into.notes.push(format!(
            "{number} entries of {what} that name {user} are not carried over to the owner role; see to them yourself"
        )),
        _ => {}
    }
}
