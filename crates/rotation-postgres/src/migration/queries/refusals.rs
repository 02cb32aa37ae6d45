//! What stands in the way of a migration.

use super::theirs::theirs;

/// What would fail half way: found out before anything is changed.
pub(super) fn refusals(pair: &str, own: &str, superuser: &str, users: [&str; 2]) -> String {
    [
        circles(pair, own, users),
        unfit_owner(own),
        givers(pair, superuser),
        grantors(pair, superuser),
        databases(pair, own),
    ]
    .join(" ")
}

/// Memberships that would lead in a circle.
fn circles(pair: &str, own: &str, [one, other]: [&str; 2]) -> String {
    format!(
        "SELECT 'refusal', format('%I stands between the two users: it is a member of one, and the other is a member of it; \
             revoke one of the two memberships first', r.rolname) \
         FROM pg_roles r JOIN pg_roles o ON o.rolname = {one} JOIN pg_roles p ON p.rolname = {other} \
         WHERE r.rolname NOT IN ({pair}, {own}) AND NOT r.rolsuper \
             AND (pg_has_role(r.oid, o.oid, 'MEMBER') AND pg_has_role(p.oid, r.oid, 'MEMBER') \
                 OR pg_has_role(r.oid, p.oid, 'MEMBER') AND pg_has_role(o.oid, r.oid, 'MEMBER')); \
         SELECT 'refusal', format('the owner role %I is a member of %I, which is to be a member of it; revoke that first', w.rolname, r.rolname) \
         FROM pg_roles w, pg_roles r WHERE w.rolname = {own} AND r.rolname IN ({pair}) AND pg_has_role(w.oid, r.oid, 'MEMBER');"
    )
}

fn unfit_owner(own: &str) -> String {
    format!(
        "SELECT 'refusal', format('the owner role %I has NOINHERIT; run: ALTER ROLE %I INHERIT', rolname, rolname) \
         FROM pg_roles WHERE rolname = {own} AND NOT rolinherit;"
    )
}

/// Databases that nobody may give away.
fn givers(pair: &str, superuser: &str) -> String {
    format!(
        "SELECT 'refusal', format('%I owns the database %I, and to give it away takes CREATEDB, which neither it nor the superuser \
             has; run, for the time being: ALTER ROLE %I CREATEDB', r.rolname, d.datname, coalesce(s.rolname, r.rolname)) \
         FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba AND NOT r.rolcreatedb LEFT JOIN pg_roles s ON s.rolname = {superuser} \
         WHERE r.rolname IN ({pair}) AND s.oid IS NOT NULL AND NOT s.rolcreatedb AND NOT s.rolsuper;"
    )
}

/// Memberships of one user in the other that the superuser may not revoke, or not yet.
fn grantors(pair: &str, superuser: &str) -> String {
    format!(
        "SELECT 'refusal', format('%I was made a member of %I by %I, which %I may not undo; have a member of %I run, after GRANT %I TO %I by %I: \
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
             AND r.rolname <> g.rolname;"
    )
}

/// Databases that cannot be looked at.
fn databases(pair: &str, own: &str) -> String {
    let theirs = theirs(pair, pair);
    format!(
        "SELECT 'refusal', format('the database %I has something of theirs and allows no connections; run: ALTER DATABASE %I ALLOW_CONNECTIONS true', \
             d.datname, d.datname) \
         FROM pg_database d WHERE NOT d.datallowconn AND {theirs}; \
         SELECT 'refusal', format('the database %I has another encoding than %I, and names of the pair that are not ASCII look different in it', \
             d.datname, current_database()) \
         FROM pg_database d, pg_database h WHERE h.datname = current_database() AND d.encoding <> h.encoding AND {theirs} \
             AND EXISTS (SELECT FROM unnest(ARRAY[{pair}, {own}]) n WHERE n ~ '[^ -~]');"
    )
}
