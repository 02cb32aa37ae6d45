//! The queries of a migration. Any user may read all of this.

use crate::sql::{identifier, literal, literals};

/// Memberships, what stands in the way, what the superuser lacks, the databases that the pair owns, and
/// those to look at with whether something of the pair's is in them.
pub(super) fn cluster(users: [&str; 2], owner: &str, superuser: Option<&str>) -> String {
    let ([one, other], own) = (users.map(literal), literal(owner));
    let (pair, all) = (literals(&users), format!("{}, {own}", literals(&users)));
    let superuser = literal(superuser.unwrap_or_default());
    let target = literal(&identifier(owner));
    let refusals = refusals(&pair, &own, &superuser, [&one, &other]);
    format!(
        "SELECT 'has options', current_setting('server_version_num')::int >= 160000; \
         SELECT 'edge', r.rolname, m.rolname, \
             CASE WHEN current_setting('server_version_num')::int >= 160000 THEN g.rolname ELSE '' END \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member \
             LEFT JOIN pg_roles g ON g.oid = a.grantor \
         WHERE r.rolname IN ({pair}) AND m.rolname IN ({pair}) ORDER BY 2, 3, 4; \
         SELECT DISTINCT 'follower', r.rolname, m.rolname \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member \
         WHERE r.rolname IN ({all}) AND m.rolname NOT IN ({pair}) AND NOT m.rolcreaterole AND NOT m.rolsuper ORDER BY 2, 3; \
         SELECT 'superuser', rolsuper FROM pg_roles WHERE rolname = {superuser}; \
         SELECT 'lacks', n FROM unnest(ARRAY[{all}]) n JOIN pg_roles s ON s.rolname = {superuser} AND NOT s.rolsuper \
             LEFT JOIN pg_roles r ON r.rolname = n \
         WHERE r.oid IS NULL OR NOT pg_has_role(s.oid, r.oid, 'USAGE') \
             OR CASE WHEN current_setting('server_version_num')::int >= 160000 THEN NOT pg_has_role(s.oid, r.oid, 'SET') END; \
         SELECT 'owned', r.rolname, format('ALTER DATABASE %I OWNER TO %s', d.datname, {target}), r.rolcreatedb \
         FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname IN ({pair}) ORDER BY 3; \
         {refusals} \
         SELECT 'database', d.datname, {THEIRS} OR d.datname = current_database() FROM pg_database d \
         WHERE d.datallowconn AND ({THEIRS} OR NOT d.datistemplate) ORDER BY 2",
        THEIRS = theirs(&all, &pair),
    )
}

/// Whether a database is the pair's, or has something of it.
fn theirs(all: &str, pair: &str) -> String {
    format!(
        "(d.datdba IN (SELECT oid FROM pg_roles WHERE rolname IN ({all})) \
         OR EXISTS (SELECT FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname IN ({pair})) \
         OR EXISTS (SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid \
             WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = d.oid AND r.rolname IN ({pair})))"
    )
}

