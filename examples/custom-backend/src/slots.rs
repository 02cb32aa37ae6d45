//! Which of an account's keys to end before the next is made, and whether there is room for it.

use std::time::SystemTime;

use rotation_core::BackendError;

use crate::api::Listed;
use crate::label::{BY_HAND, Label};

/// What a try knows that is about to make a key.
pub(crate) struct Maker<'a> {
    /// The [hash](crate::label::hash) of its secret's ARN.
    pub(crate) secret: &'a str,
    pub(crate) token: &'a str,
    /// When the labels of the secret were read.
    pub(crate) as_of: SystemTime,
    /// How many keys an account may have.
    pub(crate) most: usize,
    /// The id of the current key.
    pub(crate) current: &'a str,
    /// Whether the id of every labelled version's key is known.
    pub(crate) all_identified: bool,
}

/// What a key in the list is to us.
#[derive(Debug, Eq, PartialEq)]
enum Standing {
    /// A labelled version holds it, or somebody else made it.
    NotOurs,
    /// Another try made it, and may still be about to store it.
    Fresh,
    /// A try made it that is over, and no labelled version holds it.
    Orphan,
}

/// The ids of the keys to end.
///
/// # Errors
///
/// When there would be no room all the same, or when the list is not that of the right account.
pub(crate) fn plan(
    keys: &[Listed],
    maker: &Maker<'_>,
    protects: impl Fn(&str) -> bool,
) -> Result<Vec<String>, BackendError> {
    if !keys.iter().any(|key| key.id == maker.current) {
        return Err(BackendError::misconfigured(
            "Forge does not list the key of AWSCURRENT for its account; nothing was ended. Check key_id and account \
             in the secret",
        ));
    }
    let standings = keys.iter().map(|key| (key, standing(key, maker, &protects)));
    let (orphans, rest): (Vec<_>, Vec<_>) =
        standings.partition(|(_, standing)| *standing == Standing::Orphan);
    if rest.len() >= maker.most {
        return Err(no_room(&rest));
    }
    Ok(orphans.into_iter().map(|(key, _)| key.id.clone()).collect())
}

fn standing(key: &Listed, maker: &Maker<'_>, protects: &impl Fn(&str) -> bool) -> Standing {
    if protects(&key.id) {
        return Standing::NotOurs;
    }
    let Some(label) = Label::parse(&key.created_by) else {
        return match key.created_by == BY_HAND && maker.all_identified {
            true => Standing::Orphan,
            false => Standing::NotOurs,
        };
    };
    // Where a labelled version's key is not known, only what this rotation made cannot be it.
    let ours = label.secret == maker.secret && (maker.all_identified || label.token == maker.token);
    match (ours, label.is_over(maker.as_of)) {
        (false, _) => Standing::NotOurs,
        (true, false) => Standing::Fresh,
        (true, true) => Standing::Orphan,
    }
}

fn no_room(taken: &[(&Listed, Standing)]) -> BackendError {
    if taken.iter().any(|(_, standing)| *standing == Standing::Fresh) {
        return BackendError::unavailable(
            "every key that the account may have is taken, one by a try that may still be about to store it; once its time is \
             up, the next try ends it",
        );
    }
    let ids: Vec<_> = taken.iter().map(|(key, _)| key.id.as_str()).collect();
    BackendError::misconfigured(format!(
        "every key that the account may have is taken ({}); delete the one in Forge that nothing uses",
        ids.join(", ")
    ))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test")]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn key(id: &str, created_by: &str) -> Listed {
        let (id, created_by) = (id.to_owned(), created_by.to_owned());
        Listed { id, created_by }
    }

    /// What is ended beside the current key, which is protected; `Err` with the class's first word.
    fn plan_for(other: &str, all_identified: bool, protected: bool) -> Result<Vec<String>, String> {
        let keys = [key("cur", BY_HAND), key("other", other)];
        let maker = Maker {
            secret: "ab",
            token: "mine",
            as_of: UNIX_EPOCH + Duration::from_secs(1000),
            most: 2,
            current: "cur",
            all_identified,
        };
        let protects = |id: &str| id == "cur" || protected;
        plan(&keys, &maker, protects).map_err(|error| format!("{:?}", error.class()))
    }

    #[test]
    fn what_is_ended_and_what_is_not() {
        let (ended, unavailable, misconfigured) = (
            Ok(vec!["other".to_owned()]),
            Err("Unavailable".to_owned()),
            Err("Misconfigured".to_owned()),
        );
        for (created_by, all_identified, protected, expected) in [
            ("rotation 900 ab mine", true, false, &ended),
            ("rotation 900 ab another", true, false, &ended),
            ("rotation", true, false, &ended),
            // It may be the key of a version that has no id.
            ("rotation 900 ab another", false, false, &misconfigured),
            ("rotation", false, false, &misconfigured),
            ("rotation 900 ab mine", false, false, &ended),
            // Its maker may be about to store it.
            ("rotation 940 ab mine", true, false, &unavailable),
            // Another secret's, a person's, a labelled version's.
            ("rotation 900 cd mine", true, false, &misconfigured),
            ("kim", true, false, &misconfigured),
            ("rotation 900 ab mine", true, true, &misconfigured),
        ] {
            let planned = plan_for(created_by, all_identified, protected);
            assert_eq!(planned, *expected, "{created_by} {all_identified} {protected}");
        }
    }

    #[test]
    fn a_list_without_the_current_key_ends_nothing() {
        let keys = [key("other", "rotation 1 ab mine")];
        let maker = Maker {
            secret: "ab",
            token: "mine",
            as_of: SystemTime::now(),
            most: 2,
            current: "cur",
            all_identified: true,
        };
        let error = plan(&keys, &maker, |_| false).unwrap_err();
        assert!(error.to_string().contains("nothing was ended"), "{error}");
    }
}
