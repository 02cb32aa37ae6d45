//! A provider that a test makes up and that answers at once, as a transport.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use tower_service::Service;

/// Answers requests. Clones are one provider.
pub trait Answers: Clone + Send + Sync + 'static {
    /// Answers one.
    fn answer(&self, request: Request<Bytes>) -> Response<Bytes>;
}

/// Such a provider as a transport.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs, reason = "it is what it wraps, and nothing more")]
pub struct AtOnce<P>(pub P);

impl<P: Answers> Service<Request<Bytes>> for AtOnce<P> {
    type Response = Response<Bytes>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Bytes>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        ready(Ok(self.0.answer(request)))
    }
}
