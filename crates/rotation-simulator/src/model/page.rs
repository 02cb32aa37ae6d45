//! Lists, a page at a time.

use super::error::{ApiError, ErrorCode};

/// A page of a list: at most `max` items, beginning where `token` says, and the token of the page
/// after it, if there is one.
pub(super) fn page<T>(
    items: Vec<T>,
    max: Option<u32>,
    token: Option<&str>,
) -> Result<(Vec<T>, Option<String>), ApiError> {
    let max = match max {
        None => LONGEST,
        Some(0) => return Err(too_many(0, "have value greater than or equal to 1")),
        Some(max) if max > LONGEST => return Err(too_many(max, "have value less than or equal to 100")),
        Some(max) => max,
    };
    let max = usize::try_from(max).unwrap_or(usize::MAX);
    let begin = token.map_or(Ok(0), read_token)?;
    if begin > items.len() {
        return Err(invalid_token());
    }
    let end = begin.saturating_add(max);
    let next = (end < items.len()).then(|| format!("{PREFIX}{end}"));
    Ok((items.into_iter().skip(begin).take(max).collect(), next))
}

/// The longest page of ListSecrets and of ListSecretVersionIds, and their default here.
const LONGEST: u32 = 100;
const PREFIX: &str = "page-from-";

fn read_token(token: &str) -> Result<usize, ApiError> {
    let number = token.strip_prefix(PREFIX).and_then(|number| number.parse().ok());
    number.ok_or_else(invalid_token)
}

fn invalid_token() -> ApiError {
    ApiError::new(
        ErrorCode::InvalidNextTokenException,
        "The NextToken value is invalid.",
    )
}

fn too_many(max: u32, constraint: &str) -> ApiError {
    ApiError::constraint(format_args!("'{max}'"), "maxResults", constraint)
}
