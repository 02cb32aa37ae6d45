use crate::random::OsRandom;

use super::*;

fn policy(variables: &[(&str, &str)]) -> Result<PasswordPolicy, PolicyError> {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(key, _)| *key == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    PasswordPolicy::from_variables(lookup, ":/@\"'\\")
}

fn generate(variables: &[(&str, &str)]) -> String {
    let password = policy(variables).unwrap().generate(&OsRandom).unwrap();
    password.expose_secret().to_owned()
}

fn count(password: &str, characters: &str) -> usize {
    password.chars().filter(|&c| characters.contains(c)).count()
}

#[test]
fn defaults_are_those_of_the_templates() {
    for _ in 0..200 {
        let password = generate(&[]);
        assert_eq!(password.len(), 32);
        for characters in [UPPERCASE, LOWERCASE, NUMBERS, PUNCTUATION] {
            assert!(count(&password, characters) > 0);
        }
        assert_eq!(count(&password, ":/@\"'\\"), 0);
    }
}

#[test]
fn each_variable_is_obeyed() {
    for _ in 0..50 {
        assert_eq!(generate(&[("PASSWORD_LENGTH", "4096")]).len(), 4096);
        assert_eq!(count(&generate(&[("EXCLUDE_NUMBERS", "Yes")]), NUMBERS), 0);
        assert_eq!(count(&generate(&[("EXCLUDE_PUNCTUATION", "1")]), PUNCTUATION), 0);
        assert_eq!(count(&generate(&[("EXCLUDE_UPPERCASE", "TRUE")]), UPPERCASE), 0);
        assert_eq!(count(&generate(&[("EXCLUDE_LOWERCASE", "y")]), LOWERCASE), 0);
        assert_eq!(count(&generate(&[("EXCLUDE_CHARACTERS", "aeiou")]), "aeiou"), 0);
    }
    let colons = (0..200).any(|_| generate(&[("EXCLUDE_CHARACTERS", "")]).contains(':'));
    assert!(colons, "EXCLUDE_CHARACTERS replaces the default exclusions");
    let one_type = (0..200).any(|_| {
        let password = generate(&[("PASSWORD_LENGTH", "4"), ("REQUIRE_EACH_INCLUDED_TYPE", "no")]);
        count(&password, NUMBERS) == 0
    });
    assert!(
        one_type,
        "without REQUIRE_EACH_INCLUDED_TYPE a type may be missing"
    );
}

#[test]
fn no_password_looks_like_a_document() {
    for _ in 0..2000 {
        let password = generate(&[("PASSWORD_LENGTH", "4"), ("REQUIRE_EACH_INCLUDED_TYPE", "no")]);
        assert!(!password.starts_with('{'), "{password}");
    }
}

#[test]
fn errors_name_the_variable() {
    let rows = [
        (("PASSWORD_LENGTH", "0"), PolicyError::Length),
        (("PASSWORD_LENGTH", "4097"), PolicyError::Length),
        (("PASSWORD_LENGTH", "many"), PolicyError::Length),
        (("PASSWORD_LENGTH", "3"), PolicyError::TooShort { types: 4 }),
        (
            ("EXCLUDE_NUMBERS", "ture"),
            PolicyError::NotBoolean("EXCLUDE_NUMBERS"),
        ),
        (
            ("REQUIRE_EACH_INCLUDED_TYPE", "maybe"),
            PolicyError::NotBoolean("REQUIRE_EACH_INCLUDED_TYPE"),
        ),
    ];
    for (variable, expected) in rows {
        assert_eq!(policy(&[variable]).unwrap_err(), expected, "{variable:?}");
    }
    let all = ["NUMBERS", "PUNCTUATION", "UPPERCASE", "LOWERCASE"].map(|t| format!("EXCLUDE_{t}"));
    let none: Vec<_> = all.iter().map(|name| (name.as_str(), "true")).collect();
    assert_eq!(policy(&none).unwrap_err(), PolicyError::NothingLeft);
}

#[test]
fn every_character_is_about_as_likely() {
    let policy = policy(&[("PASSWORD_LENGTH", "4096"), ("REQUIRE_EACH_INCLUDED_TYPE", "no")]).unwrap();
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..20 {
        for c in policy.generate(&OsRandom).unwrap().expose_secret().chars() {
            *counts.entry(c).or_insert(0) += 1;
        }
    }
    // 88 characters, 931 of each expected, standard deviation 30: ten of them either way.
    assert_eq!(counts.len(), 88);
    assert!(counts.values().all(|n| (631..1231).contains(n)), "{counts:?}");
}

#[test]
fn rules_in_code_say_what_the_variables_say() {
    type Row = (
        &'static str,
        PasswordPolicyBuilder,
        &'static [(&'static str, &'static str)],
    );
    let of = PasswordPolicy::of_length;
    let rows: [Row; 7] = [
        (
            "length",
            of(20).excluding(":/@\"'\\"),
            &[("PASSWORD_LENGTH", "20")],
        ),
        (
            "excluded",
            of(32).excluding("aeiou"),
            &[("EXCLUDE_CHARACTERS", "aeiou")],
        ),
        (
            "upper",
            of(32).without_uppercase(),
            &[("EXCLUDE_CHARACTERS", "/@\"'\\"), ("EXCLUDE_UPPERCASE", "1")],
        ),
        (
            "lower",
            of(32).without_lowercase(),
            &[("EXCLUDE_CHARACTERS", "/@\"'\\"), ("EXCLUDE_LOWERCASE", "1")],
        ),
        (
            "numbers",
            of(32).without_numbers(),
            &[("EXCLUDE_CHARACTERS", "/@\"'\\"), ("EXCLUDE_NUMBERS", "1")],
        ),
        (
            "punctuation",
            of(32).without_punctuation(),
            &[("EXCLUDE_CHARACTERS", "/@\"'\\"), ("EXCLUDE_PUNCTUATION", "1")],
        ),
        (
            "each",
            of(2).without_requiring_each_type(),
            &[
                ("EXCLUDE_CHARACTERS", "/@\"'\\"),
                ("PASSWORD_LENGTH", "2"),
                ("REQUIRE_EACH_INCLUDED_TYPE", "no"),
            ],
        ),
    ];
    for (row, rules, variables) in rows {
        let (rules, variables) = (rules.build().unwrap(), policy(variables).unwrap());
        assert_eq!(format!("{rules:?}"), format!("{variables:?}"), "{row}");
    }
    let default = PasswordPolicy::of_length(32).build().unwrap();
    assert_eq!(format!("{default:?}"), format!("{:?}", PasswordPolicy::default()));
    assert_eq!(of(3).build().unwrap_err(), PolicyError::TooShort { types: 4 });
    assert!(of(3).without_punctuation().build().is_ok());
    assert_eq!(of(0).build().unwrap_err(), PolicyError::Length);
}
