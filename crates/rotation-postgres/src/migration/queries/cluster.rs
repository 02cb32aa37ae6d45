//! What is of the whole cluster.

use super::refusals::refusals;
use super::theirs::theirs;
use crate::sql::{identifier, literal, literals};

/// Memberships, what stands in the way, what the superuser lacks, the databases that the pair owns, and
/// those to look at with whether something of the pair's is in them.
pub(crate) fn cluster(users: [&str; 2], owner: &str, superuser: Option<&str>) -> String {
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
