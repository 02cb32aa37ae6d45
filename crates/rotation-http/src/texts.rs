//! Names with their texts, in the order in which they were given.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::error::ProviderError;

/// Names with their texts; in JSON an object. A map would keep the last of two texts of one name, and lose
/// the other without a word.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Texts(pub(crate) Vec<(String, String)>);

impl Texts {
    /// Refuses a name that is there twice; `alike` says whether two names are the same. `part` is the part
    /// of the description.
    pub(crate) fn check_unique(
        &self,
        part: &'static str,
        alike: fn(&str, &str) -> bool,
    ) -> Result<(), ProviderError> {
        for (place, (name, _)) in self.0.iter().enumerate() {
            if self.0.iter().take(place).any(|(earlier, _)| alike(earlier, name)) {
                return Err(ProviderError::new(
                    part,
                    format!("{name:?} is there twice, and one would be lost; take one out"),
                ));
            }
        }
        Ok(())
    }
}

impl<N: Into<String>, T: Into<String>> FromIterator<(N, T)> for Texts {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(pairs: I) -> Self {
        let owned = |(name, text): (N, T)| (name.into(), text.into());
        Self(pairs.into_iter().map(owned).collect())
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
