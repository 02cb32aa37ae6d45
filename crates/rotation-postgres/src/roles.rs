//! What the catalogs say of a pair of users. Any user may read all of this.

use std::collections::{BTreeMap, BTreeSet};

use rotation_core::StepContext;

use crate::error::DatabaseError;
use crate::session::{Row, Session};
use crate::sql::{identifier, literal};

/// One role.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Role {
    pub(crate) name: String,
    pub(crate) can_login: bool,
    /// A superuser, or a member of one or of Amazon's `rds_superuser`.
    pub(crate) superuser: bool,
    /// -1 is none.
    pub(crate) connection_limit: i64,
    /// In UTC, or `-infinity`; `None` is for ever.
    pub(crate) valid_until: Option<String>,
    /// That time has passed.
    pub(crate) expired: bool,
    /// CREATEDB and the like.
    pub(crate) attributes: BTreeSet<String>,
    /// The roles that it is a direct member of.
    pub(crate) memberships: BTreeMap<String, Membership>,
    /// By database (empty for all) and name.
    pub(crate) settings: BTreeMap<(String, String), String>,
    /// How many objects it owns, and how many have grants to it, in all databases.
    pub(crate) owned: u64,
    pub(crate) granted: u64,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Membership {
    pub(crate) inherits: bool,
    pub(crate) sets: bool,
    pub(crate) admin: bool,
    /// The role is itself a member of the pending user.
    pub(crate) circular: bool,
}

/// The roles of a pair, as far as they exist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Roles {
    pub(crate) current: Option<Role>,
    pub(crate) pending: Option<Role>,
    pub(crate) owner: Option<Role>,
    /// PostgreSQL 16 or later: memberships have options.
    pub(crate) has_options: bool,
    /// The pending user is a member of the current one, directly or not.
    pub(crate) pending_is_member: bool,
    /// The same, and has all that the current one has, by inheritance.
    pub(crate) pending_inherits: bool,
    /// The current user is a member of the pending one, directly or not.
    pub(crate) current_is_member: bool,
}

/// The catalogs' names for those that alternate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) current: &'a str,
    pub(crate) pending: &'a str,
    pub(crate) owner: Option<&'a str>,
}

/// Reads the roles in one round trip.
pub(crate) async fn read(
    session: &Session,
    ctx: &StepContext<'_>,
    names: Names<'_>,
) -> Result<Roles, DatabaseError> {
    let rows = session.run(ctx, &query(names)).await?;
    Ok(gather(names, &rows))
}

fn query(names: Names<'_>) -> String {
    let mut all = vec![literal(names.current), literal(names.pending)];
    all.extend(names.owner.map(literal));
    let (any, current, pending) = (all.join(", "), literal(names.current), literal(names.pending));
    format!(
        "SELECT 'role', r.rolname, r.rolcanlogin, \
             EXISTS (SELECT FROM pg_roles s WHERE (s.rolsuper OR s.rolname = 'rds_superuser') \
                 AND pg_has_role(r.oid, s.oid, 'MEMBER')), \
             r.rolconnlimit, \
             CASE WHEN r.rolvaliduntil = '-infinity' THEN '-infinity' WHEN isfinite(r.rolvaliduntil) THEN \
                 to_char(r.rolvaliduntil AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || '+00' END, \
             coalesce(r.rolvaliduntil <= now(), false), \
             concat_ws(' ', CASE WHEN r.rolcreatedb THEN 'CREATEDB' END, \
                 CASE WHEN r.rolcreaterole THEN 'CREATEROLE' END, \
                 CASE WHEN r.rolreplication THEN 'REPLICATION' END, \
                 CASE WHEN r.rolbypassrls THEN 'BYPASSRLS' END, \
                 CASE WHEN NOT r.rolinherit THEN 'NOINHERIT' END), \
             (SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass \
                 AND d.refobjid = r.oid AND d.deptype = 'o'), \
             (SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass \
                 AND d.refobjid = r.oid AND d.deptype = 'a') \
         FROM pg_roles r WHERE r.rolname IN ({any}); \
         SELECT 'member', m.rolname, r.rolname, \
             bool_or(coalesce((to_jsonb(a)->>'inherit_option')::bool, m.rolinherit)), \
             bool_or(coalesce((to_jsonb(a)->>'set_option')::bool, true)), bool_or(a.admin_option), \
             bool_or(EXISTS (SELECT FROM pg_roles p WHERE p.rolname = {pending} AND pg_has_role(r.oid, p.oid, 'MEMBER'))) \
         FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid \
         WHERE m.rolname IN ({any}) GROUP BY m.rolname, r.rolname; \
         SELECT 'setting', r.rolname, coalesce(d.datname, ''), s \
         FROM pg_db_role_setting g JOIN pg_roles r ON r.oid = g.setrole \
             LEFT JOIN pg_database d ON d.oid = g.setdatabase CROSS JOIN unnest(g.setconfig) s \
         WHERE r.rolname IN ({any}) AND (g.setdatabase = 0 OR d.oid IS NOT NULL); \
         SELECT 'reach', pg_has_role(p.oid, c.oid, 'USAGE'), pg_has_role(c.oid, p.oid, 'MEMBER'), \
             pg_has_role(p.oid, c.oid, 'MEMBER') \
         FROM pg_roles p, pg_roles c WHERE p.rolname = {pending} AND c.rolname = {current}; \
         SELECT 'options', current_setting('server_version_num')::int >= 160000",
    )
}

