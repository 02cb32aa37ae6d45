//! A quota that the SDK takes for a throttle.

use aws_sdk_secretsmanager::config::interceptors::InterceptorContext;
use aws_sdk_secretsmanager::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use aws_sdk_secretsmanager::operation::put_secret_value::PutSecretValueError;
use aws_sdk_secretsmanager::operation::update_secret_version_stage::UpdateSecretVersionStageError;

pub(crate) const LIMIT_EXCEEDED: &str = "LimitExceededException";

/// Forbids to repeat a call that was refused with LimitExceededException. The SDK has that code on
/// its list of throttles; here it is the quota of versions or labels, which no repeating mends.
#[derive(Debug)]
pub(crate) struct QuotaIsNoThrottle;

impl ClassifyRetry for QuotaIsNoThrottle {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let error = context.output_or_error().and_then(Result::err);
        let refusal = error.and_then(|error| error.as_operation_error());
        let put = refusal.and_then(|error| error.downcast_ref::<PutSecretValueError>()?.code());
        let update = refusal.and_then(|error| error.downcast_ref::<UpdateSecretVersionStageError>()?.code());
        match put.or(update) {
            Some(LIMIT_EXCEEDED) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "a full quota is no throttle"
    }
}
