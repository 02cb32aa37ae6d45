use std::collections::BTreeMap;

use super::*;

type Labels<'a> = &'a [(&'a str, &'a [&'a str])];

#[test]
fn a_label_that_moved_while_rotation_was_turned_off_is_left_where_it_is() {
    let facts = |labels: Labels<'_>, stored: &[&str]| {
        let mut facts = Facts::default();
        for (version, labels) in labels {
            let labels = labels.iter().map(|&label| label.to_owned()).collect();
            facts.described.versions.insert((*version).to_owned(), labels);
        }
        facts.stored = Some(
            stored
                .iter()
                .map(|&version| (version.to_owned(), None))
                .collect::<BTreeMap<_, _>>(),
        );
        facts
    };
    let empty = Pending {
        version: "v".to_owned(),
        stored: Some(false),
    };
    let rows: [(Labels<'_>, &[&str], _); 6] = [
        (
            &[("v", &["AWSPENDING"]), ("old", &["AWSCURRENT"])],
            &["old"],
            None,
        ),
        (
            &[("v", &["AWSPENDING"]), ("old", &["AWSCURRENT"])],
            &["old", "v"],
            Some(Released::Stored),
        ),
        (
            &[("v", &["AWSCURRENT", "AWSPENDING"])],
            &["v"],
            Some(Released::BecameCurrent),
        ),
        (&[("v", &["AWSCURRENT"])], &["v"], Some(Released::BecameCurrent)),
        (&[("old", &["AWSCURRENT"])], &["old"], Some(Released::Gone)),
        (
            &[("w", &["AWSPENDING"]), ("old", &["AWSCURRENT"])],
            &["old"],
            Some(Released::Gone),
        ),
    ];
    for (labels, stored, expected) in &rows {
        assert_eq!(moved(&facts(labels, stored), &empty), *expected, "{labels:?}");
    }
    // What was proved of a version with a value holds, even if a later look does not tell of the value.
    let mut later = facts(rows[0].0, &[]);
    later.stored = None;
    for (before, expected) in [
        (Some(true), None),
        (None, None),
        (Some(false), Some(Released::Stored)),
    ] {
        let pending = Pending {
            stored: before,
            ..empty.clone()
        };
        assert_eq!(moved(&later, &pending), expected, "{before:?}");
    }
}
