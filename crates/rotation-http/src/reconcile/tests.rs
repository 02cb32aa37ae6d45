//! What each key of a list is taken for, and which lists are trusted.

use super::*;

const NOW: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn label(secret: &str, token: &str, deadline: u64) -> Label {
    Label {
        secret: Hash::of_secret(secret),
        token: Hash::of_token(token),
        deadline: at(deadline),
    }
}

fn listed(id: Option<&str>, label: Option<&str>) -> Listed {
    Listed::minted(id.map(str::to_owned), label.map(str::to_owned))
}

/// Judged for the token `this`, with the id `live` protected, by a step that began at `NOW`
/// and got the list 100 seconds later.
fn verdict(id: &str, token: &str, deadline: u64, all_identified: bool) -> Verdict {
    let key = OurKey {
        id: id.to_owned(),
        address: id.to_owned(),
        label: label("mine", token, deadline),
    };
    judge(
        &key,
        &Facts {
            token: Hash::of_token("this"),
            as_of: at(NOW),
            now: at(NOW + 100),
            protects: &|id| id == "live",
            all_identified,
        },
    )
}

#[test]
fn every_row_gets_its_verdict() {
    use Verdict::{Live, MakerInTime, Orphan, Unidentifiable};
    let out = NOW - 61;
    let in_time = |deadline: u64| MakerInTime {
        until: at(deadline + 60),
    };
    // What a maker that begins when the list comes writes at the latest, and the margin.
    let latest = NOW + 100 + 15 * 60 + 60;
    let rows = [
        // what it shows, id, token, deadline, verdict when all are identified, and when not
        ("held by a version", "live", "other", out, Live, Live),
        ("held, maker in time", "live", "other", NOW, Live, Live),
        ("held, too far off", "live", "other", latest + 1, Live, Live),
        ("this token, out of time", "a", "this", out, Orphan, Orphan),
        (
            "another token, out of time",
            "a",
            "other",
            out,
            Orphan,
            Unidentifiable,
        ),
        (
            "this token, at work",
            "a",
            "this",
            NOW,
            in_time(NOW),
            in_time(NOW),
        ),
        (
            "another token, at work",
            "a",
            "other",
            NOW,
            in_time(NOW),
            in_time(NOW),
        ),
        (
            "last moment",
            "a",
            "other",
            NOW - 60,
            in_time(NOW - 60),
            in_time(NOW - 60),
        ),
        // Its time was not up when the secret was read, and is by now.
        (
            "since then",
            "a",
            "this",
            NOW + 1,
            in_time(NOW + 1),
            in_time(NOW + 1),
        ),
        (
            "the longest",
            "a",
            "other",
            latest,
            in_time(latest),
            in_time(latest),
        ),
        ("too far off, this token", "a", "this", latest + 1, Orphan, Orphan),
        (
            "too far off, another",
            "a",
            "other",
            latest + 1,
            Orphan,
            Unidentifiable,
        ),
        (
            "in a century",
            "a",
            "other",
            NOW + 3_000_000_000,
            Orphan,
            Unidentifiable,
        ),
    ];
    for (row, id, token, deadline, identified, unidentified) in rows {
        assert_eq!(
            verdict(id, token, deadline, true),
            identified,
            "{row}, all identified"
        );
        assert_eq!(
            verdict(id, token, deadline, false),
            unidentified,
            "{row}, not all identified"
        );
    }
}

#[test]
fn only_keys_with_a_label_of_this_secret_are_ours() {
    let (mine, theirs) = (label("mine", "this", NOW), label("theirs", "this", NOW));
    let (mine_text, theirs_text) = (mine.to_string(), theirs.to_string());
    let keys = [
        listed(Some("a"), None),
        listed(Some("b"), Some("ci")),
        listed(Some("c"), Some(&theirs_text)),
        listed(Some("d"), Some(&mine_text)),
        listed(None, Some(&theirs_text)),
        listed(None, None),
    ];
    let found = our_keys(&keys, Hash::of_secret("mine")).unwrap();
    assert_eq!(
        found,
        [OurKey {
            id: "d".to_owned(),
            address: "d".to_owned(),
            label: mine
        }]
    );
    let nameless = [listed(None, Some(&mine_text))];
    assert_eq!(our_keys(&nameless, Hash::of_secret("mine")), Err(Unfit::NoId));
}

