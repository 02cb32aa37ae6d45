//! The secret's JSON document, as AWS's templates for PostgreSQL read it.

use std::fmt;

use rotation_core::{BackendError, Live, SecretString};
use serde::{Deserialize, Serialize};

/// The part of a secret's document that a rotation reads, with the keys of AWS's templates.
///
/// | key | form | default |
/// |---|---|---|
/// | `engine` | `postgres` or `aurora-postgresql` | needed |
/// | `host` | the server's name or address | needed |
/// | `username`, `password` | text | needed |
/// | `port` | number or text | 5432 |
/// | `dbname` | text | `postgres`, also for null |
/// | `masterarn` | ARN of the superuser secret | none |
/// | `ssl` | boolean, or `"true"`, `"false"` in any case | true |
///
/// A rotation changes `password`, and `username` where users alternate. All other keys, known or
/// not, are written back as they were, numbers as numbers and text as text. (AWS user guide: JSON
/// structure of secrets; `ssl` is read by AWS's code and not documented.)
///
/// `Debug` redacts the password.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PostgresCredential {
    engine: String,
    host: String,
    pub(crate) username: String,
    pub(crate) password: SecretString,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<NumberOrText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    dbname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    masterarn: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssl: Option<BooleanOrText>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum NumberOrText {
    Number(i64),
    Text(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum BooleanOrText {
    Boolean(bool),
    Text(String),
}

/// A server's address.
///
/// ```
/// use rotation_postgres::Endpoint;
///
/// let endpoint = Endpoint::new("db.example.org", 5432);
/// assert_eq!(endpoint.to_string(), "db.example.org:5432");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Endpoint {
    host: String,
    port: u16,
}

impl Endpoint {
    /// A host name or address, and a port.
    pub fn new(host: impl Into<String>, port: u16) -> Self {
        Self {
            host: host.into(),
            port,
        }
    }

    /// The host as it is written in the secret.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether both name the same host; the case of letters and a closing dot do not count, nor
    /// does the port.
    #[must_use]
    pub fn same_host(&self, other: &Self) -> bool {
        let bare = |host: &str| host.trim_end_matches('.').to_ascii_lowercase();
        bare(&self.host) == bare(&other.host)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

/// Who logs in, where, to what: a document that was checked. `Debug` redacts the password.
#[derive(Clone, Debug)]
pub(crate) struct Login {
    pub(crate) endpoint: Endpoint,
    pub(crate) database: String,
    pub(crate) user: String,
    pub(crate) password: SecretString,
    pub(crate) tls: bool,
}

impl PostgresCredential {
    /// The user's name.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// The ARN of the superuser secret, if the document names one.
    #[must_use]
    pub fn superuser_secret(&self) -> Option<&str> {
        self.masterarn.as_deref().filter(|arn| !arn.trim().is_empty())
    }

    /// The document with every key checked.
    ///
    /// `which` says in errors whose document it is.
    pub(crate) fn login(&self, which: &str) -> Result<Login, BackendError> {
        if !matches!(self.engine.as_str(), "postgres" | "aurora-postgresql") {
            return Err(bad(
                which,
                "engine",
                "must be \"postgres\" or \"aurora-postgresql\"; is the right function set for this secret?",
            ));
        }
        Ok(Login {
            endpoint: Endpoint::new(checked_host(which, &self.host)?, port(which, self.port.as_ref())?),
            database: database(which, self.dbname.as_deref())?,
            user: user(which, &self.username)?,
            password: password(which, &self.password)?,
            tls: ssl(which, self.ssl.as_ref())?.unwrap_or(true),
        })
    }
}

/// A superuser's document: as that of a user, or no more than user name and password, as RDS makes it
/// when it manages the master user's password.
#[derive(Deserialize)]
pub(crate) struct SuperuserDocument {
    username: String,
    password: SecretString,
    #[serde(default)]
    host: Option<String>,
    #[serde(default)]
    port: Option<NumberOrText>,
    #[serde(default)]
    ssl: Option<BooleanOrText>,
}

impl SuperuserDocument {
    /// Where the document says that the server is, if it does.
    pub(crate) fn endpoint(&self) -> Result<Option<Endpoint>, BackendError> {
        let Some(host) = &self.host else { return Ok(None) };
        let host = checked_host(SUPERUSER, host)?;
        Ok(Some(Endpoint::new(host, port(SUPERUSER, self.port.as_ref())?)))
    }

    pub(crate) fn user(&self) -> Result<String, BackendError> {
        user(SUPERUSER, &self.username)
    }

    /// The superuser's login to the database of the rotated secret, with the rotated secret's TLS
    /// where the superuser's document does not say.
    pub(crate) fn login(&self, endpoint: Endpoint, rotated: &Login) -> Result<Login, BackendError> {
        let inherits = if self.host.is_none() { rotated.tls } else { true };
        Ok(Login {
            endpoint,
            database: rotated.database.clone(),
            user: self.user()?,
            password: password(SUPERUSER, &self.password)?,
            tls: ssl(SUPERUSER, self.ssl.as_ref())?.unwrap_or(inherits),
        })
    }
}

const SUPERUSER: &str = "superuser";

fn bad(which: &str, key: &str, rule: &str) -> BackendError {
    BackendError::misconfigured(format!("the key {key:?} of the {which} secret {rule}"))
}

fn checked_host(which: &str, host: &str) -> Result<String, BackendError> {
    // A host that starts with a slash would be a socket's folder, a comma a list of hosts.
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/,@?".contains(c);
    if host.is_empty() || host.contains(odd) {
        return Err(bad(
            which,
            "host",
            "must be one host name or address; correct it in the secret",
        ));
    }
    Ok(host.to_owned())
}

fn port(which: &str, port: Option<&NumberOrText>) -> Result<u16, BackendError> {
    let number = match port {
        None => Some(5432),
        Some(NumberOrText::Number(number)) => u16::try_from(*number).ok(),
        Some(NumberOrText::Text(text)) => text.trim().parse().ok(),
    };
    number
        .filter(|&port| port != 0)
        .ok_or_else(|| bad(which, "port", "must be a number from 1 to 65535"))
}

fn database(which: &str, name: Option<&str>) -> Result<String, BackendError> {
    match name {
        None => Ok("postgres".to_owned()),
        Some(name) if name.is_empty() || name.contains('\0') => Err(bad(
            which,
            "dbname",
            "is empty; name the database, or remove the key for \"postgres\"",
        )),
        Some(name) => Ok(name.to_owned()),
    }
}

fn user(which: &str, name: &str) -> Result<String, BackendError> {
    if name.is_empty() || name.contains('\0') {
        return Err(bad(which, "username", "is empty; name the user"));
    }
    if name.len() > crate::names::LONGEST {
        return Err(bad(
            which,
            "username",
            "is longer than the 63 bytes that PostgreSQL keeps of a name",
        ));
    }
    Ok(name.to_owned())
}

fn password(which: &str, password: &SecretString) -> Result<SecretString, BackendError> {
    let text = password.expose_secret();
    if text.is_empty() || text.contains('\0') {
        return Err(bad(
            which,
            "password",
            "is empty or holds a NUL, which PostgreSQL takes for no password",
        ));
    }
    Ok(password.clone())
}

fn ssl(which: &str, ssl: Option<&BooleanOrText>) -> Result<Option<bool>, BackendError> {
    match ssl {
        None => Ok(None),
        Some(BooleanOrText::Boolean(on)) => Ok(Some(*on)),
        Some(BooleanOrText::Text(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
        Some(BooleanOrText::Text(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
        Some(BooleanOrText::Text(_)) => Err(bad(
            which,
            "ssl",
            "must be true or false; remove it for TLS, which is the default",
        )),
    }
}

/// Fails unless pending aims at the same server and database as current: whoever can write a pending
/// value could otherwise point the function's rights elsewhere.
pub(crate) fn same_target(pending: &Login, current: &Login) -> Result<(), BackendError> {
    let differs = [
        ("host", !pending.endpoint.same_host(&current.endpoint)),
        ("port", pending.endpoint.port() != current.endpoint.port()),
        ("dbname", pending.database != current.database),
        ("ssl", pending.tls != current.tls),
    ];
    match differs.iter().find(|(_, differs)| *differs) {
        None => Ok(()),
        Some((key, _)) => Err(BackendError::misconfigured(format!(
            "the key {key:?} of the pending secret differs from that of the current one; a rotation \
             changes only the credential. No connection was made. Remove AWSPENDING from this version \
             and start a new rotation",
        ))),
    }
}

/// The login of `AWSPREVIOUS`, if it is this user's and for the same target as the current one's. A
/// document that is not fit is as good as none: it must not stand in the way.
pub(crate) fn previous_login(
    live: Live<'_, PostgresCredential>,
    user: &str,
    current: &Login,
) -> Option<Login> {
    let previous = live.previous()?.login("previous").ok()?;
    (previous.user == user && same_target(&previous, current).is_ok()).then_some(previous)
}

#[cfg(test)]
mod tests {
    use rotation_core::{DocumentError, SecretValue};

    use super::*;

    const FULL: &str = r#"{"engine":"postgres","host":"db","username":"app","password":"hunter2","port":"5433","dbname":"crm","masterarn":"arn:x","ssl":"False","extra":[1.50]}"#;

    fn read(text: &str) -> Result<PostgresCredential, DocumentError> {
        SecretValue::text(text).decode()
    }

    fn without(key: &str) -> String {
        let mut document: serde_json::Value = serde_json::from_str(FULL).unwrap();
        document.as_object_mut().unwrap().remove(key);
        document.to_string()
    }

    fn with(key: &str, value: serde_json::Value) -> String {
        let mut document: serde_json::Value = serde_json::from_str(FULL).unwrap();
        document.as_object_mut().unwrap().insert(key.to_owned(), value);
        document.to_string()
    }

    #[test]
    fn every_key_of_the_templates_is_read() {
        let login = read(FULL).unwrap().login("current").unwrap();
        assert_eq!(login.endpoint, Endpoint::new("db", 5433));
        assert_eq!((login.database.as_str(), login.user.as_str()), ("crm", "app"));
        assert_eq!(login.password.expose_secret(), "hunter2");
        assert!(!login.tls);
        assert_eq!(read(FULL).unwrap().superuser_secret(), Some("arn:x"));
    }

    #[test]
    fn defaults_are_those_of_the_templates() {
        for text in [without("dbname"), with("dbname", serde_json::Value::Null)] {
            assert_eq!(
                read(&text).unwrap().login("current").unwrap().database,
                "postgres"
            );
        }
        for text in [
            without("port"),
            with("port", 5432.into()),
            with("port", " 5432".into()),
        ] {
            assert_eq!(
                read(&text).unwrap().login("current").unwrap().endpoint.port(),
                5432
            );
        }
        assert!(read(&without("ssl")).unwrap().login("current").unwrap().tls);
        let aurora = with("engine", "aurora-postgresql".into());
        assert!(read(&aurora).unwrap().login("current").is_ok());
    }

    #[test]
    fn a_missing_or_malformed_key_is_named() {
        for key in ["engine", "host", "username", "password"] {
            assert_eq!(
                read(&without(key)).unwrap_err(),
                DocumentError::MissingKey(key.to_owned())
            );
            let error = read(&with(key, 7.into())).unwrap_err();
            assert_eq!(error, DocumentError::BadKey(key.to_owned()));
        }
        for (key, value) in [("port", true.into()), ("ssl", 1.into()), ("dbname", 1.into())] {
            let error = read(&with(key, value)).unwrap_err();
            assert_eq!(error, DocumentError::BadKey(key.to_owned()));
        }
        let long = "ü".repeat(32);
        let rows: [(&str, serde_json::Value); 12] = [
            ("engine", "mysql".into()),
            ("host", "".into()),
            ("host", "/var/run".into()),
            ("host", "a,b".into()),
            ("port", 0.into()),
            ("port", 65536.into()),
            ("port", "many".into()),
            ("dbname", "".into()),
            ("username", "".into()),
            ("username", long.into()),
            ("password", "".into()),
            ("ssl", "prefer".into()),
        ];
        for (key, value) in rows {
            let error = read(&with(key, value.clone()))
                .unwrap()
                .login("current")
                .unwrap_err();
            let text = format!("{error:?}");
            assert!(
                text.contains(&format!("the key {key:?} of the current secret")),
                "{text}"
            );
            assert!(!text.contains("hunter2"), "{text}");
        }
    }

    #[test]
    fn what_is_not_rotated_is_written_back_as_it_was() {
        let value = SecretValue::text(FULL);
        let before: PostgresCredential = value.decode().unwrap();
        let mut after = before.clone();
        after.password = "new".into();
        let SecretValue::Text(written) = value.overlay(&before, &after).unwrap() else {
            unreachable!("the kind is kept")
        };
        assert_eq!(written.expose_secret(), FULL.replace("hunter2", "new"));
    }

    #[test]
    fn a_pending_value_that_aims_elsewhere_is_told_by_its_key() {
        let current = read(FULL).unwrap().login("current").unwrap();
        let rows: [(&str, serde_json::Value); 4] = [
            ("host", "evil".into()),
            ("port", 1.into()),
            ("dbname", "other".into()),
            ("ssl", true.into()),
        ];
        for (key, value) in rows {
            let pending = read(&with(key, value)).unwrap().login("pending").unwrap();
            let text = same_target(&pending, &current).unwrap_err().to_string();
            assert!(
                text.contains(&format!("the key {key:?} of the pending")),
                "{text}"
            );
        }
        let same = read(&with("host", "DB.".into()))
            .unwrap()
            .login("pending")
            .unwrap();
        assert!(same_target(&same, &current).is_ok());
    }

    #[test]
    fn only_a_previous_login_of_this_user_and_place_may_be_tried() {
        let (current, ids) = (read(FULL).unwrap(), rotation_core::LiveIds::new([None]));
        let login = current.login("current").unwrap();
        let tried = |previous: &str| {
            let previous = read(previous).unwrap();
            previous_login(Live::new(&current, Some(&previous), &ids), "app", &login).is_some()
        };
        assert!(tried(FULL));
        for (key, value) in [
            ("host", "elsewhere"),
            ("port", "1"),
            ("dbname", "x"),
            ("ssl", "true"),
            ("username", "other"),
        ] {
            assert!(!tried(&with(key, value.into())), "{key}");
        }
        assert!(previous_login(Live::new(&current, None, &ids), "app", &login).is_none());
    }

    #[test]
    fn debug_redacts() {
        let credential = read(FULL).unwrap();
        let text = format!("{credential:?} {:?}", credential.login("current").unwrap());
        assert!(!text.contains("hunter2"), "{text}");
    }

    #[test]
    fn a_superuser_of_rds_takes_the_rotated_secrets_tls() {
        let rotated = read(FULL).unwrap().login("current").unwrap();
        let of = |text: &str| SecretValue::text(text).decode::<SuperuserDocument>().unwrap();
        let bare = of(r#"{"username":"postgres","password":"x"}"#);
        assert!(bare.endpoint().unwrap().is_none());
        let login = bare.login(rotated.endpoint.clone(), &rotated).unwrap();
        assert_eq!((login.tls, login.database.as_str()), (false, "crm"));
        let full = of(r#"{"username":"postgres","password":"x","host":"h","port":"7"}"#);
        assert_eq!(full.endpoint().unwrap(), Some(Endpoint::new("h", 7)));
        assert!(full.login(Endpoint::new("h", 7), &rotated).unwrap().tls);
    }
}
