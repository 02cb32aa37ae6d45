//! Forge's admin API, as far as a rotation needs it.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use rotation_core::{BackendError, SecretString, StepContext};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::wire::Wire;

/// Forge's API, over a [`Wire`].
///
/// | request | reply |
/// |---|---|
/// | `POST /admin/accounts/{account}/keys` with `{"created_by"}` | 201 `{"id", "key"}`; 409 if there are two |
/// | `GET /admin/accounts/{account}/keys` | 200 `[{"id", "created_by"}]`, all keys |
/// | `PUT /admin/accounts/{account}/keys/{id}/state` with `{"active"}` | 204; 404 if it is gone; 422 if Forge has blocked it for good |
/// | `DELETE /admin/accounts/{account}/keys/{id}` | 204; 404 if it is gone; 409 while it is active |
/// | `GET /whoami` with `Authorization: Bearer KEY` | 200 `{"id", "account"}`, or 401 |
///
/// All but the last carry the admin token in `X-Forge-Admin`.
pub struct Api {
    base: String,
    wire: Box<dyn Wire>,
}

/// An account, and the right to administer it.
pub(crate) struct Account<'a> {
    pub(crate) name: &'a str,
    pub(crate) admin: SecretString,
}

/// A key as it is listed.
#[derive(Debug, Deserialize)]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) created_by: String,
}

/// A key as it is made. Its value is never shown again.
#[derive(Deserialize)]
pub(crate) struct Made {
    pub(crate) id: String,
    pub(crate) key: SecretString,
}

/// Whose key it is.
#[derive(Deserialize)]
pub(crate) struct Who {
    pub(crate) id: String,
    pub(crate) account: String,
}

/// What became of a switch.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Switched {
    Done,
    Gone,
    Blocked,
}

/// No request takes longer where Forge is well.
const LIMIT: Duration = Duration::from_secs(10);

impl Api {
    /// At this address, without a path or a slash at its end.
    pub fn new(base: impl Into<String>, wire: impl Wire) -> Self {
        let (base, wire) = (base.into(), Box::new(wire));
        Self { base, wire }
    }

    pub(crate) async fn create(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
        created_by: &str,
    ) -> Result<Made, BackendError> {
        let body = json!({"created_by": created_by}).to_string();
        let reply = self.admin(ctx, account, Method::POST, "", body).await?;
        match reply.status() {
            StatusCode::CREATED => parse(&reply, "a new key"),
            StatusCode::CONFLICT => Err(BackendError::unavailable(
                "another try took the account's last free key just now",
            )),
            status => Err(unexpected(status, "a key to be made")),
        }
    }

    pub(crate) async fn list(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
    ) -> Result<Vec<Listed>, BackendError> {
        let reply = self.admin(ctx, account, Method::GET, "", String::new()).await?;
        match reply.status() {
            StatusCode::OK => parse(&reply, "the list of keys"),
            status => Err(unexpected(status, "the list of keys")),
        }
    }

    pub(crate) async fn switch(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
        id: &str,
        active: bool,
    ) -> Result<Switched, BackendError> {
        let (path, body) = (
            format!("/{}/state", segment(id)?),
            json!({"active": active}).to_string(),
        );
        let reply = self.admin(ctx, account, Method::PUT, &path, body).await?;
        match reply.status() {
            StatusCode::NO_CONTENT => Ok(Switched::Done),
            StatusCode::NOT_FOUND => Ok(Switched::Gone),
            StatusCode::UNPROCESSABLE_ENTITY => Ok(Switched::Blocked),
            status => Err(unexpected(status, "a key to be switched")),
        }
    }

    /// Whether there was such a key.
    pub(crate) async fn delete(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
        id: &str,
    ) -> Result<bool, BackendError> {
        let path = format!("/{}", segment(id)?);
        let reply = self
            .admin(ctx, account, Method::DELETE, &path, String::new())
            .await?;
        match reply.status() {
            StatusCode::NO_CONTENT => Ok(true),
            StatusCode::NOT_FOUND => Ok(false),
            // A late request of another try switched it on again.
            StatusCode::CONFLICT => Err(BackendError::unavailable(
                "the key that is to be deleted is active",
            )),
            status => Err(unexpected(status, "a key to be deleted")),
        }
    }

    /// `None` if Forge does not know the key, or not yet.
    pub(crate) async fn whoami(
        &self,
        ctx: &StepContext<'_>,
        key: &SecretString,
    ) -> Result<Option<Who>, BackendError> {
        let request = Request::get(format!("{}/whoami", self.base))
            .header("authorization", format!("Bearer {}", key.expose_secret()))
            .body(String::new());
        let reply = self.exchange(ctx, request).await?;
        match reply.status() {
            StatusCode::OK => parse(&reply, "whose key it is").map(Some),
            StatusCode::UNAUTHORIZED => Ok(None),
            status => Err(unexpected(status, "whose key it is")),
        }
    }

    async fn admin(
        &self,
        ctx: &StepContext<'_>,
        account: &Account<'_>,
        method: Method,
        path: &str,
        body: String,
    ) -> Result<Response<Bytes>, BackendError> {
        let (base, name) = (&self.base, segment(account.name)?);
        let request = Request::builder()
            .method(method)
            .uri(format!("{base}/admin/accounts/{name}/keys{path}"))
            .header("x-forge-admin", account.admin.expose_secret())
            .header("content-type", "application/json")
            .body(body);
        let reply = self.exchange(ctx, request).await?;
        match reply.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(BackendError::misconfigured(
                "Forge refused the admin token; check the secret that holds it",
            )),
            _ => Ok(reply),
        }
    }

    async fn exchange(
        &self,
        ctx: &StepContext<'_>,
        request: http::Result<Request<String>>,
    ) -> Result<Response<Bytes>, BackendError> {
        // The error is not kept: it may quote a header.
        let request = request.map_err(|_| {
            BackendError::misconfigured("a token or key has a character in it that no header may hold")
        })?;
        let sent = ctx.timeout_after(LIMIT, self.wire.send(request)).await?;
        let reply =
            sent.map_err(|error| BackendError::unavailable("Forge did not answer").with_source(error))?;
        match reply.status() {
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                Err(BackendError::unavailable(format!("Forge answered with {status}")))
            }
            _ => Ok(reply),
        }
    }
}

/// A value that stands in a path and must not leave its place there.
fn segment(text: &str) -> Result<&str, BackendError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-';
    match !text.is_empty() && text.chars().all(plain) {
        true => Ok(text),
        false => Err(BackendError::misconfigured(
            "account or key_id has something else in it than letters, digits and hyphens",
        )),
    }
}

fn parse<T: DeserializeOwned>(reply: &Response<Bytes>, what: &str) -> Result<T, BackendError> {
    // The parser's error is not kept: it may quote the reply, and a key with it.
    serde_json::from_slice(reply.body()).map_err(|_| {
        BackendError::misconfigured(format!(
            "Forge's reply does not tell {what}; has its API changed?"
        ))
    })
}

fn unexpected(status: StatusCode, asked: &str) -> BackendError {
    BackendError::misconfigured(format!("Forge was asked for {asked} and answered with {status}"))
}

impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