fn gather(names: Names<'_>, rows: &[Row]) -> Roles {
    let mut all: BTreeMap<&str, Role> = BTreeMap::new();
    let mut roles = Roles::default();
    let text = |row: &'_ [Option<String>], column: usize| row.get(column).cloned().flatten();
    let yes = |row: &[Option<String>], column: usize| text(row, column).as_deref() == Some("t");
    let number =
        |row: &[Option<String>], column: usize| text(row, column).and_then(|n| n.parse::<i64>().ok());
    for row in rows {
        let Some([Some(kind), rest @ ..]) = row.get(..) else {
            continue;
        };
        if kind == "reach" {
            roles.pending_inherits = yes(rest, 0);
            roles.current_is_member = yes(rest, 1);
            roles.pending_is_member = yes(rest, 2);
            continue;
        }
        if kind == "options" {
            roles.has_options = yes(rest, 0);
            continue;
        }
        let Some([Some(name), rest @ ..]) = rest.get(..) else {
            continue;
        };
        let role = all.entry(name).or_default();
        match kind.as_str() {
            "role" => {
                role.name.clone_from(name);
                role.can_login = yes(rest, 0);
                role.superuser = yes(rest, 1);
                role.connection_limit = number(rest, 2).unwrap_or(-1);
                role.valid_until = text(rest, 3);
                role.expired = yes(rest, 4);
                role.attributes = text(rest, 5)
                    .unwrap_or_default()
                    .split_whitespace()
                    .map(str::to_owned)
                    .collect();
                role.owned = number(rest, 6).map_or(0, i64::unsigned_abs);
                role.granted = number(rest, 7).map_or(0, i64::unsigned_abs);
            }
            "member" => {
                let membership = Membership {
                    inherits: yes(rest, 1),
                    sets: yes(rest, 2),
                    admin: yes(rest, 3),
                    circular: yes(rest, 4),
                };
                role.memberships
                    .insert(text(rest, 0).unwrap_or_default(), membership);
            }
            _ => {
                let (database, setting) = (
                    text(rest, 0).unwrap_or_default(),
                    text(rest, 1).unwrap_or_default(),
                );
                if let Some((key, value)) = setting.split_once('=') {
                    role.settings.insert((database, key.to_owned()), value.to_owned());
                }
            }
        }
    }
    roles.current = all.remove(names.current);
    roles.pending = all.remove(names.pending);
    roles.owner = names.owner.and_then(|owner| all.remove(owner));
    roles
}

/// The statements that give the pending user the direct grants that the current one has in the
/// session's database, and default privileges.
pub(crate) async fn missing_grants(
    session: &Session,
    ctx: &StepContext<'_>,
    names: Names<'_>,
) -> Result<Vec<String>, DatabaseError> {
    session.texts(ctx, &missing_grants_query(names)).await
}

pub(crate) fn missing_grants_query(names: Names<'_>) -> String {
    grants_query(names.current, names.pending, &[names.pending])
}

