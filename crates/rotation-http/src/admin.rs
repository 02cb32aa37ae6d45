//! The credential that makes, lists, activates and revokes keys.

use std::fmt;
use std::time::SystemTime;

use http::{HeaderMap, HeaderName, HeaderValue};
use rotation_core::{BackendError, SecretString, SecretValue, StepContext};
use zeroize::Zeroizing;

use crate::document::ApiKeyDocument;
use crate::error::ProviderError;
use crate::exchange::{Sender, wall_now};
use crate::pointer;
use crate::request::{basic, header_value};
use crate::transport::Transport;
use crate::wiped::Wiped;

mod auth;
#[cfg(feature = "oauth2")]
mod oauth;

pub use auth::AdminAuth;
pub(crate) use auth::Form;
#[cfg(feature = "oauth2")]
pub use oauth::OAuth2;

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
    /// From another secret, by its ARN, read anew in each step that needs it: its own rotation may
    /// go on independently. The function's role needs `secretsmanager:GetSecretValue` for it.
    pub fn secret(arn: impl Into<String>) -> Self {
        Self::of(Source::Secret(arn.into()))
    }

    /// Given by the caller, what the secret's value would be. It lives in the function's memory and
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

    /// The value is a JSON document that holds the token here (RFC 6901). Without, the value is the
    /// token itself, unless the form of the credential says where its parts are.
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

    /// The form that holds, of this and of the description's.
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
            Source::Secret(arn) => ctx.timeout(ctx.secrets().read_current(arn)).await??,
        };
        let SecretValue::Text(text) = value else {
            return Err(wrong("is binary; store it as text"));
        };
        Ok(Material(text))
    }
}

/// The text of the admin secret.
pub(crate) struct Material(SecretString);

impl Material {
    /// The part at the pointer, or the whole text. Never empty.
    pub(crate) fn text(&self, pointer: Option<&str>) -> Result<SecretString, BackendError> {
        let text = match pointer {
            Some(pointer) => self.at(pointer)?,
            None if self.0.expose_secret().starts_with('{') => {
                return Err(wrong(
                    "is a JSON document; say with json_pointer where it holds the token",
                ));
            }
            None => self.0.clone(),
        };
        if text.expose_secret().is_empty() {
            let place = pointer.map(|at| format!(" at {at:?}")).unwrap_or_default();
            return Err(wrong(&format!("is empty{place}; store the token")));
        }
        Ok(text)
    }

    fn at(&self, pointer: &str) -> Result<SecretString, BackendError> {
        let document: ApiKeyDocument = SecretValue::Text(self.0.clone()).decode()?;
        let json = serde_json::to_value(document)
            .map(Wiped)
            .map_err(|_| wrong("is no JSON document; correct it"))?;
        match json.0.pointer(pointer).and_then(serde_json::Value::as_str) {
            Some(text) => Ok(text.into()),
            None => Err(wrong(&format!(
                "has no text at {pointer:?}; correct the pointer or the secret"
            ))),
        }
    }
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
            .field("auth", &self.auth)
            .finish()
    }
}

/// The admin credential for the requests of one call: read when the first of them is about to be sent,
/// and not before. It does not outlive the call, so that none is used for another secret, nor after the
/// admin secret has changed.
pub(crate) struct AdminCredential<'a> {
    admin: &'a Admin,
    headers: Option<Headers>,
}

/// What is sent, and until when it is valid.
struct Headers {
    headers: Vec<(HeaderName, HeaderValue)>,
    until: Option<SystemTime>,
}

impl<'a> AdminCredential<'a> {
    pub(crate) fn new(admin: &'a Admin) -> Self {
        let headers = None;
        Self { admin, headers }
    }

    /// Puts the credential into a request.
    pub(crate) async fn put_into<T: Transport>(
        &mut self,
        sender: &Sender<'_, T>,
        into: &mut HeaderMap,
    ) -> Result<(), BackendError> {
        let now = wall_now(sender.ctx);
        let held = self.headers.take();
        let valid = held.filter(|held| held.until.is_none_or(|until| now < until));
        let headers = match valid {
            Some(headers) => headers,
            None => self.make(sender).await?,
        };
        for (name, value) in &headers.headers {
            into.insert(name, value.clone());
        }
        self.headers = Some(headers);
        Ok(())
    }

    async fn make<T: Transport>(&self, sender: &Sender<'_, T>) -> Result<Headers, BackendError> {
        let material = self.admin.read(sender.ctx).await?;
        let headers = match self.admin.auth_or(&sender.provider.admin).form() {
            Form::Headers(parts) => {
                let at = |part: &auth::Part| part.at.clone().or_else(|| self.admin.pointer.clone());
                let made = parts.iter().map(|part| {
                    let token = material.text(at(part).as_deref())?;
                    Ok((part.header()?, value(&part.prefix, &token)?))
                });
                made.collect::<Result<_, BackendError>>()?
            }
            Form::Basic { user, password } => {
                let (user, password) = (material.text(Some(user))?, material.text(Some(password))?);
                let value = basic(user.expose_secret(), password.expose_secret());
                let value = value.map_err(|why| wrong(&format!("has a user name that {why}")))?;
                vec![(http::header::AUTHORIZATION, value)]
            }
            #[cfg(feature = "oauth2")]
            Form::OAuth2(oauth2) => {
                let (token, until) = oauth2.token(sender, &material).await?;
                let headers = vec![(http::header::AUTHORIZATION, value("Bearer ", &token)?)];
                return Ok(Headers { headers, until });
            }
        };
        let until = None;
        Ok(Headers { headers, until })
    }
}

fn value(prefix: &str, token: &SecretString) -> Result<HeaderValue, BackendError> {
    let text = Zeroizing::new(format!("{prefix}{}", token.expose_secret()));
    let mut value = header_value(&text).ok_or_else(|| {
        wrong("is not printable ASCII, as a header's value must be; look for a line break at its end")
    })?;
    value.set_sensitive(true);
    Ok(value)
}
