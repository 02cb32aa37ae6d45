//! What a key needs in setSecret: the upload of one that was made here, and its activation.

use std::borrow::Cow;

use http::StatusCode;
use rotation_core::{Applied, BackendError, StepContext};

use super::HttpBackend;
use crate::admin::AdminSender;
use crate::answer::Refusal;
use crate::call::Call;
use crate::document::ApiKeyDocument;
use crate::label::{Hash, Label};
use crate::placeholder::Values;
use crate::provider::Chosen;
use crate::sender::Sender;
use crate::transport::Transport;
use crate::verify::{self, Known};

impl<T: Transport> HttpBackend<T> {
    /// Refuses a pending value that means another account or another place than current. Otherwise whoever
    /// can write a pending value could turn the admin credential's rights against another target.
    pub(super) fn same_target(
        &self,
        pending: &ApiKeyDocument,
        current: &ApiKeyDocument,
    ) -> Result<(), BackendError> {
        let differs = |field: &&String| pending.value(field) != current.value(field);
        match self.provider.target.iter().find(differs) {
            None => Ok(()),
            Some(field) => Err(BackendError::misconfigured(format!(
                "AWSPENDING has another {field:?} than AWSCURRENT, and nothing was sent; take AWSPENDING off that version and start a new rotation"
            ))),
        }
    }

    /// Gives the provider the pending key, unless it has it.
    pub(super) async fn upload(
        &self,
        chosen: &Chosen,
        admin: &mut AdminSender<'_, T>,
        pending: &ApiKeyDocument,
    ) -> Result<(), BackendError> {
        let call = &chosen.upload;
        let values = self.values_of(pending)?;
        let label = own_label(admin.plain.ctx, values.id.as_deref(), &self.provider.fields.id)?;
        let values = Values {
            label: Some(Cow::Owned(label.to_string())),
            ..values
        };
        if verify::once(&admin.plain, &values).await? == Known::Works {
            tracing::info!("the key works already; an earlier try uploaded it");
            return Ok(());
        }
        match admin.repeat(call, &values).await {
            Ok(_) => Ok(()),
            Err(refusal) if refusal.status == Some(StatusCode::CONFLICT) => {
                tracing::info!(
                    request = call.shown,
                    "the provider has a key of this id; testSecret tells whether it is this one"
                );
                Ok(())
            }
            Err(refusal) if is_value_refused(&refusal) && refusal.tries > 1 => {
                tracing::info!(
                    request = call.shown,
                    "an earlier try of this request may have been taken; testSecret tells whether it was"
                );
                Ok(())
            }
            Err(refusal) if is_value_refused(&refusal) => {
                self.refused_upload(&admin.plain, call, refusal, &values).await
            }
            Err(refusal) => Err(refusal.error),
        }
    }

    /// Judges an upload that the provider refused for what it holds. If the key works, the provider took an
    /// earlier try. If the provider says that it does not work, no later try will change this.
    async fn refused_upload(
        &self,
        sender: &Sender<'_, T>,
        call: &Call,
        refusal: Refusal,
        values: &Values<'_>,
    ) -> Result<(), BackendError> {
        let status = refusal.status.map_or(0, |status| status.as_u16());
        match verify::once(sender, values).await? {
            Known::Works => Ok(()),
            // The provider may have taken an earlier try that has not propagated yet. The framework then ends
            // that key by its id, as it does with every rejected key.
            Known::Refused => Err(BackendError::rejected(
                format!(
                    "{} does not take this key (status {status}), and the key does not work; see whether the request and key_policy suit the provider",
                    call.shown
                ),
                Applied::Nothing,
            )),
            Known::NotSaid => Err(refusal.error),
        }
    }

    /// Activates the pending key, even if it works already.
    pub(super) async fn activate(
        &self,
        call: &Call,
        admin: &mut AdminSender<'_, T>,
        pending: &ApiKeyDocument,
    ) -> Result<(), BackendError> {
        let values = Values {
            id: pending.text(&self.provider.fields.id),
            ..Values::of(pending)
        };
        match admin.repeat(call, &values).await {
            Ok(_) => Ok(()),
            // The key was made a moment ago, so it may not be known everywhere.
            Err(refusal) if refusal.status == Some(StatusCode::NOT_FOUND) => {
                Err(BackendError::unavailable(format!(
                    "{} does not know the key yet (status 404); if this recurs, correct the request",
                    call.shown
                )))
            }
            Err(refusal) => Err(refusal.error),
        }
    }
}

/// Reads the id as the label that createSecret of this rotation made. An upload under any other id could
/// overwrite a key that is in use.
fn own_label(ctx: &StepContext<'_>, id: Option<&str>, field: &str) -> Result<Label, BackendError> {
    let is_ours = |label: &Label| {
        label.secret == Hash::of_secret(ctx.secret_arn()) && label.token == Hash::of_token(ctx.version())
    };
    id.and_then(Label::parse).filter(is_ours).ok_or_else(|| {
        BackendError::misconfigured(format!(
            "AWSPENDING has in {field:?} no id that this rotation made, and nothing was sent; take AWSPENDING off that version and start a new rotation"
        ))
    })
}

/// Whether the provider refused what the request holds, and not who sent it or where to.
fn is_value_refused(refusal: &Refusal) -> bool {
    matches!(
        refusal.status,
        Some(StatusCode::BAD_REQUEST | StatusCode::PAYLOAD_TOO_LARGE | StatusCode::UNPROCESSABLE_ENTITY)
    )
}
