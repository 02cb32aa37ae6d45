//! Passwords from the operating system's random source, by the rules of AWS's templates.

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use crate::random::{RandomSource, RandomUnavailable, uniform};
use crate::secret::SecretString;

const DEFAULT_LENGTH: usize = 32;
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
/// let policy = PasswordPolicy::of_length(20).excluding(r#":/@"'\"#).without_punctuation().build()?;
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

    /// The rules of a policy for passwords of this many characters, 1 to 4096. What is not said is as
    /// in the [default](Self::default) policy.
    pub fn of_length(length: usize) -> PasswordPolicyBuilder {
        PasswordPolicyBuilder {
            length,
            excluded: Self::DEFAULT_EXCLUSIONS.chars().collect(),
            types: vec![UPPERCASE, LOWERCASE, NUMBERS, PUNCTUATION],
            require_each: true,
        }
    }

    /// The policy that the variables of AWS's templates describe.
    ///
    /// ```
    /// use rotation_core::{OsRandom, PasswordPolicy};
    ///
    /// let variables = |name: &str| (name == "PASSWORD_LENGTH").then(|| "20".to_owned());
    /// let policy = PasswordPolicy::from_variables(variables, r#":/@"'\"#)?;
    /// assert_eq!(policy.generate(&OsRandom)?.expose_secret().len(), 20);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
            None => DEFAULT_LENGTH,
            Some(text) => text.trim().parse().map_err(|_| PolicyError::Length)?,
        };
        let excluded = lookup("EXCLUDE_CHARACTERS");
        let mut rules = Self::of_length(length).excluding(excluded.as_deref().unwrap_or(default_exclusions));
        let types = [
            ("EXCLUDE_UPPERCASE", UPPERCASE),
            ("EXCLUDE_LOWERCASE", LOWERCASE),
            ("EXCLUDE_NUMBERS", NUMBERS),
            ("EXCLUDE_PUNCTUATION", PUNCTUATION),
        ];
        for (variable, characters) in types {
            if flag(variable, false)? {
                rules = rules.without(characters);
            }
        }
        rules.require_each = flag("REQUIRE_EACH_INCLUDED_TYPE", true)?;
        rules.build()
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
        let rules = Self::of_length(DEFAULT_LENGTH);
        Self {
            types: rules.characters(),
            length: rules.length,
            require_each: rules.require_each,
        }
    }
}

/// The rules of a [`PasswordPolicy`], made by [`PasswordPolicy::of_length`].
///
/// Rules can contradict each other, and only [`build`](Self::build) knows them all.
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordPolicyBuilder {
    length: usize,
    excluded: BTreeSet<char>,
    types: Vec<&'static str>,
    require_each: bool,
}

impl PasswordPolicyBuilder {
    /// Never uses these characters. They take the place of
    /// [`DEFAULT_EXCLUSIONS`](PasswordPolicy::DEFAULT_EXCLUSIONS), and of those that were named before.
    pub fn excluding(mut self, characters: &str) -> Self {
        self.excluded = characters.chars().collect();
        self
    }

    /// Leaves out the letters `A` to `Z`.
    pub fn without_uppercase(self) -> Self {
        self.without(UPPERCASE)
    }

    /// Leaves out the letters `a` to `z`.
    pub fn without_lowercase(self) -> Self {
        self.without(LOWERCASE)
    }

    /// Leaves out the digits.
    pub fn without_numbers(self) -> Self {
        self.without(NUMBERS)
    }

    /// Leaves out the punctuation.
    pub fn without_punctuation(self) -> Self {
        self.without(PUNCTUATION)
    }

    /// Lets chance decide which types occur. Otherwise each type that is not left out occurs at least
    /// once.
    pub fn without_requiring_each_type(mut self) -> Self {
        self.require_each = false;
        self
    }

    /// The policy.
    ///
    /// # Errors
    ///
    /// A [`PolicyError`] when no password can follow these rules, or when the length is out of range.
    pub fn build(self) -> Result<PasswordPolicy, PolicyError> {
        let types = self.characters();
        if !(1..=4096).contains(&self.length) {
            return Err(PolicyError::Length);
        }
        if types.is_empty() {
            return Err(PolicyError::NothingLeft);
        }
        if self.require_each && self.length < types.len() {
            return Err(PolicyError::TooShort { types: types.len() });
        }
        Ok(PasswordPolicy {
            length: self.length,
            types,
            require_each: self.require_each,
        })
    }

    fn without(mut self, left_out: &str) -> Self {
        self.types.retain(|characters| *characters != left_out);
        self
    }

    /// The characters of each type that has any left.
    fn characters(&self) -> Vec<Vec<char>> {
        let left = |characters: &&str| {
            characters
                .chars()
                .filter(|c| !self.excluded.contains(c))
                .collect()
        };
        let types = self.types.iter().map(left);
        types
            .filter(|characters: &Vec<char>| !characters.is_empty())
            .collect()
    }
}

/// What is wrong with the rules of a password policy. The texts name the variables of AWS's templates.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The length is no number, or out of range.
    #[error("the length (PASSWORD_LENGTH) must be a number from 1 to 4096")]
    Length,
    /// A boolean is neither true nor false.
    #[error("{0} must be true or false")]
    NotBoolean(&'static str),
    /// Every character is excluded.
    #[error("the rules (the EXCLUDE_ variables) leave no character to make a password of; exclude less")]
    NothingLeft,
    /// One character of each type does not fit.
    #[error(
        "the length (PASSWORD_LENGTH) is less than the {types} types of characters of which one each is required (REQUIRE_EACH_INCLUDED_TYPE); raise it"
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
    // `uniform` stays below the length, and `build` keeps no empty type.
    Ok(characters.get(index).copied().unwrap_or_default())
}

#[cfg(test)]
mod tests;
