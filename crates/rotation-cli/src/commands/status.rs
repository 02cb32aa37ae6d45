//! `status`: what state a secret is in.

use crate::args;
use crate::error::{Error, Exit};
use crate::session::{Found, Session};
use crate::status::Status;

pub(super) async fn run(session: &mut Session<'_, '_>, arguments: &args::Status) -> Result<Exit, Error> {
    if arguments.credentials && session.backend.is_none() {
        return Err(Error::Configuration(
            "--credentials needs a backend, which knows the ids of credentials; this tool has none"
                .to_owned(),
        ));
    }
    let Found { facts, .. } = session.look(&arguments.target.secret).await?;
    let mut status = Status::of(&facts, session.now());
    if arguments.credentials {
        for version in &mut status.versions {
            version.credential = credential(session, &facts.asked, &version.id).await;
        }
    }
    session.print(&status.to_string(), &status)?;
    Ok(match status.needs_somebody {
        true => Exit::Attention,
        false => Exit::Done,
    })
}

/// The public id of a version's credential, or why there is none.
async fn credential(session: &Session<'_, '_>, secret: &str, version: &str) -> Option<String> {
    let value = match session.service.value(secret, version).await {
        Ok(value) => value,
        Err(error) => return Some(format!("cannot be read: {error}")),
    };
    Some(match session.backend?.id(&value) {
        Ok(Some(id)) => id,
        Ok(None) => "has no id".to_owned(),
        Err(error) => format!("cannot be used: {error}"),
    })
}
