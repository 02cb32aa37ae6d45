//! Which databases have to be looked at.

/// Whether a database is the pair's, or has something of it.
pub(super) fn theirs(all: &str, pair: &str) -> String {
    format!(
        "(d.datdba IN (SELECT oid FROM pg_roles WHERE rolname IN ({all})) \
         OR EXISTS (SELECT FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee WHERE r.rolname IN ({pair})) \
         OR EXISTS (SELECT FROM pg_shdepend s JOIN pg_roles r ON r.oid = s.refobjid \
             WHERE s.refclassid = 'pg_authid'::regclass AND s.dbid = d.oid AND r.rolname IN ({pair})))"
    )
}
