//! Which targets are logged.

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// The runtime's own line about a handler's error, which repeats what the step's line says.
const REPEATED: &str = "lambda_runtime::layers::panic";

/// The filter that the environment asks for, and a complaint if it cannot be read.
pub(super) fn from_variables(lookup: impl Fn(&str) -> Option<String>) -> (Targets, Option<String>) {
    for name in ["RUST_LOG", "AWS_LAMBDA_LOG_LEVEL"] {
        let Some(asked) = lookup(name).filter(|asked| !asked.trim().is_empty()) else {
            continue;
        };
        return match parse(&asked) {
            Some(asked) => (capped(&asked), None),
            None => {
                let complaint = format!(
                    "{name} cannot be read, so the level is info; write a level, and TARGET=LEVEL for others: debug,hyper=info"
                );
                (capped(&Targets::new()), Some(complaint))
            }
        };
    }
    (capped(&Targets::new()), None)
}

/// Levels, and targets with levels. A name alone would open that target whole, so that a misspelt
/// level would, too; and spans are not told apart: both are refused.
fn parse(asked: &str) -> Option<Targets> {
    let parts = asked.split(',').map(str::trim).filter(|part| !part.is_empty());
    let mut filter = Targets::new();
    for part in parts {
        filter = match part.split_once('=') {
            Some((target, _)) if target.contains(['[', '{']) => return None,
            Some((target, named)) => filter.with_target(target.trim(), level(named)?),
            None => filter.with_default(level(part)?),
        };
    }
    Some(filter)
}

/// A level as tracing names it, or as Lambda does.
fn level(name: &str) -> Option<LevelFilter> {
    match name.trim() {
        name if name.eq_ignore_ascii_case("fatal") => Some(LevelFilter::ERROR),
        name => name.parse().ok(),
    }
}

/// A level for all holds for this framework; others print at INFO at most, but for those that are
/// named.
fn capped(asked: &Targets) -> Targets {
    let all = asked.default_level().unwrap_or(LevelFilter::INFO);
    Targets::new()
        .with_default(all.min(LevelFilter::INFO))
        .with_target("rotation_", all)
        .with_target(REPEATED, LevelFilter::OFF)
        .with_targets(asked.iter().map(|(target, level)| (target.to_owned(), level)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    fn filter(rust_log: Option<&str>, lambda: Option<&str>) -> (Targets, Option<String>) {
        from_variables(|name| match name {
            "RUST_LOG" => rust_log.map(str::to_owned),
            "AWS_LAMBDA_LOG_LEVEL" => lambda.map(str::to_owned),
            _ => None,
        })
    }

    /// The most verbose level of a target that is logged.
    fn most(filter: &Targets, target: &str) -> Option<Level> {
        let levels = [Level::TRACE, Level::DEBUG, Level::INFO, Level::WARN, Level::ERROR];
        levels
            .into_iter()
            .find(|level| filter.would_enable(target, level))
    }

    #[test]
    fn levels_by_target() {
        let (trace, debug, info) = (Some(Level::TRACE), Some(Level::DEBUG), Some(Level::INFO));
        let (warn, error) = (Some(Level::WARN), Some(Level::ERROR));
        // What is asked for, and then: this framework's level, hyper's, any other crate's.
        let rows = [
            (None, None, [info, info, info]),
            (Some(""), Some("DEBUG"), [debug, info, info]),
            (Some("trace"), None, [trace, info, info]),
            (Some("TRACE"), None, [trace, info, info]),
            (Some("warn"), None, [warn, warn, warn]),
            (Some("off"), None, [None, None, None]),
            (Some("trace,hyper=debug"), None, [trace, debug, info]),
            (Some(" debug , hyper = trace "), None, [debug, trace, info]),
            (Some("hyper=debug"), None, [info, debug, info]),
            (Some("rotation_core=trace"), None, [trace, info, info]),
            (None, Some("FATAL"), [error, error, error]),
            (Some("debug"), Some("ERROR"), [debug, info, info]),
        ];
        for (rust_log, lambda, expected) in rows {
            let (filter, complaint) = filter(rust_log, lambda);
            let targets = ["rotation_core::rotator", "hyper::client", "aws_smithy_runtime"];
            let levels = targets.map(|target| most(&filter, target));
            assert_eq!(levels, expected, "{rust_log:?} {lambda:?}");
            assert_eq!(complaint, None);
        }
    }

    #[test]
    fn what_cannot_be_read_is_info_and_a_complaint() {
        for wrong in ["verbose", "trace,hyper", "hyper=loud", "[span]=trace"] {
            let (filter, complaint) = filter(Some(wrong), None);
            assert_eq!(most(&filter, "rotation_core"), Some(Level::INFO));
            assert_eq!(most(&filter, "hyper"), Some(Level::INFO));
            assert!(
                complaint.is_some_and(|text| text.starts_with("RUST_LOG ")),
                "{wrong}"
            );
        }
    }

    #[test]
    fn a_failed_step_is_not_logged_twice() {
        let (filter, _) = filter(Some("trace"), None);
        assert_eq!(most(&filter, "lambda_runtime::layers::panic"), None);
        assert_eq!(most(&filter, "lambda_runtime::runtime"), Some(Level::INFO));
    }
}
