//! What can go wrong between here and a server, told apart by cause.

use std::error::Error;
use std::fmt;
use std::io;

use rotation_core::{BackendError, ErrorClass};
use rustls::CertificateError;
use tokio_postgres::error::{DbError, SqlState};

use crate::sasl_only::NotSasl;

/// Why a login or a statement failed, by cause. It is the source of a [`BackendError`].
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum FailureKind {
    /// The host's name does not resolve.
    Dns,
    /// Nothing listens at the address, or a firewall says no.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The connection broke off.
    ConnectionLost,
    /// The server does not offer TLS.
    TlsNotOffered,
    /// The server's certificate is not signed by a trusted authority.
    UntrustedCertificate,
    /// The server's certificate is for other names.
    WrongServerName,
    /// The server's certificate has expired, or is not valid yet.
    ExpiredCertificate,
    /// TLS failed for another reason.
    Tls,
    /// 28P01: a wrong password, no such role, or a role whose `VALID UNTIL` has passed.
    WrongPassword,
    /// 28000: the role may not log in. The password was right.
    LoginDisabled,
    /// 28000: `pg_hba.conf` does not admit the role from here, or not in this way.
    NotAdmitted,
    /// 3D000: the database does not exist. The password was right.
    DatabaseMissing,
    /// 53300: the server's or the role's connections are all in use.
    TooManyConnections,
    /// 57P03, 57P01, 57P02: the server is starting up or shutting down.
    NotReady,
    /// 25006, 0A000: the server is read-only, as a replica is.
    ReadOnly,
    /// 42501: the role lacks a right.
    Denied,
    /// 57014, 55P03: a statement or a wait for a lock took too long.
    Cancelled,
    /// XX000 of `simple_heap_update`: another session changed the same user at the same time.
    ChangedMeanwhile,
    /// Another error of the server.
    Server,
    /// Without TLS: the server asks for the password in another way than SCRAM, and was not told it.
    NotScram,
    /// The server does not speak as PostgreSQL does.
    Protocol,
}

/// A failure of a server or of the way to it. Safe to print: the server's own message is in it, its
/// detail, hint and context, which may quote a statement, are not.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DatabaseError {
    kind: FailureKind,
    message: String,
    sqlstate: Option<String>,
    /// It is about who may change which role.
    of_roles: bool,
    /// It is said only after the password was checked, and was right.
    proves_password: bool,
}

/// Where PostgreSQL refuses a change of a role or of a membership.
const ROLES: [&str; 7] = [
    "AddRoleMems",
    "AlterRole",
    "AlterRoleSet",
    "CreateRole",
    "DelRoleMems",
    "check_role_grantor",
    "check_role_membership_authorization",
];

const MEANWHILE: &str =
    "another session, such as another rotation, is changing the same; the next try may pass";

/// Here a role is told, after its password was checked, that it may not log in, or not once more.
const AFTER_PASSWORD: &str = "InitializeSessionUserId";

/// Here PostgreSQL says that the database is full, or that only superusers may still connect. It has checked the
/// password by then.
const NO_ROOM: [&str; 2] = ["CheckMyDatabase", "InitPostgres"];

