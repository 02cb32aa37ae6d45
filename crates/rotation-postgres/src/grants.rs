//! The direct grants to a role, as the statements that give another role the same. Any user may read all of
//! this.

use rotation_core::StepContext;

use crate::error::DatabaseError;
use crate::roles::Names;
use crate::session::Session;
use crate::sql::{identifier, literal, literals};

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
    let owners = format!("SELECT oid FROM pg_roles WHERE rolname IN ({})", literals(owners));
    let (from, to, target) = (literal(from), literal(to), literal(&identifier(to)));
    format!(
        "{} UNION ALL {} ORDER BY 1",
        on_objects(&from, &to, &target, &owners),
        by_default(&from, &to, &target, &owners),
    )
}

/// Each arm: an access list, the owner, what to grant on, an optional column.
const ACCESS_LISTS: &str = "acl(list, owner, object, col) AS ( \
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
     )";

fn on_objects(from: &str, to: &str, target: &str, owners: &str) -> String {
    format!(
        "WITH {ACCESS_LISTS}, held AS ( \
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
                 AND (o.again OR NOT h.again))"
    )
}

fn by_default(from: &str, to: &str, target: &str, owners: &str) -> String {
    format!(
        "SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s GRANT %s ON %s TO %s%s', o.rolname, \
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
                     AND (x.is_grantable OR NOT e.is_grantable))"
    )
}
