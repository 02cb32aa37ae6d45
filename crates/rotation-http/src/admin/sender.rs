//! Requests sent with the admin credential.

use std::time::Duration;

use bytes::Bytes;
use rotation_core::BackendError;
use url::Url;

use super::Admin;
use super::credential::AdminCredential;
use crate::answer::Refusal;
use crate::call::Call;
use crate::placeholder::Values;
use crate::sender::Sender;
use crate::transport::Transport;

/// Sends the requests of one call with the admin credential.
pub(crate) struct AdminSender<'a, T> {
    /// Sends without the credential.
    pub(crate) plain: Sender<'a, T>,
    credential: AdminCredential<'a>,
}

impl<'a, T: Transport> AdminSender<'a, T> {
    /// Reads nothing yet.
    pub(crate) fn new(plain: Sender<'a, T>, admin: &'a Admin) -> Self {
        let credential = AdminCredential::new(admin);
        Self { plain, credential }
    }

    /// Sends a request once, whatever comes, and returns the body of an expected reply.
    pub(crate) async fn once(&mut self, call: &Call, values: &Values<'_>) -> Result<Bytes, Refusal> {
        let url = self.plain.url(call, values)?;
        let request = self.prepare(call, &url, values).await?;
        let answer = self.plain.send(&call.shown, request, Duration::MAX).await;
        answer
            .judge(&call.shown, |status| call.expects(status))
            .map_err(|refusal| refusal.after(&call.shown, 1))
    }

    /// Sends a request that may be repeated, and returns the body of an expected reply.
    pub(crate) async fn repeat(&mut self, call: &Call, values: &Values<'_>) -> Result<Bytes, Refusal> {
        let url = self.plain.url(call, values)?;
        self.repeat_at(&url, call, values).await
    }

    /// Does the same at this address, instead of the request's own.
    pub(crate) async fn repeat_at(
        &mut self,
        url: &Url,
        call: &Call,
        values: &Values<'_>,
    ) -> Result<Bytes, Refusal> {
        let request = self.prepare(call, url, values).await?;
        self.plain
            .repeat(&call.shown, request, |status| call.expects(status))
            .await
    }

    /// The request with the credential in it. An error means that nothing was sent.
    async fn prepare(
        &mut self,
        call: &Call,
        url: &Url,
        values: &Values<'_>,
    ) -> Result<http::Request<Bytes>, BackendError> {
        let mut request = self.plain.prepare(call, url, values)?;
        self.credential
            .put_into(&self.plain, request.headers_mut())
            .await?;
        Ok(request)
    }
}
