//! The seam at which one function serves several secrets.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::RotationError;
use crate::event::RotationEvent;

use super::report::StepReport;

/// Does steps of rotations. The seam at which one function routes several secrets to several
/// backends: hold a `Box<dyn Rotate>` for each.
#[async_trait]
pub trait Rotate: Send + Sync {
    /// Does the step that the event asks for, within `remaining`, the time until the invocation
    /// is cut off. Give less than the whole, so that a failure can still be reported.
    ///
    /// # Errors
    ///
    /// [`RotationError`]. Report it as the invocation's failure: Secrets Manager then keeps the
    /// labels as they are and replays the rotation.
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError>;
}

#[async_trait]
impl<R: Rotate + ?Sized> Rotate for Box<R> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        self.as_ref().rotate(event, remaining).await
    }
}

#[async_trait]
impl<R: Rotate + ?Sized> Rotate for Arc<R> {
    async fn rotate(&self, event: &RotationEvent, remaining: Duration) -> Result<StepReport, RotationError> {
        self.as_ref().rotate(event, remaining).await
    }
}
