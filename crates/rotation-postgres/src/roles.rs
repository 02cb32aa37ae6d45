//! What the catalogs say of a pair of users. Any user may read all of this.

use std::collections::{BTreeMap, BTreeSet};

use rotation_core::StepContext;

use crate::error::DatabaseError;
use crate::session::{Row, Session};
use crate::sql::literal;

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
    for row in rows {
        match row.as_slice() {
            [Some(kind), rest @ ..] if kind == "reach" => {
                let rest = Values(rest);
                roles.pending_inherits = rest.yes(0);
                roles.current_is_member = rest.yes(1);
                roles.pending_is_member = rest.yes(2);
            }
            [Some(kind), rest @ ..] if kind == "options" => roles.has_options = Values(rest).yes(0),
            [Some(kind), Some(name), rest @ ..] => {
                all.entry(name).or_default().take(kind, name, Values(rest));
            }
            _ => {}
        }
    }
    roles.current = all.remove(names.current);
    roles.pending = all.remove(names.pending);
    roles.owner = names.owner.and_then(|owner| all.remove(owner));
    roles
}

/// What a row has after the columns that say what it is about.
struct Values<'a>(&'a [Option<String>]);

impl Values<'_> {
    fn text(&self, column: usize) -> Option<String> {
        self.0.get(column).cloned().flatten()
    }

    fn yes(&self, column: usize) -> bool {
        self.text(column).as_deref() == Some("t")
    }

    fn number(&self, column: usize) -> Option<i64> {
        self.text(column)?.parse().ok()
    }

    fn count(&self, column: usize) -> u64 {
        self.number(column).map_or(0, i64::unsigned_abs)
    }
}

impl Role {
    /// What one row says of the role of this name.
    fn take(&mut self, kind: &str, name: &str, row: Values<'_>) {
        match kind {
            "role" => self.describe(name, &row),
            "member" => {
                let membership = Membership {
                    inherits: row.yes(1),
                    sets: row.yes(2),
                    admin: row.yes(3),
                    circular: row.yes(4),
                };
                self.memberships
                    .insert(row.text(0).unwrap_or_default(), membership);
            }
            _ => {
                let database = row.text(0).unwrap_or_default();
                if let Some((key, value)) = row.text(1).unwrap_or_default().split_once('=') {
                    self.settings.insert((database, key.to_owned()), value.to_owned());
                }
            }
        }
    }

    fn describe(&mut self, name: &str, row: &Values<'_>) {
        let attributes = row.text(5).unwrap_or_default();
        self.name = name.to_owned();
        self.can_login = row.yes(0);
        self.superuser = row.yes(1);
        self.connection_limit = row.number(2).unwrap_or(-1);
        self.valid_until = row.text(3);
        self.expired = row.yes(4);
        self.attributes = attributes.split_whitespace().map(str::to_owned).collect();
        self.owned = row.count(6);
        self.granted = row.count(7);
    }
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
