//! What a migration reads, from the catalogs of every database, as the users themselves.

use rotation_core::{BackendError, StepContext};

use super::pair::LoginPair;
use super::queries;
use super::seen::{Administrator, Database, Edge, OwnerChange, Survey};
use crate::connections::Connections;
use crate::error::{DatabaseError, caused};
use crate::grants::grants_query;
use crate::login::Login;
use crate::owner::OwnerRole;
use crate::roles::{self, Names};
use crate::session::{Row, Session, first_column};

/// Reads all of it. `superuser` is the user of the superuser secret, if there is one.
pub(super) async fn read(
    connections: &Connections,
    ctx: &StepContext<'_>,
    pair: &LoginPair,
    owner: &OwnerRole,
    superuser: Option<String>,
) -> Result<Survey, BackendError> {
    let (mut survey, mut databases) = cluster(connections, ctx, pair, owner, superuser).await?;
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

/// What is of the whole cluster, and the databases to look at: each with whether it has something of the pair's.
async fn cluster(
    connections: &Connections,
    ctx: &StepContext<'_>,
    pair: &LoginPair,
    owner: &OwnerRole,
    superuser: Option<String>,
) -> Result<(Survey, Vec<(String, bool)>), BackendError> {
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
    for row in rows.into_iter().filter_map(texts) {
        match row.as_slice() {
            [kind, name, needed] if kind == "database" => databases.push((name.clone(), needed == "t")),
            [kind, rest @ ..] => take(&mut survey, kind, rest),
            [] => {}
        }
    }
    Ok((survey, databases))
}

/// A row without nulls.
fn texts(row: Row) -> Option<Vec<String>> {
    row.into_iter().collect()
}

fn take(survey: &mut Survey, kind: &str, row: &[String]) {
    match (kind, row) {
        ("edge", [role, member, grantor]) => survey.edges.push(Edge {
            role: role.clone(),
            member: member.clone(),
            grantor: Some(grantor.clone()).filter(|grantor| !grantor.is_empty()),
        }),
        ("refusal", [why]) => survey.refusals.push(why.clone()),
        ("follower", [role, member]) => survey.followers.push((role.clone(), member.clone())),
        ("owned", [by, statement, may]) => survey.database_owners.push(owner_change(by, statement, may)),
        ("has options", [yes]) => survey.has_options = yes == "t",
        ("superuser", [yes]) => {
            if let Some(superuser) = &mut survey.superuser {
                superuser.is_superuser = yes == "t";
            }
        }
        ("lacks", [role]) => {
            if let Some(superuser) = &mut survey.superuser {
                superuser.lacks.push(role.clone());
            }
        }
        _ => {}
    }
}

fn owner_change(by: &str, statement: &str, may: &str) -> OwnerChange {
    OwnerChange {
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
    pair: &LoginPair,
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
    database.by_others.sort();
    database.by_others.dedup();
    Ok(database)
}

async fn look(
    session: &Session,
    ctx: &StepContext<'_>,
    pair: &LoginPair,
    owner: &OwnerRole,
    into: &mut Database,
) -> Result<(), DatabaseError> {
    let user = session.user();
    // As the session begins: before anything is set in it.
    let path = session.raw(ctx, "SHOW search_path").await?;
    if let Some(path) = first_column(path).into_iter().next() {
        into.paths.insert(user.to_owned(), path);
    }
    let [current, pending] = pair.names();
    let keep = [current, pending, owner.name()];
    let grants = grants_query(user, owner.name(), &keep);
    for statement in session.texts(ctx, &grants).await? {
        // Who may pass a right on needs nobody else for it.
        match statement.starts_with("GRANT ") && statement.ends_with(" WITH GRANT OPTION") {
            true => into.add_for_user(user, statement),
            false => into.by_others.push(statement),
        }
    }
    let query = queries::of_user(user, owner.name(), &keep, &pair.current().database);
    let rows = session.run(ctx, &query).await?;
    for row in rows.into_iter().filter_map(texts) {
        gather(user, &row, into);
    }
    Ok(())
}

fn gather(user: &str, row: &[String], into: &mut Database) {
    match row {
        [kind, statement, may] if kind == "owned" => {
            into.schema_owners.push(owner_change(user, statement, may));
        }
        [kind, ..] if kind == "owns" => into.owners.push(user.to_owned()),
        [kind, what, _] if kind == "blocked" => into.blocked.push((user.to_owned(), what.clone())),
        [kind, statement, _] if kind == "own" => into.add_for_user(user, statement.clone()),
        [kind, statement, _] if kind == "policy" => into.by_others.push(statement.clone()),
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
