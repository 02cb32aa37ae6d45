//! An access token, asked for with client credentials.

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

use super::material::Material;
use super::oauth::Client;
use crate::answer::{Refusal, is_admin_refused};
use crate::sender::{Sender, wall_now};
use crate::transport::Transport;

const SHOWN: &str = "the token endpoint (admin.oauth2)";

/// A token is not used in the last moments of its life, because a request takes time and clocks differ.
const MARGIN: Duration = Duration::from_secs(30);

/// Asks for a token. Says until when it is valid, if the endpoint does.
pub(super) async fn ask<T: Transport>(
    client: &Client,
    sender: &Sender<'_, T>,
    material: &Material,
) -> Result<(SecretString, Option<SystemTime>), BackendError> {
    let url = client
        .url()
        .map_err(|error| BackendError::misconfigured(error.to_string()))?;
    sender.hosts.check(&url)?;
    let (id, secret) = (
        material.text(Some(client.id_at()))?,
        material.text(Some(client.secret_at()))?,
    );
    let auth = match client.credentials_in_body {
        true => AuthType::RequestBody,
        false => AuthType::BasicAuth,
    };
    let endpoint = BasicClient::new(ClientId::new(id.expose_secret().to_owned()))
        .set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
        .set_auth_type(auth)
        .set_token_uri(TokenUrl::from_url(url));
    let asked_at = wall_now(sender.ctx);
    let http = Http(sender);
    let scopes = client.scopes.iter().cloned().map(Scope::new);
    let request = endpoint.exchange_client_credentials().add_scopes(scopes);
    let reply = request.request_async(&http).await.map_err(|error| match error {
        RequestTokenError::Request(NoToken(error)) => error,
        // The cause is left out: it may quote the reply, which may hold a token.
        _ => BackendError::misconfigured(format!(
            "the reply of {SHOWN} is not a token response; correct token_url"
        )),
    })?;
    let until = reply
        .expires_in()
        .and_then(|valid| asked_at.checked_add(valid.saturating_sub(MARGIN)));
    Ok((SecretString::from(reply.access_token().secret().as_str()), until))
}

/// Our transport, as the crate `oauth2` wants it.
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

fn refused(refusal: Refusal) -> NoToken {
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
