//! GetRandomPassword.

use rotation_core::SecretString;

use super::caller::Caller;
use super::error::ApiError;
use super::request::Request;
use super::state::Model;
use crate::random::mix;

/// GetRandomPassword. The passwords look random and are the same in every run: for tests only.
#[derive(Clone, Debug, Default)]
pub(crate) struct GetRandomPassword {
    /// `PasswordLength`, 1 to 4096; 32 when absent.
    pub(crate) length: Option<u32>,
    /// `ExcludeCharacters`, at most 4096.
    pub(crate) exclude: String,
    /// `ExcludeNumbers`.
    pub(crate) exclude_numbers: bool,
    /// `ExcludePunctuation`.
    pub(crate) exclude_punctuation: bool,
    /// `ExcludeUppercase`.
    pub(crate) exclude_uppercase: bool,
    /// `ExcludeLowercase`.
    pub(crate) exclude_lowercase: bool,
    /// `IncludeSpace`: a space may occur; it need not.
    pub(crate) include_space: bool,
    /// `RequireEachIncludedType`; true when absent.
    pub(crate) require_each: Option<bool>,
}

const UPPERCASE: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const LOWERCASE: &str = "abcdefghijklmnopqrstuvwxyz";
const NUMBERS: &str = "0123456789";
const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

impl GetRandomPassword {
    /// 32 characters of every type.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The characters of each type that is included.
    fn types(&self) -> Vec<Vec<char>> {
        let types = [
            (self.exclude_uppercase, UPPERCASE),
            (self.exclude_lowercase, LOWERCASE),
            (self.exclude_numbers, NUMBERS),
            (self.exclude_punctuation, PUNCTUATION),
        ];
        let included = types.into_iter().filter(|(excluded, _)| !excluded);
        included.map(|(_, characters)| self.keep(characters)).collect()
    }

    fn keep(&self, characters: &str) -> Vec<char> {
        characters
            .chars()
            .filter(|&c| !self.exclude.contains(c))
            .collect()
    }

    fn generate(&self, mut random: impl FnMut() -> u64) -> Result<SecretString, ApiError> {
        let length = self.length()?;
        let types = self.types();
        let mut pool = types.concat();
        if self.include_space {
            pool.extend(self.keep(" "));
        }
        if pool.is_empty() {
            return Err(ApiError::invalid_parameter(
                "All characters have been excluded from selection.",
            ));
        }
        let mut password = Vec::with_capacity(length);
        if self.require_each.unwrap_or(true) {
            if types.len() > length {
                return Err(ApiError::invalid_parameter(
                    "Password length is too short based on the required types.",
                ));
            }
            for characters in &types {
                let one = pick(characters, random()).ok_or_else(|| {
                    ApiError::invalid_parameter("All characters of the desired type have been excluded.")
                })?;
                password.push(one);
            }
        }
        while password.len() < length {
            password.extend(pick(&pool, random()));
        }
        for last in (1..password.len()).rev() {
            password.swap(last, below(random(), last + 1));
        }
        Ok(password.into_iter().collect::<String>().into())
    }

    fn length(&self) -> Result<usize, ApiError> {
        let length = self.length.unwrap_or(32);
        let constraint = match length {
            0 => "have value greater than or equal to 1",
            1..=4096 => return Ok(usize::try_from(length).unwrap_or(usize::MAX)),
            _ => "have value less than or equal to 4096",
        };
        Err(ApiError::constraint(
            format_args!("'{length}'"),
            "passwordLength",
            constraint,
        ))
    }
}

fn pick(characters: &[char], random: u64) -> Option<char> {
    characters.get(below(random, characters.len())).copied()
}

/// An index below `bound`; zero when there is none.
fn below(random: u64, bound: usize) -> usize {
    let bound = u64::try_from(bound).unwrap_or(u64::MAX);
    let index = random.checked_rem(bound).unwrap_or_default();
    usize::try_from(index).unwrap_or_default()
}

impl Request for GetRandomPassword {
    type Response = SecretString;
    const ACTION: &'static str = "GetRandomPassword";
    const WRITES: bool = false;

    fn secret_id(&self) -> &'static str {
        "*"
    }

    fn apply(self, model: &mut Model, _: Caller) -> Result<SecretString, ApiError> {
        if self.exclude.chars().count() > 4096 {
            return Err(ApiError::invalid_parameter(
                "ExcludeCharacters has at most 4096 characters.",
            ));
        }
        self.generate(|| {
            model.serial += 1;
            mix(model.serial)
        })
    }
}
