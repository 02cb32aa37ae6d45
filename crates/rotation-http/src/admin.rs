//! The credential that makes, lists and revokes keys.

use std::fmt;

use http::{HeaderName, HeaderValue};
use rotation_core::{BackendError, SecretReader, SecretString, SecretValue, StepContext};
use zeroize::Zeroizing;

use crate::document::{ApiKeyDocument, Wiped};
use crate::error::ProviderError;
use crate::provider::pointer;
use crate::request::{header_value, is_transports};

/// The admin credential and the header that carries it: `authorization: Bearer TOKEN`, unless
/// [`header`](Self::header) says otherwise.
///
/// Sent with the create, list and revoke requests only.
///
/// ```
/// use rotation_http::Admin;
///
/// # let arn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:vendor-admin-abc123";
/// let admin = Admin::secret(arn).json_pointer("/token").header("x-admin-token");
/// ```
#[derive(Clone)]
#[must_use]
pub struct Admin {
    source: Source,
    pointer: Option<String>,
    header: Option<String>,
}

#[derive(Clone)]
enum Source {
    Secret(String),
    Given(SecretString),
}

impl Admin {
    /// From another secret, by its ARN, read anew in each step that needs it: its own rotation may
    /// go on independently. The function's role needs `secretsmanager:GetSecretValue` for it.
    pub fn secret(arn: impl Into<String>) -> Self {
        Self::of(Source::Secret(arn.into()))
    }

    /// Given by the caller. It lives in the function's memory and changes only with a new process:
    /// prefer [`secret`](Self::secret).
    pub fn given(token: impl Into<SecretString>) -> Self {
        Self::of(Source::Given(token.into()))
    }

    fn of(source: Source) -> Self {
        Self {
            source,
            pointer: None,
            header: None,
        }
    }

    /// The value is a JSON document that holds the token here (RFC 6901). Without, the value is the
    /// token itself.
    pub fn json_pointer(mut self, pointer: impl Into<String>) -> Self {
        self.pointer = Some(pointer.into());
        self
    }

    /// The token is this header's value, with nothing before it.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.header = Some(name.into());
        self
    }

    pub(crate) fn check(&self) -> Result<(), ProviderError> {
        self.header_name()?;
        if let Some(wanted) = &self.pointer {
            pointer("admin json_pointer", Some(wanted.clone()))?;
        }
        match &self.source {
            Source::Secret(arn) if arn.is_empty() => {
                Err(ProviderError::new("admin", "the secret's ARN is empty; set it"))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn header_name(&self) -> Result<HeaderName, ProviderError> {
        let name = self.header.as_deref().unwrap_or("authorization");
        let wrong = |why: &str| ProviderError::new("admin header", format!("{name:?} {why}"));
        let name = name.parse().map_err(|_| wrong("is no header name; correct it"))?;
        if is_transports(&name) {
            return Err(wrong("belongs to the transport; name another"));
        }
        Ok(name)
    }

    async fn token(&self, ctx: &StepContext<'_>) -> Result<SecretString, BackendError> {
        let value = match &self.source {
            Source::Given(token) => SecretValue::text(token.clone()),
            Source::Secret(arn) => read(ctx, ctx.secrets(), arn).await?,
        };
        let SecretValue::Text(text) = &value else {
            return Err(wrong("is binary; store it as text"));
        };
        let Some(pointer) = &self.pointer else {
            if text.expose_secret().starts_with('{') {
                return Err(wrong(
                    "is a JSON document; say with json_pointer where it holds the token",
                ));
            }
            return Ok(text.clone());
        };
        let document: ApiKeyDocument = value.decode()?;
        let json = serde_json::to_value(document)
            .map(Wiped)
            .map_err(|_| wrong("is no JSON document; correct it"))?;
        match json.0.pointer(pointer).and_then(serde_json::Value::as_str) {
            Some(token) => Ok(token.into()),
            None => Err(wrong(&format!(
                "has no text at {pointer:?}; correct the pointer or the secret"
            ))),
        }
    }
}

async fn read(
    ctx: &StepContext<'_>,
    secrets: &dyn SecretReader,
    arn: &str,
) -> Result<SecretValue, BackendError> {
    Ok(ctx.timeout(secrets.read_current(arn)).await??)
}

fn wrong(why: &str) -> BackendError {
    BackendError::misconfigured(format!("the admin secret's value {why}"))
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
            .field("header", &self.header)
            .finish()
    }
}

/// The admin credential for the requests of one call: read when the first of them is about to be
/// sent, and not before.
pub(crate) struct AdminHeader<'a> {
    admin: &'a Admin,
    value: Option<HeaderValue>,
}

impl<'a> AdminHeader<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        Self { admin, value: None }
    }

    /// The header's name and value.
    pub(crate) async fn get(
        &mut self,
        ctx: &StepContext<'_>,
    ) -> Result<(HeaderName, HeaderValue), BackendError> {
        let name = self
            .admin
            .header_name()
            .map_err(|error| BackendError::misconfigured(error.to_string()))?;
        if let Some(value) = &self.value {
            return Ok((name, value.clone()));
        }
        let token = self.admin.token(ctx).await?;
        if token.expose_secret().is_empty() {
            return Err(wrong("is empty; store the token"));
        }
        let scheme = if self.admin.header.is_some() {
            ""
        } else {
            "Bearer "
        };
        let text = Zeroizing::new(format!("{scheme}{}", token.expose_secret()));
        let mut value = header_value(&text).ok_or_else(|| {
            wrong("is not printable ASCII, as a header's value must be; look for a line break at its end")
        })?;
        value.set_sensitive(true);
        self.value = Some(value.clone());
        Ok((name, value))
    }
}