impl DatabaseError {
    /// The cause.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// The server's code, of five characters, if it gave one.
    #[must_use]
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }

    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            sqlstate: None,
            of_roles: false,
            proves_password: false,
        }
    }

    /// Of connecting: the name looked up, or the socket opened.
    pub(crate) fn of_socket(error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::ConnectionRefused
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::NetworkUnreachable
            | io::ErrorKind::PermissionDenied => FailureKind::Refused,
            io::ErrorKind::TimedOut => FailureKind::TimedOut,
            _ => FailureKind::ConnectionLost,
        };
        Self::new(kind, error.to_string())
    }

    pub(crate) fn timed_out(what: &BackendError) -> Self {
        Self::new(FailureKind::TimedOut, what.to_string())
    }

    /// Who can mend it: by itself, a network or a busy server may; certificates, rights and names need
    /// a person.
    pub(crate) fn class(&self) -> ErrorClass {
        match self.kind {
            FailureKind::TlsNotOffered
            | FailureKind::UntrustedCertificate
            | FailureKind::WrongServerName
            | FailureKind::ExpiredCertificate
            | FailureKind::LoginDisabled
            | FailureKind::NotAdmitted
            | FailureKind::DatabaseMissing
            | FailureKind::NotScram
            | FailureKind::Denied => ErrorClass::Misconfigured,
            FailureKind::Server if self.is_for_good() => ErrorClass::Misconfigured,
            _ => ErrorClass::Unavailable,
        }
    }

    /// The statement is refused, now and later: of a wrong form (22, 42), of roles that do not go together
    /// (0L, 0P), of something that others depend on (2B).
    fn is_for_good(&self) -> bool {
        let class = self.sqlstate.as_deref().and_then(|code| code.get(..2));
        class.is_some_and(|class| ["0L", "0P", "22", "2B", "42"].contains(&class))
    }

    /// Whether it is about who may change which role: of PostgreSQL's own routines, as the words depend on
    /// the server's language.
    pub(crate) fn is_of_roles(&self) -> bool {
        self.of_roles
    }

    /// Whether the password was right, although no connection is left for the role.
    pub(crate) fn proves_password(&self) -> bool {
        self.proves_password
    }

    /// What to do about it, in half a sentence; empty if the service's replay may be all.
    fn remedy(&self) -> &'static str {
        match self.kind {
            FailureKind::Dns => "check the key \"host\", and that the function's VPC resolves it",
            FailureKind::Refused => "check \"host\" and \"port\", and that the server runs",
            FailureKind::TimedOut => {
                "check that the security groups and the network let the function reach the server"
            }
            FailureKind::ChangedMeanwhile => MEANWHILE,
            FailureKind::Cancelled if self.sqlstate() == Some("55P03") => MEANWHILE,
            FailureKind::ConnectionLost | FailureKind::NotReady | FailureKind::Cancelled => {
                "the next try may pass; if none does, look at the server's log"
            }
            FailureKind::TlsNotOffered => {
                "turn TLS on at the server; or, where plaintext is accepted, put \"ssl\": false into the secret and allow it in the function"
            }
            FailureKind::UntrustedCertificate => {
                "give the function the CA bundle that signed it: for Amazon RDS https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem"
            }
            FailureKind::WrongServerName => {
                "connect by a name that is in the certificate, or set the server name that it has"
            }
            FailureKind::ExpiredCertificate => "renew the server's certificate",
            FailureKind::Tls | FailureKind::Protocol => {
                "check that \"host\" and \"port\" are those of a PostgreSQL server"
            }
            FailureKind::WrongPassword => {
                "the password is wrong, the role does not exist, or its VALID UNTIL has passed: PostgreSQL does not say which"
            }
            FailureKind::LoginDisabled => "the password is right; allow the login: ALTER ROLE … LOGIN",
            FailureKind::NotAdmitted => "admit the role in pg_hba.conf, with TLS as the secret has it",
            FailureKind::DatabaseMissing => "the password is right; correct the key \"dbname\"",
            FailureKind::TooManyConnections => {
                "close connections, or raise max_connections or the role's limit"
            }
            FailureKind::NotScram => {
                "use TLS, or give the role a SCRAM password and scram-sha-256 in pg_hba.conf"
            }
            FailureKind::ReadOnly => "give the secret the address of the writer",
            FailureKind::Denied => "grant the right that is missing",
            FailureKind::Server => "look at the log of the server, and of the pooler if there is one",
        }
    }

    fn of_server(error: &DbError) -> Self {
        let message = match error.message() {
            // It would be the first server to do so; but this is what must not be printed.
            text if text.contains("SCRAM-SHA-256$") => "(message withheld)".to_owned(),
            text => text.to_owned(),
        };
        Self {
            kind: kind_of(error.code(), error.routine()),
            message,
            sqlstate: Some(error.code().code().to_owned()),
            of_roles: error.routine().is_some_and(|routine| ROLES.contains(&routine)),
            // These limits come after the password was checked; that of the whole server comes before.
            proves_password: *error.code() == SqlState::TOO_MANY_CONNECTIONS
                && error
                    .routine()
                    .is_some_and(|routine| routine == AFTER_PASSWORD || NO_ROOM.contains(&routine)),
        }
    }

    fn of_tls(source: Option<&(dyn Error + 'static)>) -> Self {
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        let rustls = io
            .and_then(io::Error::get_ref)
            .and_then(|inner| inner.downcast_ref::<rustls::Error>());
        let kind = match rustls {
            Some(rustls::Error::InvalidCertificate(problem)) => match problem {
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    FailureKind::WrongServerName
                }
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. } => FailureKind::ExpiredCertificate,
                _ => FailureKind::UntrustedCertificate,
            },
            Some(_) => FailureKind::Tls,
            None if io.is_some() => FailureKind::ConnectionLost,
            // The driver's own words are the only sign that the server declined TLS.
            None if source.is_some_and(|text| text.to_string().contains("does not support TLS")) => {
                FailureKind::TlsNotOffered
            }
            None => FailureKind::Tls,
        };
        let message = match kind {
            FailureKind::TlsNotOffered => "the server does not offer TLS".to_owned(),
            _ => source.map_or_else(|| "TLS failed".to_owned(), ToString::to_string),
        };
        Self::new(kind, message)
    }
}