#[test]
fn keys_of_ours_without_an_id_are_counted_apart() {
    let (mine, theirs) = (label("mine", "this", NOW), label("theirs", "this", NOW));
    let (mine_text, theirs_text) = (mine.to_string(), theirs.to_string());
    let keys = [
        listed(Some("a"), Some(&mine_text)),
        listed(None, Some(&mine_text)),
        listed(None, Some(&theirs_text)),
        listed(None, None),
    ];
    let (found, nameless) = our_keys_with_id(&keys, Hash::of_secret("mine"));
    let (id, address) = ("a".to_owned(), "a".to_owned());
    let expected = OurKey {
        id,
        address,
        label: mine,
    };
    assert_eq!((found, nameless), (vec![expected], 1));
}

#[test]
fn an_uploaded_key_goes_by_its_label_and_is_revoked_by_the_providers_id() {
    let text = label("mine", "this", NOW).to_string();
    let ours = Listed::uploaded(Some("41".to_owned()), Some(text.clone()));
    assert_eq!((ours.id, ours.address), (Some(text), Some("41".to_owned())));
    let by_hand = Listed::uploaded(Some("42".to_owned()), Some("by hand".to_owned()));
    assert_eq!(
        (by_hand.id.as_deref(), by_hand.address.as_deref()),
        (Some("42"), Some("42"))
    );
}

#[test]
fn only_a_list_of_other_ids_proves_that_a_key_is_gone() {
    let (this, other, nameless) = (
        listed(Some("a"), None),
        listed(Some("b"), None),
        listed(None, Some("ci")),
    );
    for (row, keys, absent) in [
        ("other keys", vec![other.clone()], true),
        ("no keys", vec![], false),
        ("this one", vec![other.clone(), this], false),
        ("one without an id", vec![other, nameless], false),
    ] {
        assert_eq!(is_certainly_absent(&keys, "a"), absent, "{row}");
    }
}

#[test]
fn a_list_has_to_show_the_current_key_with_its_label() {
    let text = label("mine", "this", NOW).to_string();
    let cut = &text[..40];
    let (other, by_hand) = (listed(Some("b"), Some("ci")), listed(Some("a"), Some("by hand")));
    for (row, keys, expected) in [
        ("empty", vec![], Ok(Some(Doubt::Empty))),
        ("made by hand", vec![other.clone(), by_hand], Ok(None)),
        ("ours", vec![listed(Some("a"), Some(&text))], Ok(None)),
        ("no label", vec![other.clone(), listed(Some("a"), None)], Ok(None)),
        (
            "no labels",
            vec![listed(Some("a"), None)],
            Ok(Some(Doubt::NoLabels)),
        ),
        ("another alone", vec![other.clone()], Err(Unfit::CurrentMissing)),
        (
            "one left behind alone",
            vec![listed(Some("left"), None)],
            Ok(Some(Doubt::Empty)),
        ),
        (
            "one left behind and another",
            vec![listed(Some("left"), None), other.clone()],
            Err(Unfit::CurrentMissing),
        ),
        (
            "no ids",
            vec![listed(None, Some(&text))],
            Err(Unfit::CurrentMissing),
        ),
        (
            "cut",
            vec![listed(Some("a"), Some(cut))],
            Err(Unfit::LabelChanged),
        ),
        (
            "another's cut",
            vec![listed(Some("a"), Some("ci")), listed(Some("b"), Some(cut))],
            Ok(None),
        ),
    ] {
        assert_eq!(check_list(&keys, |id| id == "left", Some("a")), expected, "{row}");
    }
    assert_eq!(
        check_list(&[other], |_| false, None),
        Ok(None),
        "an id that is not known cannot be looked for"
    );
}