/// Statements that give one role what another was granted in the session's database: databases,
/// schemas, relations, columns, routines, types, languages, foreign servers and wrappers, large objects,
/// default privileges. Nothing on what these owners own.
pub(crate) fn grants_query(from: &str, to: &str, owners: &[&str]) -> String {
    let owners: Vec<String> = owners.iter().map(|owner| literal(owner)).collect();
    let owners = format!(
        "SELECT oid FROM pg_roles WHERE rolname IN ({})",
        owners.join(", ")
    );
    let (from, to, target) = (literal(from), literal(to), literal(&identifier(to)));
    // Each arm: an access list, the owner, what to grant on, an optional column.
    format!(
        "WITH acl(list, owner, object, col) AS ( \
             SELECT datacl, datdba, format('DATABASE %I', datname), NULL::text FROM pg_database \
                 WHERE datname = current_database() \
             UNION ALL SELECT nspacl, nspowner, format('SCHEMA %I', nspname), NULL FROM pg_namespace \
             UNION ALL SELECT c.relacl, c.relowner, format('%s %I.%I', \
                 CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname), NULL \
                 FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' \
             UNION ALL SELECT a.attacl, c.relowner, format('TABLE %I.%I', n.nspname, c.relname), \
                 format(' (%I)', a.attname) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid \
                 JOIN pg_namespace n ON n.oid = c.relnamespace WHERE NOT a.attisdropped AND c.relpersistence <> 't' \
             UNION ALL SELECT p.proacl, p.proowner, format('ROUTINE %s', p.oid::regprocedure), NULL FROM pg_proc p \
             UNION ALL SELECT t.typacl, t.typowner, format('TYPE %I.%I', n.nspname, t.typname), NULL \
                 FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace \
             UNION ALL SELECT srvacl, srvowner, format('FOREIGN SERVER %I', srvname), NULL FROM pg_foreign_server \
             UNION ALL SELECT fdwacl, fdwowner, format('FOREIGN DATA WRAPPER %I', fdwname), NULL \
                 FROM pg_foreign_data_wrapper \
             UNION ALL SELECT lanacl, lanowner, format('LANGUAGE %I', lanname), NULL FROM pg_language \
             UNION ALL SELECT lomacl, lomowner, format('LARGE OBJECT %s', oid), NULL FROM pg_largeobject_metadata \
         ), held AS ( \
             SELECT object, col, privilege_type AS right, is_grantable AS again, grantee \
             FROM acl, aclexplode(acl.list) WHERE acl.list IS NOT NULL AND grantee IN \
                 (SELECT oid FROM pg_roles WHERE rolname IN ({from}, {to})) AND grantee <> acl.owner \
                 AND acl.owner NOT IN ({owners}) \
         ) \
         SELECT format('GRANT %s%s ON %s TO %s%s', h.right, h.col, h.object, {target}, \
             CASE WHEN h.again THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM held h JOIN pg_roles r ON r.oid = h.grantee AND r.rolname = {from} \
         WHERE NOT EXISTS (SELECT FROM held o JOIN pg_roles q ON q.oid = o.grantee AND q.rolname = {to} \
             WHERE o.object = h.object AND o.col IS NOT DISTINCT FROM h.col AND o.right = h.right \
                 AND (o.again OR NOT h.again)) \
         UNION ALL \
         SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s%s', o.rolname, \
             CASE WHEN n.nspname IS NULL THEN '' ELSE format(' IN SCHEMA %I', n.nspname) END, e.privilege_type, \
             CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' \
                 WHEN 'T' THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' END, {target}, \
             CASE WHEN e.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) \
         FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) e JOIN pg_roles r ON r.oid = e.grantee \
             JOIN pg_roles o ON o.oid = d.defaclrole LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace \
         WHERE r.rolname = {from} AND e.grantee <> d.defaclrole AND d.defaclobjtype IN ('r', 'S', 'f', 'T', 'n', 'L') \
             AND d.defaclrole NOT IN ({owners}) \
             AND NOT EXISTS (SELECT FROM aclexplode(d.defaclacl) x JOIN pg_roles q ON q.oid = x.grantee \
                 WHERE q.rolname = {to} AND x.privilege_type = e.privilege_type \
                     AND (x.is_grantable OR NOT e.is_grantable)) \
         ORDER BY 1",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_roles() {
        let names = Names {
            current: "app",
            pending: "app_clone",
            owner: Some("own"),
        };
        let row = |text: &str| {
            text.split('|')
                .map(|value| (value != "-").then(|| value.to_owned()))
                .collect::<Row>()
        };
        let rows = [
            "role|app|t|f|-1|-|f|CREATEDB|2|1",
            "role|app_clone|f|t|5|2030-01-01 00:00:00.000000+00|t||0|0",
            "member|app|own|f|t|f|f",
            "setting|app||search_path=a, b=c",
            "setting|app|crm|work_mem=1MB",
            "reach|t|f|t",
            "options|t",
        ]
        .map(row);
        let roles = gather(names, &rows);
        let (current, pending) = (roles.current.unwrap(), roles.pending.unwrap());
        assert!(current.can_login && !current.superuser && current.attributes.contains("CREATEDB"));
        assert_eq!(
            (current.owned, current.granted, current.connection_limit),
            (2, 1, -1)
        );
        let own = current.memberships["own"];
        assert!(!own.inherits && own.sets && !own.admin);
        let key = (String::new(), "search_path".to_owned());
        assert_eq!(current.settings[&key], "a, b=c");
        assert!(!pending.can_login && pending.superuser && pending.connection_limit == 5);
        assert!(pending.valid_until.is_some() && pending.expired && pending.attributes.is_empty());
        assert!(roles.pending_inherits && roles.pending_is_member && roles.has_options);
        assert!(!roles.current_is_member && roles.owner.is_none());
    }
}
