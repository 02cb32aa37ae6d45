//! The credential that makes, lists, activates and revokes keys.

use std::fmt;

use rotation_core::{BackendError, SecretString, SecretValue, StepContext};

use crate::error::ProviderError;
use crate::pointer;

mod auth;
mod credential;
pub(crate) mod json;
mod material;
#[cfg(feature = "oauth2")]
mod oauth;
mod sender;
#[cfg(feature = "oauth2")]
mod token;

pub use auth::AdminAuth;
#[cfg(feature = "oauth2")]
pub use oauth::OAuth2;
pub(crate) use sender::AdminSender;

use material::Material;

/// The admin credential: where it comes from. How requests carry it is said by the provider's
/// description ([`ProviderBuilder::admin`](crate::ProviderBuilder::admin)), or here.
///
/// Sent with the create, upload, activate, list and revoke requests only.
///
/// ```
/// use rotation_http::{Admin, AdminAuth};
///
/// # let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-admin-abc123";
/// let admin = Admin::secret(arn).json_pointer("/token").header("x-admin-token");
/// let admin = Admin::secret(arn).auth(AdminAuth::basic("/user", "/password"));
/// ```
#[derive(Clone)]
#[must_use]
pub struct Admin {
    source: Source,
    pointer: Option<String>,
    auth: Option<AdminAuth>,
}

#[derive(Clone)]
enum Source {
    Secret(String),
    Given(SecretString),
}

impl Admin {
    /// From another secret, by its ARN. Each step that needs it reads it anew, so that it may be rotated, too.
    /// The function's role needs `secretsmanager:GetSecretValue` for it.
    pub fn secret(arn: impl Into<String>) -> Self {
        Self::of(Source::Secret(arn.into()))
    }

    /// From the caller, who gives what the secret's value would be. It lives in the function's memory and
    /// changes only with a new process: prefer [`secret`](Self::secret).
    pub fn given(token: impl Into<SecretString>) -> Self {
        Self::of(Source::Given(token.into()))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            pointer: None,
            auth: None,
        }
    }

    /// The value is a JSON document that holds the token here (RFC 6901). Without a
    /// pointer the value is the token itself, unless the form of the credential says where its parts are.
    pub fn json_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The token is this header's value, with nothing before it: [`AdminAuth::header`].
    pub fn header(self, name: impl Into<String>) -> Self {
        self.auth(AdminAuth::header(name))
    }

    /// How requests carry it, whatever the provider's description says.
    pub fn auth(mut self, auth: impl Into<AdminAuth>) -> Self {
        self.auth = Some(auth.into());
        self
    }

    /// How requests carry it: as said here, or else as the description says.
    pub(crate) fn auth_or<'a>(&'a self, described: &'a AdminAuth) -> &'a AdminAuth {
        self.auth.as_ref().unwrap_or(described)
    }

    pub(crate) fn check(&self) -> Result<(), ProviderError> {
        if let Some(auth) = &self.auth {
            auth.check()?;
        }
        if let Some(wanted) = &self.pointer {
            pointer::check("admin json_pointer", wanted)?;
        }
        match &self.source {
            Source::Secret(arn) if arn.is_empty() => {
                Err(ProviderError::new("admin", "the secret's ARN is empty; set it"))
            }
            _ => Ok(()),
        }
    }

    async fn read(&self, ctx: &StepContext<'_>) -> Result<Material, BackendError> {
        let value = match &self.source {
            Source::Given(token) => SecretValue::text(token.clone()),
            Source::Secret(arn) => ctx.read_secret_value(arn).await?,
        };
        Material::of(value)
    }
}

impl fmt::Debug for Admin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let source = match &self.source {
            Source::Secret(arn) => arn,
            Source::Given(_) => "given",
        };
        f.debug_struct("Admin")
            .field("source", &source)
            .field("json_pointer", &self.pointer)
            .field("auth", &self.auth)
            .finish()
    }
}
