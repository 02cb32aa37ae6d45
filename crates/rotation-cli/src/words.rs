//! Dates and spans of time as people read them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_sdk_secretsmanager::primitives::{DateTime, DateTimeFormat};

/// `2026-01-01T00:00:00Z`; a time before 1970 is 1970.
pub(crate) fn date(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    DateTime::from_secs(i64::try_from(seconds).unwrap_or(i64::MAX))
        .fmt(DateTimeFormat::DateTime)
        .unwrap_or_default()
}

/// `40 s`, `12 min`, `5 h`, `3 days`: whole units, rounded down.
pub(crate) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// What may be printed of a text that somebody else chose: a terminal must not act on it.
pub(crate) fn printable(text: &str) -> String {
    let keep = |c: char| c == '\n' || !c.is_control();
    text.chars()
        .map(|c| if keep(c) { c } else { '\u{fffd}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_whole_units() {
        let rows = [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7200, "2 h"),
            (172_799, "47 h"),
            (172_800, "2 days"),
        ];
        for (seconds, text) in rows {
            assert_eq!(span(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn dates_are_in_utc_without_fractions() {
        let time = UNIX_EPOCH + Duration::from_millis(1_767_225_600_900);
        assert_eq!(date(time), "2026-01-01T00:00:00Z");
        assert_eq!(date(UNIX_EPOCH - Duration::from_secs(1)), "1970-01-01T00:00:00Z");
    }

    #[test]
    fn what_a_terminal_would_act_on_is_not_printed() {
        assert_eq!(printable("a\u{1b}[31mb\r\nc"), "a\u{fffd}[31mb\u{fffd}\nc");
    }
}
