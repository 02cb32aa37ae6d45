//! The secret's JSON document, as AWS's templates for PostgreSQL read it.

mod keys;

use rotation_core::{BackendError, Live, SecretString};
use serde::{Deserialize, Serialize};

use crate::endpoint::Endpoint;
use crate::login::{Login, same_target};

use keys::{BooleanOrText, NumberOrText};

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
            return Err(keys::bad(
                which,
                "engine",
                "must be \"postgres\" or \"aurora-postgresql\"; is the right function set for this secret?",
            ));
        }
        Ok(Login {
            endpoint: Endpoint::new(
                keys::host(which, &self.host)?,
                keys::port(which, self.port.as_ref())?,
            ),
            database: keys::database(which, self.dbname.as_deref())?,
            user: keys::user(which, &self.username)?,
            password: keys::password(which, &self.password)?,
            tls: keys::ssl(which, self.ssl.as_ref())?.unwrap_or(true),
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
        let host = keys::host(SUPERUSER, host)?;
        Ok(Some(Endpoint::new(
            host,
            keys::port(SUPERUSER, self.port.as_ref())?,
        )))
    }

    pub(crate) fn user(&self) -> Result<String, BackendError> {
        keys::user(SUPERUSER, &self.username)
    }

    /// The superuser's login to the database of the rotated secret, with the rotated secret's TLS
    /// where the superuser's document does not say.
    pub(crate) fn login(&self, endpoint: Endpoint, rotated: &Login) -> Result<Login, BackendError> {
        let inherits = if self.host.is_none() { rotated.tls } else { true };
        Ok(Login {
            endpoint,
            database: rotated.database.clone(),
            user: self.user()?,
            password: keys::password(SUPERUSER, &self.password)?,
            tls: keys::ssl(SUPERUSER, self.ssl.as_ref())?.unwrap_or(inherits),
        })
    }
}

const SUPERUSER: &str = "superuser";

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
