//! An access token for client credentials.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::StatusCode;
use oauth2::basic::BasicClient;
use oauth2::{
    AuthType, ClientId, ClientSecret, HttpRequest, HttpResponse, RequestTokenError, Scope, TokenResponse,
    TokenUrl,
};
use rotation_core::{BackendError, ErrorClass, SecretString};
use url::Url;

use super::Material;
use crate::error::ProviderError;
use crate::exchange::{AdminError, Sender, is_admin_refused, wall_now};
use crate::pointer;
use crate::transport::Transport;

/// OAuth 2.0 client credentials (RFC 6749, section 4.4): the admin secret holds a client's id and its
/// secret, for which the token endpoint gives the bearer token that requests carry.
///
/// A token is asked for when the first request of a call needs it, used for that call alone, and no
/// longer than its `expires_in`, less 30 seconds. The token endpoint's host must be among the
/// [`AllowedHosts`](crate::AllowedHosts).
///
/// ```
/// use rotation_http::{AdminAuth, OAuth2};
///
/// let oauth2 = OAuth2::new("https://auth.vendor.com/oauth/token").scope("keys:write");
/// let auth = AdminAuth::from(oauth2);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub struct OAuth2 {
    token_url: String,
    id_at: String,
    secret_at: String,
    scopes: Vec<String>,
    in_body: bool,
}

const SHOWN: &str = "the token endpoint (admin.oauth2)";

/// A token is not used for the last moments of its life: the request takes its time, clocks differ.
const MARGIN: Duration = Duration::from_secs(30);

impl OAuth2 {
    /// Client credentials at `/client_id` and `/client_secret` of the admin secret, sent to this
    /// endpoint as `authorization: Basic`.
    pub fn new(token_url: impl Into<String>) -> Self {
        Self {
            token_url: token_url.into(),
            id_at: "/client_id".to_owned(),
            secret_at: "/client_secret".to_owned(),
            scopes: Vec::new(),
            in_body: false,
        }
    }

    /// The client's id and its secret are at these pointers of the admin secret.
    pub fn credentials_at(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.id_at = id.into();
        self.secret_at = secret.into();
        self
    }

    /// Asks for this scope. Repeat it for more.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scopes.push(scope.into());
        self
    }

    /// Sends the credentials in the body, for an endpoint that does not know `authorization: Basic`.
    pub fn credentials_in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    pub(crate) fn url(&self) -> Result<Url, ProviderError> {
        let wrong = |why| ProviderError::new("admin oauth2 token_url", why);
        let url: Url = self
            .token_url
            .parse()
            .map_err(|_| wrong("is no URL; write https://HOST/PATH"))?;
        if !url.has_host() || !url.username().is_empty() || url.password().is_some() {
            return Err(wrong(
                "has no host, or a user name before it; write https://HOST/PATH",
            ));
        }
        Ok(url)
    }

    pub(super) fn check(&self) -> Result<(), ProviderError> {
        self.url()?;
        pointer::check("admin oauth2 client_id_at", &self.id_at)?;
        pointer::check("admin oauth2 client_secret_at", &self.secret_at)
    }

    /// A token, and until when it is valid if the endpoint says so.
    pub(super) async fn token<T: Transport>(
        &self,
        sender: &Sender<'_, T>,
        material: &Material,
    ) -> Result<(SecretString, Option<SystemTime>), BackendError> {
        let url = self
            .url()
            .map_err(|error| BackendError::misconfigured(error.to_string()))?;
        sender.hosts.check(&url)?;
        let (id, secret) = (
            material.text(Some(&self.id_at))?,
            material.text(Some(&self.secret_at))?,
        );
        let auth = match self.in_body {
            true => AuthType::RequestBody,
            false => AuthType::BasicAuth,
        };
        let client = BasicClient::new(ClientId::new(id.expose_secret().to_owned()))
            .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            .set_auth_type(auth)
            .set_token_uri(TokenUrl::from_url(url));
        let asked_at = wall_now(sender.ctx);
        let http = Http(sender);
        let scopes = self.scopes.iter().cloned().map(Scope::new);
        let request = client.exchange_client_credentials().add_scopes(scopes);
        let reply = request.request_async(&http).await.map_err(|error| match error {
            RequestTokenError::Request(NoToken(error)) => error,
            // Without the cause: it may quote the reply, which may hold a token.
            _ => BackendError::misconfigured(format!(
                "the reply of {SHOWN} is not a token response; correct token_url"
            )),
        })?;
        let until = reply
            .expires_in()
            .and_then(|valid| asked_at.checked_add(valid.saturating_sub(MARGIN)));
        Ok((SecretString::from(reply.access_token().secret().as_str()), until))
    }
}

/// The crate's door to our transport.
struct Http<'a, 'b, T>(&'a Sender<'b, T>);

impl<'c, T: Transport> oauth2::AsyncHttpClient<'c> for Http<'_, '_, T> {
    type Error = NoToken;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, NoToken>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(async move {
            let mut request = request.map(Bytes::from);
            for value in request.headers_mut().values_mut() {
                value.set_sensitive(true);
            }
            let body = self.0.repeat(SHOWN, request, |status| status.is_success()).await;
            let body = body.map_err(refused)?;
            Ok(http::Response::new(body.to_vec()))
        })
    }
}

fn refused(refusal: AdminError) -> NoToken {
    let is_client = |status| is_admin_refused(status) || status == StatusCode::BAD_REQUEST;
    match refusal.status.filter(|status| is_client(*status)) {
        Some(status) => NoToken(BackendError::misconfigured(format!(
            "{SHOWN} refused the client credentials or the scope (status {}); check the admin secret",
            status.as_u16()
        ))),
        None => NoToken(refusal.error),
    }
}

/// Why there is no token.
struct NoToken(BackendError);

impl NoToken {
    fn class(&self) -> ErrorClass {
        self.0.class()
    }
}

impl fmt::Debug for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NoToken({})", self.class())
    }
}

impl fmt::Display for NoToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for NoToken {}
