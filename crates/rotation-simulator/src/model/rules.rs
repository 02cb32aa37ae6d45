//! The rules of a rotation's schedule.

use super::error::ApiError;

/// `RotationRules`: described and not followed. No schedule runs here.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct RotationRules {
    /// `AutomaticallyAfterDays`, 1 to 1000.
    pub automatically_after_days: Option<u32>,
    /// `Duration` of the window, in hours: `3h`.
    pub duration: Option<String>,
    /// `ScheduleExpression`: `rate(10 days)`. Not together with the days.
    pub schedule_expression: Option<String>,
}

impl RotationRules {
    pub(super) fn check(&self) -> Result<(), ApiError> {
        let days = self.automatically_after_days;
        let hours = |duration: &str| {
            let digits = duration.strip_suffix('h').unwrap_or_default();
            (1..=2).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
        };
        let refusal = if days.is_some() && self.schedule_expression.is_some() {
            "You can't specify both AutomaticallyAfterDays and ScheduleExpression."
        } else if days.is_some_and(|days| !(1..=1000).contains(&days)) {
            "AutomaticallyAfterDays is from 1 to 1000."
        } else if self.duration.as_deref().is_some_and(|duration| !hours(duration)) {
            "Duration is a number of hours, such as 3h."
        } else {
            return Ok(());
        };
        Err(ApiError::invalid_parameter(refusal))
    }
}
