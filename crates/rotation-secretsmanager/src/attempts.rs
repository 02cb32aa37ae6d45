//! What became of each try that the SDK made of one call.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_secretsmanager::config::interceptors::{
    BeforeTransmitInterceptorContextRef, FinalizerInterceptorContextRef,
};
use aws_sdk_secretsmanager::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_secretsmanager::error::BoxError;

/// Watches the tries of one call, each of which may have reached the service.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attempts(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    sent: AtomicBool,
    /// A try was sent and has not come back yet.
    open: AtomicBool,
    /// A try was sent, and its answer, if there was one, was no refusal.
    doubtful: AtomicBool,
}

impl Attempts {
    /// Whether any try was sent at all.
    pub(crate) fn were_sent(&self) -> bool {
        self.0.sent.load(Ordering::SeqCst)
    }

    /// Whether some try of a call that failed may have had its effect, or may still have it.
    pub(crate) fn may_have_applied(&self) -> bool {
        self.0.open.load(Ordering::SeqCst) || self.0.doubtful.load(Ordering::SeqCst)
    }
}

impl Intercept for Attempts {
    fn name(&self) -> &'static str {
        "rotation attempts"
    }

    fn read_before_transmit(
        &self,
        _: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.0.sent.store(true, Ordering::SeqCst);
        self.0.open.store(true, Ordering::SeqCst);
        Ok(())
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if self.0.open.swap(false, Ordering::SeqCst) && !is_refusal(context) {
            self.0.doubtful.store(true, Ordering::SeqCst);
        }
        Ok(())
    }
}

/// Whether the service read the request and would not do it. An internal error is none.
fn is_refusal(context: &FinalizerInterceptorContextRef<'_>) -> bool {
    let refused = matches!(context.output_or_error(), Some(Err(error)) if error.is_operation_error());
    let answer = context.response();
    refused && answer.is_some_and(|answer| answer.status().is_client_error())
}
