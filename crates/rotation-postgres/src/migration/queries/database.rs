//! What is of one database.

use crate::sql::{identifier, literal, literals};

/// What one user has in the session's database, besides grants of others. `pair` has the owner role in it, and
/// `home` is the database of the secret.
pub(crate) fn of_user(user: &str, owner: &str, pair: &[&str], home: &str) -> String {
    let (name, own, keep) = (literal(user), literal(owner), literals(pair));
    let target = literal(&identifier(owner));
    [
        owned(&name, &literal(home)),
        schemas_owned(&name, &target),
        blocked(&name, &keep),
        format!("SELECT 'schema', nspname, '' FROM pg_namespace WHERE nspname IN ({keep})"),
        default_privileges(&name, &own, &keep, &target),
        policies(&name, &own, &keep, &target),
        restrictive_policies(&name, &own, &keep),
    ]
    .join("; ")
}

/// Whether it owns something besides schemas and databases, and what a change of the owner leaves behind.
fn owned(name: &str, home: &str) -> String {
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
             GROUP BY classid"
    )
}

fn schemas_owned(name: &str, target: &str) -> String {
    format!(
        "SELECT 'owned', format('ALTER SCHEMA %I OWNER TO %s', n.nspname, {target}), \
                 has_database_privilege(r.oid, current_database(), 'CREATE') \
             FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner WHERE r.rolname = {name} ORDER BY 2"
    )
}

/// Where the user owns objects of a kind whose new owner needs CREATE, and has not that right itself.
fn blocked(name: &str, keep: &str) -> String {
    format!(
        "WITH o AS (SELECT d.classid, d.objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid \
                 JOIN pg_database b ON b.oid = d.dbid AND b.datname = current_database() \
                 WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND r.rolname = {name}), \
             at(space) AS (SELECT pronamespace FROM pg_proc p JOIN o ON o.classid = 'pg_proc'::regclass AND o.objid = p.oid \
                 UNION SELECT oprnamespace FROM pg_operator p JOIN o ON o.classid = 'pg_operator'::regclass AND o.objid = p.oid \
                 UNION SELECT opcnamespace FROM pg_opclass p JOIN o ON o.classid = 'pg_opclass'::regclass AND o.objid = p.oid \
                 UNION SELECT opfnamespace FROM pg_opfamily p JOIN o ON o.classid = 'pg_opfamily'::regclass AND o.objid = p.oid \
                 UNION SELECT collnamespace FROM pg_collation p JOIN o ON o.classid = 'pg_collation'::regclass AND o.objid = p.oid \
                 UNION SELECT connamespace FROM pg_conversion p JOIN o ON o.classid = 'pg_conversion'::regclass AND o.objid = p.oid \
                 UNION SELECT stxnamespace FROM pg_statistic_ext p JOIN o ON o.classid = 'pg_statistic_ext'::regclass AND o.objid = p.oid \
                 UNION SELECT cfgnamespace FROM pg_ts_config p JOIN o ON o.classid = 'pg_ts_config'::regclass AND o.objid = p.oid \
                 UNION SELECT dictnamespace FROM pg_ts_dict p JOIN o ON o.classid = 'pg_ts_dict'::regclass AND o.objid = p.oid) \
         SELECT 'blocked', format('SCHEMA %I', n.nspname), '' FROM at JOIN pg_namespace n ON n.oid = at.space \
                 JOIN pg_roles w ON w.oid = n.nspowner \
             WHERE w.rolname NOT IN ({keep}) AND NOT has_schema_privilege({name}, n.oid, 'CREATE') \
         UNION ALL SELECT 'blocked', format('DATABASE %I', current_database()), '' \
             WHERE EXISTS (SELECT FROM o WHERE classid = 'pg_publication'::regclass) \
                 AND NOT has_database_privilege({name}, current_database(), 'CREATE') ORDER BY 2"
    )
}

/// What the user's default privileges give, and what they take from PUBLIC.
fn default_privileges(name: &str, own: &str, keep: &str, target: &str) -> String {
    format!(
        "WITH own AS (SELECT a.defaclobjtype AS kind, a.defaclnamespace AS space, a.defaclacl AS list \
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
             WHERE e.grantee NOT IN (SELECT oid FROM kept) \
                 AND NOT (e.grantee = 0 AND EXISTS (SELECT FROM aclexplode(t.standard) s \
                     WHERE s.grantee = 0 AND s.privilege_type = e.privilege_type)) AND NOT EXISTS ( \
                 SELECT FROM aclexplode(coalesce(t.given, t.standard)) x WHERE x.grantee = e.grantee \
                     AND x.privilege_type = e.privilege_type AND (x.is_grantable OR NOT e.is_grantable)) \
         UNION ALL \
         SELECT 'own', format('ALTER DEFAULT PRIVILEGES FOR ROLE %s REVOKE %s ON %s FROM PUBLIC', {target}, \
                 s.privilege_type, t.objects), '' \
             FROM theirs t CROSS JOIN aclexplode(t.standard) s WHERE s.grantee = 0 \
                 AND NOT EXISTS (SELECT FROM aclexplode(t.defaclacl) e WHERE e.grantee = 0 AND e.privilege_type = s.privilege_type) \
                 AND EXISTS (SELECT FROM aclexplode(coalesce(t.given, t.standard)) x \
                     WHERE x.grantee = 0 AND x.privilege_type = s.privilege_type) \
         ORDER BY 2"
    )
}

/// Row security policies that name the user and not the owner role.
fn policies(name: &str, own: &str, keep: &str, target: &str) -> String {
    format!(
        "SELECT CASE WHEN o.rolname IN ({keep}) THEN 'own' ELSE 'policy' END, \
                 format('ALTER POLICY %I ON %I.%I TO %s, %s', p.polname, n.nspname, c.relname, \
                     (SELECT string_agg(quote_ident(m.rolname), ', ' ORDER BY m.rolname) FROM pg_roles m \
                         WHERE m.oid = ANY (p.polroles)), {target}), '' \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles r ON r.rolname = {name} AND r.oid = ANY (p.polroles) \
             WHERE NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = {own} AND w.oid = ANY (p.polroles)) ORDER BY 2"
    )
}

/// Restrictive policies for this user alone: with the role they are for both.
fn restrictive_policies(name: &str, own: &str, keep: &str) -> String {
    format!(
        "SELECT 'restricts', format('%I on %I.%I', p.polname, n.nspname, c.relname), '' \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_roles r ON r.rolname = {name} AND r.oid = ANY (p.polroles) \
             WHERE NOT p.polpermissive AND NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = {own} AND w.oid = ANY (p.polroles)) \
                 AND EXISTS (SELECT FROM pg_roles w WHERE w.rolname IN ({keep}) AND w.rolname NOT IN ({own}) \
                     AND w.oid <> ALL (p.polroles)) ORDER BY 2"
    )
}
