//! GetRandomPassword.

use super::world::*;
use crate::model::ErrorCode::{InvalidParameterException, ValidationException};
use crate::model::GetRandomPassword;
use crate::model::Principal::Operator;

fn ask(world: &mut World, change: impl FnOnce(&mut GetRandomPassword)) -> String {
    let mut request = GetRandomPassword::new();
    change(&mut request);
    let password = world.ask(Operator, request).unwrap();
    password.expose_secret().to_owned()
}

fn has(password: &str, kind: fn(&char) -> bool) -> bool {
    password.chars().any(|c| kind(&c))
}

const KINDS: [fn(&char) -> bool; 4] = [
    char::is_ascii_uppercase,
    char::is_ascii_lowercase,
    char::is_ascii_digit,
    char::is_ascii_punctuation,
];

#[test]
fn a_password_has_32_characters_and_one_of_each_type() {
    let mut world = World::new();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let password = ask(&mut world, |_| {});
        assert_eq!(password.len(), 32);
        assert!(KINDS.iter().all(|kind| has(&password, *kind)), "{password}");
        assert!(!password.contains(' '));
        assert!(seen.insert(password), "each is another");
    }
    for _ in 0..50 {
        let password = ask(&mut world, |request| request.length = Some(4));
        assert!(KINDS.iter().all(|kind| has(&password, *kind)), "{password}");
    }
}

#[test]
fn types_and_characters_are_left_out() {
    let mut world = World::new();
    type Exclude = fn(&mut GetRandomPassword);
    let rows: [Exclude; 4] = [
        |request| request.exclude_uppercase = true,
        |request| request.exclude_lowercase = true,
        |request| request.exclude_numbers = true,
        |request| request.exclude_punctuation = true,
    ];
    for (exclude, kind) in rows.into_iter().zip(KINDS) {
        let password = ask(&mut world, |request| {
            exclude(request);
            request.length = Some(4096);
        });
        assert!(!has(&password, kind));
        assert_eq!(KINDS.iter().filter(|kind| has(&password, **kind)).count(), 3);
    }
    let password = ask(&mut world, |request| {
        request.exclude = "abc/@\"'".to_owned();
        request.length = Some(4096);
    });
    assert!(!password.contains(['a', 'b', 'c', '/', '@', '"', '\'']));
    let spaced = ask(&mut world, |request| {
        request.include_space = true;
        request.length = Some(4096);
    });
    assert!(spaced.contains(' '));
}

#[test]
fn a_type_may_be_missing_where_none_is_required() {
    let mut world = World::new();
    let some_miss = (0..50).any(|_| {
        let password = ask(&mut world, |request| {
            request.length = Some(4);
            request.require_each = Some(false);
        });
        !KINDS.iter().all(|kind| has(&password, *kind))
    });
    assert!(some_miss);
    let one = ask(&mut world, |request| {
        request.length = Some(1);
        request.require_each = Some(false);
        request.exclude = "0123456789".to_owned();
    });
    assert_eq!(one.len(), 1, "an emptied type is no error then");
}

#[test]
fn refusals_say_why() {
    let mut world = World::new();
    type Change = fn(&mut GetRandomPassword);
    let nothing: Change = |request| {
        request.exclude_uppercase = true;
        request.exclude_lowercase = true;
        request.exclude_numbers = true;
        request.exclude_punctuation = true;
    };
    let rows: [(Change, _, &str); 6] = [
        (
            |request| request.length = Some(0),
            ValidationException,
            "Value '0' at 'passwordLength' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            |request| request.length = Some(4097),
            ValidationException,
            "Value '4097' at 'passwordLength' failed to satisfy constraint: Member must have value less than or equal \
             to 4096",
        ),
        (
            |request| request.length = Some(3),
            InvalidParameterException,
            "Password length is too short based on the required types.",
        ),
        (
            |request| request.exclude = "0123456789".to_owned(),
            InvalidParameterException,
            "All characters of the desired type have been excluded.",
        ),
        (
            nothing,
            InvalidParameterException,
            "All characters have been excluded from selection.",
        ),
        (
            |request| request.exclude = "x".repeat(4097),
            InvalidParameterException,
            "4096",
        ),
    ];
    for (change, code, text) in rows {
        let mut request = GetRandomPassword::new();
        change(&mut request);
        refused(world.ask(Operator, request), code, text);
    }
}
