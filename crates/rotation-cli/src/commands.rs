//! The commands.

use crate::args::Command;
use crate::error::{Error, Exit};
use crate::session::Session;

mod abandon;
mod check;
mod document;
mod resume;
mod rollback;
mod rotate;
mod status;
mod watch;

pub(crate) async fn run(session: &mut Session<'_, '_>, command: Command) -> Result<Exit, Error> {
    match command {
        Command::Status(arguments) => status::run(session, &arguments).await,
        Command::Check(target) => check::run(session, &target.secret).await,
        Command::Rotate(arguments) => rotate::run(session, &arguments).await,
        Command::Resume(arguments) => resume::run(session, &arguments).await,
        Command::Abandon(arguments) => abandon::run(session, &arguments).await,
        Command::Rollback(arguments) => rollback::run(session, &arguments).await,
    }
}
