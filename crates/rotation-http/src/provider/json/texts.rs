//! An object of texts, as it is written.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::ProviderError;

/// The names and texts of an object. A map would keep the last of two texts of one name, and lose the
/// other without a word.
pub(super) struct Texts(Vec<(String, String)>);

impl Texts {
    /// The pairs, if no name is there twice; `alike` says whether two names are the same.
    pub(super) fn pairs(
        self,
        part: &str,
        alike: fn(&str, &str) -> bool,
    ) -> Result<Vec<(String, String)>, ProviderError> {
        let Self(pairs) = self;
        for (place, (name, _)) in pairs.iter().enumerate() {
            if pairs.iter().take(place).any(|(earlier, _)| alike(earlier, name)) {
                return Err(ProviderError::new(
                    part.to_owned(),
                    format!("{name:?} is there twice, and one would be lost; take one out"),
                ));
            }
        }
        Ok(pairs)
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Texts(pairs))
    }
}
