//! OAuth 2.0 client credentials, described.

use serde::Deserialize;
use url::Url;

use crate::error::ProviderError;
use crate::pointer;

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
pub struct OAuth2(pub(super) Client);

impl OAuth2 {
    /// Client credentials at `/client_id` and `/client_secret` of the admin secret, sent to this
    /// endpoint as `authorization: Basic`.
    pub fn new(token_url: impl Into<String>) -> Self {
        Self(Client {
            token_url: token_url.into(),
            client_id_at: Some(ID_AT.to_owned()),
            client_secret_at: Some(SECRET_AT.to_owned()),
            scopes: Vec::new(),
            credentials_in_body: false,
        })
    }

    /// The client's id and its secret are at these pointers of the admin secret.
    pub fn credentials_at(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.0.client_id_at = Some(id.into());
        self.0.client_secret_at = Some(secret.into());
        self
    }

    /// Asks for this scope. Repeat it for more.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.0.scopes.push(scope.into());
        self
    }

    /// Sends the credentials in the body, for an endpoint that does not know `authorization: Basic`.
    pub fn credentials_in_body(mut self) -> Self {
        self.0.credentials_in_body = true;
        self
    }
}

const ID_AT: &str = "/client_id";
const SECRET_AT: &str = "/client_secret";

/// The client and its token endpoint, by the names of its parts in JSON.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(deny_unknown_fields, expecting = "an object")]
pub(super) struct Client {
    token_url: String,
    client_id_at: Option<String>,
    client_secret_at: Option<String>,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    pub(super) credentials_in_body: bool,
}

impl Client {
    /// Where the admin secret holds the client's id.
    pub(super) fn id_at(&self) -> &str {
        self.client_id_at.as_deref().unwrap_or(ID_AT)
    }

    /// Where it holds the client's secret.
    pub(super) fn secret_at(&self) -> &str {
        self.client_secret_at.as_deref().unwrap_or(SECRET_AT)
    }

    pub(super) fn url(&self) -> Result<Url, ProviderError> {
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
        pointer::check("admin oauth2 client_id_at", self.id_at())?;
        pointer::check("admin oauth2 client_secret_at", self.secret_at())
    }
}
