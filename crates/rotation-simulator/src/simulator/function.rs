//! The rotation function's calls, whichever door they come through.

use rotation_core::Clock;

use super::Simulator;
use super::call::Call;
use crate::fault::Interruption;
use crate::model::{ActivityKind, ApiError, Principal, Request};

impl Simulator {
    /// Answers a request of the rotation function, under the fault planned for it. `None` is no
    /// answer at all, of which the caller cannot tell whether it was applied.
    pub(crate) async fn call_as_function<R: Request>(
        &self,
        request: R,
    ) -> Option<Result<R::Response, ApiError>> {
        let call = Call::new(Principal::RotationFunction, &request);
        let apply = |stale| self.answer(Principal::RotationFunction, request, stale);
        let faults = self.faults();
        let answer = if R::WRITES {
            faults.pass(R::ACTION, || apply(false)).await
        } else {
            faults.pass_read(R::ACTION, apply).await
        };
        let error = match answer {
            Ok(answer) => return Some(answer),
            Err(Interruption::NoAnswer) => return None,
            Err(Interruption::Throttled) => ApiError::throttled(),
            Err(Interruption::Denied) => {
                ApiError::access_denied(call.principal, call.action, &call.secret_id)
            }
            Err(Interruption::InternalError) => ApiError::internal(),
            Err(Interruption::Refused) => ApiError::refused(),
        };
        self.refuse(call, &error);
        Some(Err(error))
    }

    /// Notes a refusal that the model knows nothing of.
    fn refuse(&self, call: Call, error: &ApiError) {
        let now = self.shared.clock.now();
        self.model().tell(&call.secret_id, now, || ActivityKind::Called {
            action: call.action,
            principal: call.principal,
            labels: Vec::new(),
            refused: Some(error.code()),
        });
        self.log(call, Some(error));
    }
}
