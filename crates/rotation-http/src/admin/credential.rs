//! The admin credential as requests carry it.

use std::time::SystemTime;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use rotation_core::{BackendError, SecretString};
use zeroize::Zeroizing;

use super::Admin;
use super::auth::{Form, TokenHeader};
use super::material::wrong;
#[cfg(feature = "oauth2")]
use super::token;
use crate::header::{basic, header_value};
use crate::sender::{Sender, wall_now};
use crate::transport::Transport;

/// The admin credential for the requests of one call. It is read when the first of them is about to be sent.
/// It ends with the call, so that it is never used for another secret, nor after the admin secret has changed.
pub(super) struct AdminCredential<'a> {
    admin: &'a Admin,
    headers: Option<Headers>,
}

/// What is sent, and until when it is valid.
struct Headers {
    headers: Vec<(HeaderName, HeaderValue)>,
    until: Option<SystemTime>,
}

impl<'a> AdminCredential<'a> {
    pub(super) fn new(admin: &'a Admin) -> Self {
        let headers = None;
        Self { admin, headers }
    }

    /// Puts the credential into a request.
    pub(super) async fn put_into<T: Transport>(
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
            Form::Headers(headers) => {
                let at = |header: &TokenHeader| header.at.clone().or_else(|| self.admin.pointer.clone());
                let made = headers.iter().map(|header| {
                    let token = material.text(at(header).as_deref())?;
                    Ok((header.name()?, value(&header.prefix, &token)?))
                });
                made.collect::<Result<_, BackendError>>()?
            }
            Form::Basic { user, password } => {
                let (user, password) = (material.text(Some(user))?, material.text(Some(password))?);
                let value = basic(user.expose_secret(), password.expose_secret());
                let value = value.map_err(|why| wrong(&format!("has a user name that {why}")))?;
                vec![(AUTHORIZATION, value)]
            }
            #[cfg(feature = "oauth2")]
            Form::OAuth2(client) => {
                let (token, until) = token::ask(client, sender, &material).await?;
                let headers = vec![(AUTHORIZATION, value("Bearer ", &token)?)];
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