/// What would fail half way: found out before anything is changed.
fn refusals(pair: &str, own: &str, superuser: &str, [one, other]: [&str; 2]) -> String {
    let theirs = theirs(pair, pair);
    format!(
        "SELECT 'refusal', format('%I stands between the two users: it is a member of one, and the other is a member of it; \
             revoke one of the two memberships first', r.rolname) \
         FROM pg_roles r JOIN pg_roles o ON o.rolname = {one} JOIN pg_roles p ON p.rolname = {other} \
         WHERE r.rolname NOT IN ({pair}, {own}) AND NOT r.rolsuper \
             AND (pg_has_role(r.oid, o.oid, 'MEMBER') AND pg_has_role(p.oid, r.oid, 'MEMBER') \
                 OR pg_has_role(r.oid, p.oid, 'MEMBER') AND pg_has_role(o.oid, r.oid, 'MEMBER')); \
         SELECT 'refusal', format('the owner role %I is a member of %I, which is to be a member of it; revoke that first', w.rolname, r.rolname) \
         FROM pg_roles w, pg_roles r WHERE w.rolname = {own} AND r.rolname IN ({pair}) AND pg_has_role(w.oid, r.oid, 'MEMBER'); \
         SELECT 'refusal', format('the owner role %I has NOINHERIT; run: ALTER ROLE %I INHERIT', rolname, rolname) \
         FROM pg_roles WHERE rolname = {own} AND NOT rolinherit; \
         SELECT 'refusal', format('%I owns the database %I, and to give it away takes CREATEDB, which neither it nor the superuser \
             has; run, for the time being: ALTER ROLE %I CREATEDB', r.rolname, d.datname, coalesce(s.rolname, r.rolname)) \
         FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba AND NOT r.rolcreatedb LEFT JOIN pg_roles s ON s.rolname = {superuser} \
         WHERE r.rolname IN ({pair}) AND s.oid IS NOT NULL AND NOT s.rolcreatedb AND NOT s.rolsuper; \
         SELECT 'refusal', format('%I was made a member of %I by %I, which %I may not undo; have a member of %I run, after GRANT %I TO %I by %I: \
             REVOKE %I FROM %I GRANTED BY %I', m.rolname, r.rolname, g.rolname, s.rolname, g.rolname, r.rolname, m.rolname, s.rolname, \
             r.rolname, m.rolname, g.rolname) \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.grantor \
             JOIN pg_roles s ON s.rolname = {superuser} AND NOT s.rolsuper \
         WHERE current_setting('server_version_num')::int >= 160000 AND r.rolname IN ({pair}) AND m.rolname IN ({pair}) \
             AND NOT pg_has_role(s.oid, g.oid, 'USAGE'); \
         SELECT 'refusal', format('%I passed its membership in %I on to %I; run first: REVOKE %I FROM %I GRANTED BY %I', \
             g.rolname, r.rolname, m.rolname, r.rolname, m.rolname, g.rolname) \
         FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid JOIN pg_roles m ON m.oid = a.member JOIN pg_roles g ON g.oid = a.grantor \
         WHERE current_setting('server_version_num')::int >= 160000 AND r.rolname IN ({pair}) AND g.rolname IN ({pair}) \
             AND r.rolname <> g.rolname; \
         SELECT 'refusal', format('the database %I has something of theirs and allows no connections; run: ALTER DATABASE %I ALLOW_CONNECTIONS true', \
             d.datname, d.datname) \
         FROM pg_database d WHERE NOT d.datallowconn AND {theirs}; \
         SELECT 'refusal', format('the database %I has another encoding than %I, and names of the pair that are not ASCII look different in it', \
             d.datname, current_database()) \
         FROM pg_database d, pg_database h WHERE h.datname = current_database() AND d.encoding <> h.encoding AND {theirs} \
             AND EXISTS (SELECT FROM unnest(ARRAY[{pair}, {own}]) n WHERE n ~ '[^ -~]');"
    )
}

/// What one user has in the session's database, besides grants of others.
pub(super) fn of_user(user: &str, owner: &str, pair: &[&str], home: &str) -> String {
    let (name, own, keep) = (literal(user), literal(owner), literals(pair));
    let home = literal(home);
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
         WITH o AS (SELECT d.classid, d.objid FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid \
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
                 AND NOT has_database_privilege({name}, current_database(), 'CREATE') ORDER BY 2; \
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
         ORDER BY 2; \
         SELECT CASE WHEN o.rolname IN ({keep}) THEN 'own' ELSE 'policy' END, \
                 format('ALTER POLICY %I ON %I.%I TO %s, %s', p.polname, n.nspname, c.relname, \
                     (SELECT string_agg(quote_ident(m.rolname), ', ' ORDER BY m.rolname) FROM pg_roles m \
                         WHERE m.oid = ANY (p.polroles)), {target}), '' \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_roles o ON o.oid = c.relowner JOIN pg_roles r ON r.rolname = {name} AND r.oid = ANY (p.polroles) \
             WHERE NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = {own} AND w.oid = ANY (p.polroles)) ORDER BY 2; \
         SELECT 'restricts', format('%I on %I.%I', p.polname, n.nspname, c.relname), '' \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 JOIN pg_roles r ON r.rolname = {name} AND r.oid = ANY (p.polroles) \
             WHERE NOT p.polpermissive AND NOT EXISTS (SELECT FROM pg_roles w WHERE w.rolname = {own} AND w.oid = ANY (p.polroles)) \
                 AND EXISTS (SELECT FROM pg_roles w WHERE w.rolname IN ({keep}) AND w.rolname NOT IN ({own}) \
                     AND w.oid <> ALL (p.polroles)) ORDER BY 2",
    )
}
