//! What a migration reads, from the catalogs of every database, as the users themselves.

use rotation_core::{BackendError, StepContext};

use crate::connect::{Connections, Row, Session};
use crate::document::Login;
use crate::error::{DatabaseError, caused};
use crate::migration::{Database, Owned, Pair};
use crate::owner::OwnerRole;
use crate::roles::{self, Names, Roles};
use crate::sql::{identifier, literal};

/// All that is decided from.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) roles: Roles,
    /// The database of the secret; it comes first in `databases`.
    pub(super) home: String,
    /// Memberships between the two users: role, member, and who granted it where that counts.
    pub(super) edges: Vec<(String, String, Option<String>)>,
    /// Other members of the users, and of the owner role: role, member.
    pub(super) followers: Vec<(String, String)>,
    pub(super) superuser: Option<Administrator>,
    /// Changes of a database's owner, by each user.
    pub(super) databases_owned: Vec<Owned>,
    pub(super) databases: Vec<Database>,
    pub(super) notes: Vec<String>,
}

/// The superuser secret's user.
#[derive(Debug, Default)]
pub(super) struct Administrator {
    pub(super) name: String,
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
    let rows = session
        .run(ctx, &cluster(pair, owner, superuser.as_deref()))
        .await
        .map_err(unreadable)?;
    session.close(ctx).await;
    survey.superuser = superuser.map(|name| Administrator {
        name,
        ..Administrator::default()
    });
    let mut databases = Vec::new();
    for row in rows {
        match row.into_iter().collect::<Option<Vec<String>>>().as_deref() {
            Some([kind, role, member, grantor]) if kind == "edge" => {
                let grantor = Some(grantor.clone()).filter(|grantor| !grantor.is_empty());
                survey.edges.push((role.clone(), member.clone(), grantor));
            }
            Some([kind, role, member, _]) if kind == "follower" => {
                survey.followers.push((role.clone(), member.clone()));
            }
            Some([kind, by, statement, may]) if kind == "owned" => {
                survey.databases_owned.push(owned(by, statement, may));
            }
            Some([kind, role, ..]) if kind == "lacks" => {
                let superuser = survey.superuser.iter_mut();
                superuser.for_each(|superuser| superuser.lacks.push(role.clone()));
            }
            Some([_, name, needed, _]) => databases.push((name.clone(), needed == "t")),
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
        let message = format!("{user} could not log in to database {database}; nothing was changed");
        caused(message, failure)
    })
}

fn list(names: &[&str]) -> String {
    let all: Vec<String> = names.iter().map(|name| literal(name)).collect();
    all.join(", ")
}

/// Memberships, what the superuser lacks, the databases that the pair owns, and those to look at with
/// whether something of the pair's is in them.
fn cluster(pair: &Pair, owner: &OwnerRole, superuser: Option<&str>) -> String {
    let [current, pending] = pair.names();
    let (users, all) = (list(&[current, pending]), list(&[current, pending, owner.name()]));
    let (superuser, own) = (literal(superuser.unwrap_or_default()), literal(owner.name()));
    let target = literal(&identifier(owner.name()));
    format!(
        "SELECT 'edge', r.rolname, m.rolname, \
             CASE WHEN current_setting('server_version_num')::int >= 160000 THEN g.rolname ELSE '' END \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member \
             JOIN pg_roles g ON g.oid = a.grantor \
         WHERE r.rolname IN ({users}) AND m.rolname IN ({users}) ORDER BY 2, 3, 4; \
         SELECT DISTINCT 'follower', r.rolname, m.rolname, '' \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member \
         WHERE r.rolname IN ({all}) AND m.rolname NOT IN ({users}) AND NOT m.rolcreaterole AND NOT m.rolsuper ORDER BY 2, 3; \
         SELECT 'lacks', n, '', '' FROM unnest(ARRAY[{all}]) n JOIN pg_roles s ON s.rolname = {superuser} AND NOT s.rolsuper \
             LEFT JOIN pg_roles r ON r.rolname = n \
         WHERE r.oid IS NULL OR NOT pg_has_role(s.oid, r.oid, 'USAGE'); \
         SELECT 'owned', r.rolname, format('ALTER DATABASE %I OWNER TO %s', d.datname, {target}), r.rolcreatedb \
         FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname IN ({users}) ORDER BY 3; \
         SELECT 'database', d.datname, n.needed OR d.datname = current_database(), '' FROM pg_database d, LATERAL ( \
             SELECT d.datdba IN (SELECT oid FROM pg_roles WHERE rolname IN ({users}, {own})) OR EXISTS ( \
                 SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid \
                 WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = d.oid AND r.rolname IN ({users}))) n(needed) \
         WHERE n.needed OR d.datallowconn AND NOT d.datistemplate ORDER BY 2",
    )
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
        let there = Login {
            database: name.to_owned(),
            ..login.clone()
        };
        let session = open(connections, ctx, &there).await?;
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
    let grants = roles::grants_query(user, owner.name(), &keep);
    into.grants.extend(session.texts(ctx, &grants).await?);
    let rows = session
        .run(ctx, &of_user(user, owner.name(), &keep, pair.current()))
        .await?;
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
        [kind, statement, _] if kind == "own" && into.own.iter().all(|(_, known)| known != statement) => {
            into.own.push((user.to_owned(), statement.clone()));
        }
        [kind, statement, _] if kind == "policy" => into.grants.push(statement.clone()),
        [kind, schema, _] if kind == "schema" && !into.schemas.contains(schema) => {
            into.schemas.push(schema.clone());
        }
        [kind, what, number] if kind == "left" => into.notes.push(format!(
            "{number} entries of {what} that name {user} are not carried over to the owner role; see to them yourself"
        )),
        _ => {}
    }
}

