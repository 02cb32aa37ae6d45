//! What is at the provider before the next key is made, and what is said when there is no place for it.

use http::StatusCode;
use rotation_core::BackendError;

use crate::answer::Refusal;

/// The keys that are there when the next one is about to be made.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The ids of those whose makers may still be at work.
    pub(super) at_work: Vec<String>,
    /// The ids of all that are listed and were not ended just now. `None` if there is no list.
    pub(super) listed: Option<Vec<String>>,
    /// Whether the listed ids may be printed: the id of the `AWSCURRENT` key is among them, so they are ids.
    pub(super) printable: bool,
    /// Whether a key that is made and not stored could be found by a later run.
    pub(super) finds_orphans: bool,
}

impl Found {
    /// Refuses to go on if the provider would have one key too many.
    pub(super) fn check(&self, most: Option<usize>) -> Result<(), BackendError> {
        let (Some(most), Some(listed)) = (most, &self.listed) else {
            return Ok(());
        };
        if listed.len() < most {
            return Ok(());
        }
        let (count, ids) = (listed.len(), self.shown(listed));
        let what = format!("the provider allows {most} keys, and lists {count} (ids: {ids})");
        if self.at_work.is_empty() {
            return Err(BackendError::misconfigured(format!(
                "{what}, so the next one cannot be made; revoke those that nothing uses"
            )));
        }
        let at_work = self.shown(&self.at_work);
        Err(BackendError::unavailable(format!(
            "{what}, among them keys whose makers may still be at work ({at_work}); a replay revokes these once they are not"
        )))
    }

    /// Why no key was made. If keys of other tries fill the provider's limit, waiting helps; some providers
    /// answer with 403 then.
    pub(super) fn not_made(&self, request: &str, refusal: Refusal) -> BackendError {
        let limit = |status: &StatusCode| status.is_client_error() && *status != StatusCode::UNAUTHORIZED;
        let (Some(status), Some(listed)) = (refusal.status.filter(limit), &self.listed) else {
            return refusal.error;
        };
        if !self.at_work.is_empty() {
            return BackendError::unavailable(format!(
                "{request} answered with status {}, and there are keys whose makers may still be at work ({}); a replay revokes them once they are not",
                status.as_u16(),
                self.shown(&self.at_work)
            ));
        }
        if refusal.error.class() != rotation_core::ErrorClass::Misconfigured {
            return refusal.error;
        }
        BackendError::misconfigured(format!(
            "{}; if a limit is reached, revoke what nothing uses of the {} keys that are listed (ids: {})",
            refusal.error,
            listed.len(),
            self.shown(listed)
        ))
    }

    /// The ids, if they may be printed.
    fn shown(&self, ids: &[String]) -> String {
        match self.printable {
            true => first(ids),
            false => "not printed, as the AWSCURRENT key's is not among them".to_owned(),
        }
    }
}

/// The first ids, and how many more there are.
fn first(ids: &[String]) -> String {
    const MOST: usize = 20;
    let first = ids.iter().take(MOST).map(String::as_str).collect::<Vec<_>>();
    match ids.len().saturating_sub(MOST) {
        0 => first.join(", "),
        more => format!("{}, and {more} more", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use rotation_core::ErrorClass;

    use super::*;

    fn found(listed: &[&str], at_work: &[&str]) -> Found {
        let owned = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect();
        Found {
            at_work: owned(at_work),
            listed: Some(owned(listed)),
            printable: true,
            finds_orphans: true,
        }
    }

    #[test]
    fn a_limit_that_is_reached_is_said_with_the_ids() {
        let two = Some(2);
        assert!(found(&["a"], &[]).check(two).is_ok());
        assert!(found(&["a", "b", "c"], &[]).check(None).is_ok());
        assert!(Found::default().check(two).is_ok());
        let error = found(&["a", "b"], &[]).check(two).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Misconfigured);
        assert!(
            error
                .to_string()
                .contains("allows 2 keys, and lists 2 (ids: a, b)"),
            "{error}"
        );
        let error = found(&["a", "b"], &["b"]).check(two).unwrap_err();
        assert_eq!(error.class(), ErrorClass::Unavailable);
        assert!(error.to_string().contains("at work (b)"), "{error}");
        let doubtful = Found {
            printable: false,
            ..found(&["a-key"], &[])
        };
        let error = doubtful.check(Some(1)).unwrap_err().to_string();
        assert!(error.contains("lists 1") && !error.contains("a-key"), "{error}");
    }

    #[test]
    fn many_ids_are_cut_short() {
        let ids: Vec<_> = (1..=23).map(|id| id.to_string()).collect();
        assert!(first(&ids).ends_with("19, 20, and 3 more"));
    }
}