/// The cause by the server's code. Where a code has two causes, PostgreSQL's own routine tells them apart; the
/// texts depend on the server's language.
fn kind_of(code: &SqlState, routine: Option<&str>) -> FailureKind {
    match *code {
        SqlState::INVALID_PASSWORD => FailureKind::WrongPassword,
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION if routine == Some(AFTER_PASSWORD) => {
            FailureKind::LoginDisabled
        }
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION => FailureKind::NotAdmitted,
        SqlState::INVALID_CATALOG_NAME => FailureKind::DatabaseMissing,
        SqlState::TOO_MANY_CONNECTIONS => FailureKind::TooManyConnections,
        SqlState::CANNOT_CONNECT_NOW | SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN => {
            FailureKind::NotReady
        }
        SqlState::READ_ONLY_SQL_TRANSACTION => FailureKind::ReadOnly,
        // A replica's answer to BEGIN READ WRITE.
        SqlState::FEATURE_NOT_SUPPORTED if routine == Some("call_bool_check_hook") => FailureKind::ReadOnly,
        SqlState::INSUFFICIENT_PRIVILEGE => FailureKind::Denied,
        SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE => FailureKind::Cancelled,
        // "tuple concurrently updated": two sessions changed the same row of a catalog.
        SqlState::INTERNAL_ERROR if routine == Some("simple_heap_update") => FailureKind::ChangedMeanwhile,
        _ => FailureKind::Server,
    }
}

impl From<&tokio_postgres::Error> for DatabaseError {
    fn from(error: &tokio_postgres::Error) -> Self {
        if let Some(error) = error.as_db_error() {
            return Self::of_server(error);
        }
        // The driver does not say its kind but in words.
        let words = error.to_string();
        if words.starts_with("error performing TLS handshake") {
            return Self::of_tls(error.source());
        }
        if let Some(io) = error
            .source()
            .and_then(|source| source.downcast_ref::<io::Error>())
        {
            return match io.kind() {
                _ if io
                    .get_ref()
                    .and_then(|inner| inner.downcast_ref::<NotSasl>())
                    .is_some() =>
                {
                    Self::new(FailureKind::NotScram, io.to_string())
                }
                io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput => {
                    Self::new(FailureKind::Protocol, "the server's answer is not PostgreSQL's")
                }
                _ => Self::of_socket(io),
            };
        }
        if error.is_closed() {
            return Self::new(FailureKind::ConnectionLost, "the server closed the connection");
        }
        Self::new(FailureKind::Protocol, words)
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(code) = &self.sqlstate {
            write!(f, " ({code})")?;
        }
        write!(f, "; {}", self.remedy())
    }
}

impl Error for DatabaseError {}

/// An error of a step that this failure caused.
pub(crate) fn caused(message: impl Into<String>, failure: DatabaseError) -> BackendError {
    let message = message.into();
    match failure.class() {
        ErrorClass::Misconfigured => BackendError::misconfigured(message),
        _ => BackendError::unavailable(message),
    }
    .with_source(failure)
}
