//! Passwords from the operating system's random source, by the rules of AWS's templates.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::random::{RandomSource, RandomUnavailable, uniform};
use crate::secret::SecretString;

const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/// Which passwords may be made.
///
/// The default is that of AWS's rotation templates: 32 characters of upper case, lower case,
/// numbers and punctuation, at least one of each, without `/@"'\`.
///
/// ```
/// use rotation_core::{OsRandom, PasswordPolicy};
///
/// let variables = |name: &str| (name == "PASSWORD_LENGTH").then(|| "20".to_owned());
/// let policy = PasswordPolicy::from_variables(variables, r#":/@"'\"#)?;
/// assert_eq!(policy.generate(&OsRandom)?.expose_secret().len(), 20);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PasswordPolicy {
    length: usize,
    /// The characters of each type that is included, the excluded ones taken out; none is empty.
    types: Vec<Vec<char>>,
    require_each: bool,
}

impl PasswordPolicy {
    /// The characters that most of AWS's templates exclude when `EXCLUDE_CHARACTERS` is not set.
    pub const DEFAULT_EXCLUSIONS: &'static str = "/@\"'\\";

    /// The policy that the variables of AWS's templates describe.
    ///
    /// `lookup` is asked for each variable by name; a Lambda function passes its environment.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `PASSWORD_LENGTH` | characters, 1 to 4096 | 32 |
    /// | `EXCLUDE_CHARACTERS` | characters never used | `default_exclusions` |
    /// | `EXCLUDE_NUMBERS`, `EXCLUDE_PUNCTUATION`, `EXCLUDE_UPPERCASE`, `EXCLUDE_LOWERCASE` | leave out a type | false |
    /// | `REQUIRE_EACH_INCLUDED_TYPE` | at least one of each type that is not left out | true |
    ///
    /// Booleans are `true`, `1`, `y`, `yes` or `false`, `0`, `n`, `no` in any case. (AWS's templates
    /// take any other text for false; here it is an error, so that a misspelt rule is not lost.)
    ///
    /// # Errors
    ///
    /// A [`PolicyError`] that names the variable and what it may be.
    pub fn from_variables(
        lookup: impl Fn(&str) -> Option<String>,
        default_exclusions: &str,
    ) -> Result<Self, PolicyError> {
        let flag =
            |name: &'static str, default| lookup(name).map_or(Ok(default), |text| boolean(name, &text));
        let length = match lookup("PASSWORD_LENGTH") {
            None => 32,
            Some(text) => text.trim().parse().map_err(|_| PolicyError::Length)?,
        };
        let excluded: BTreeSet<char> = lookup("EXCLUDE_CHARACTERS")
            .unwrap_or_else(|| default_exclusions.to_owned())
            .chars()
            .collect();
        let all = [
            (flag("EXCLUDE_UPPERCASE", false)?, UPPERCASE),
            (flag("EXCLUDE_LOWERCASE", false)?, LOWERCASE),
            (flag("EXCLUDE_NUMBERS", false)?, NUMBERS),
            (flag("EXCLUDE_PUNCTUATION", false)?, PUNCTUATION),
        ];
        let types = all
            .into_iter()
            .filter(|(left_out, _)| !left_out)
            .map(|(_, characters)| characters.chars().filter(|c| !excluded.contains(c)).collect())
            .collect();
        Self::new(length, types, flag("REQUIRE_EACH_INCLUDED_TYPE", true)?)
    }

    fn new(length: usize, mut types: Vec<Vec<char>>, require_each: bool) -> Result<Self, PolicyError> {
        types.retain(|characters| !characters.is_empty());
        if !(1..=4096).contains(&length) {
            return Err(PolicyError::Length);
        }
        if types.is_empty() {
            return Err(PolicyError::NothingLeft);
        }
        if require_each && length < types.len() {
            return Err(PolicyError::TooShort { types: types.len() });
        }
        Ok(Self {
            length,
            types,
            require_each,
        })
    }

    /// A new password.
    ///
    /// # Errors
    ///
    /// [`RandomUnavailable`] if the random source fails.
    pub fn generate(&self, random: &dyn RandomSource) -> Result<SecretString, RandomUnavailable> {
        let all: Vec<char> = self.types.concat();
        let mut password = Zeroizing::new(Vec::with_capacity(self.length));
        if self.require_each {
            for characters in &self.types {
                password.push(pick(characters, random)?);
            }
        }
        while password.len() < self.length {
            password.push(pick(&all, random)?);
        }
        for last in (1..password.len()).rev() {
            password.swap(last, uniform(random, last + 1)?);
        }
        // A secret that starts with a brace reads as a JSON document.
        if password.first() == Some(&'{')
            && let Some(other) = password.iter().position(|&c| c != '{')
        {
            password.swap(0, other);
        }
        Ok(password.iter().collect::<String>().into())
    }
}

impl Default for PasswordPolicy {
    fn default() -> Self {
        let types = [UPPERCASE, LOWERCASE, NUMBERS, PUNCTUATION].map(|characters| {
            characters
                .chars()
                .filter(|&c| !Self::DEFAULT_EXCLUSIONS.contains(c))
                .collect()
        });
        Self {
            length: 32,
            types: types.into(),
            require_each: true,
        }
    }
}

/// What is wrong with the variables of a password policy.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// `PASSWORD_LENGTH` is no number, or out of range.
    #[error("PASSWORD_LENGTH must be a number from 1 to 4096")]
    Length,
    /// A boolean is neither true nor false.
    #[error("{0} must be true or false")]
    NotBoolean(&'static str),
    /// Every character is excluded.
    #[error("the EXCLUDE_ variables leave no character to make a password of; exclude less")]
    NothingLeft,
    /// One character of each type does not fit.
    #[error(
        "PASSWORD_LENGTH is less than the {types} types of which REQUIRE_EACH_INCLUDED_TYPE wants one each; raise it"
    )]
    TooShort {
        /// How many types are included.
        types: usize,
    },
}

fn boolean(name: &'static str, text: &str) -> Result<bool, PolicyError> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "y" | "yes" => Ok(true),
        "false" | "0" | "n" | "no" | "" => Ok(false),
        _ => Err(PolicyError::NotBoolean(name)),
    }
}

fn pick(characters: &[char], random: &dyn RandomSource) -> Result<char, RandomUnavailable> {
    let index = uniform(random, characters.len())?;
    // `uniform` stays below the length, and `new` keeps no empty type.
    Ok(characters.get(index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests {
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
}