/// What one user has in the session's database, besides grants of others.
fn of_user(user: &str, owner: &str, pair: &[&str], home: &Login) -> String {
    let (name, own, keep) = (literal(user), literal(owner), list(pair));
    let home = literal(&home.database);
    let target = literal(&identifier(owner));
    format!(
        "WITH mine AS (SELECT d.* FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid \
                 JOIN pg_database b ON b.datname = current_database() \
             WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname = {name} \
                 AND (d.dbid = b.oid OR d.dbid = 0 AND b.datname = {home})) \
         SELECT 'owns', '', '' WHERE EXISTS (SELECT FROM mine WHERE deptype = 'o' \
             AND classid NOT IN ('pg_default_acl'::regclass, 'pg_user_mapping'::regclass, \
                 'pg_namespace'::regclass, 'pg_database'::regclass)) \
         UNION ALL SELECT 'left', classid::regclass::text, count(*)::text FROM mine \
             WHERE deptype = 'o' AND classid = 'pg_user_mapping'::regclass \
                 OR deptype = 'a' AND (classid::regclass::text IN ('pg_tablespace', 'pg_parameter_acl')) \
             GROUP BY classid; \
         SELECT 'owned', format('ALTER SCHEMA %I OWNER TO %s', n.nspname, {target}), \
                 has_database_privilege(r.oid, current_database(), 'CREATE') \
             FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE r.rolname = {name} ORDER BY 2; \
         SELECT 'schema', nspname, '' FROM pg_namespace WHERE nspname IN ({keep}); \
         WITH own AS (SELECT a.defaclobjtype AS kind, a.defaclnamespace AS space, a.defaclacl AS list \
                 FROM pg_default_acl a JOIN pg_roles r ON r.oid = a.defaclrole WHERE r.rolname = {own}), \
             theirs AS (SELECT d.*, n.nspname, CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' \
                     WHEN 'f' THEN 'ROUTINES' WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END AS objects, \
                     CASE d.defaclnamespace WHEN 0 THEN acldefault(CASE d.defaclobjtype WHEN 'S' THEN 's' ELSE d.defaclobjtype END, \
                         d.defaclrole) END AS standard, \
                     (SELECT list FROM own WHERE kind = d.defaclobjtype AND space = d.defaclnamespace) AS given \
                 FROM pg_default_acl d JOIN pg_roles r ON r.oid = d.defaclrole \
                     LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace WHERE r.rolname = {name}), \
             kept AS (SELECT oid FROM pg_roles WHERE rolname IN ({keep})) \
         SELECT 'own', format('ALTER DEFAULT PRIVILEGES FOR ROLE %s%s GRANT %s ON %s TO %s%s', {target}, \
                 CASE WHEN t.nspname IS NULL THEN '' ELSE format(' IN SCHEMA %I', t.nspname) END, e.privilege_type, t.objects, \
                 CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(g.rolname) END, \
                 CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END), '' \
             FROM theirs t CROSS JOIN aclexplode(t.defaclacl) e LEFT JOIN pg_roles g ON g.oid = e.grantee \
             WHERE e.grantee NOT IN (SELECT oid FROM kept) AND NOT EXISTS ( \
                 SELECT FROM aclexplode(coalesce(t.given, t.standard)) x WHERE x.grantee = e.grantee \
                     AND x.privilege_type = e.privilege_type AND (x.is_grantable OR NOT e.is_grantable)) \
         UNION ALL \
         SELECT 'own', format('ALTER DEFAULT PRIVILEGES FOR ROLE %s REVOKE %s ON %s FROM PUBLIC', {target}, \
                 s.privilege_type, t.objects), '' \
             FROM theirs t CROSS JOIN aclexplode(t.standard) s WHERE s.grantee = 0 \
                 AND NOT EXISTS (SELECT FROM aclexplode(t.defaclacl) e WHERE e.grantee = 0 AND e.privilege_type = s.privilege_type) \
                 AND EXISTS (SELECT FROM aclexplode(coalesce(t.given, t.standard)) x \
                     WHERE x.grantee = 0 AND x.privilege_type = s.privilege_type) \
         ORDER BY 2; \
         SELECT CASE WHEN o.rolname IN ({keep}) THEN 'own' ELSE 'policy' END, \
                 format('ALTER POLICY %I ON %I.%I TO %s, %s', p.polname, n.nspname, c.relname, \
                     (SELECT string_agg(quote_ident(m.rolname), ', ' ORDER BY m.rolname) FROM pg_roles m \
                         WHERE m.oid = ANY (p.polroles)), {target}), '' \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles r ON r.rolname = {name} AND r.oid = ANY (p.polroles) \
             WHERE NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = {own} AND w.oid = ANY (p.polroles)) ORDER BY 2",
    )
}
