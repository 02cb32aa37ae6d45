//! The credentials that are live, as a backend sees them.

use std::collections::BTreeSet;
use std::fmt;

/// The credentials that are in use now, and the ids that must not be ended. `Debug` prints the ids
/// only.
pub struct Live<'a, C> {
    current: &'a C,
    previous: Option<&'a C>,
    ids: &'a LiveIds,
}

impl<'a, C> Live<'a, C> {
    /// A view of these credentials. The framework makes it; tests of a backend may.
    #[must_use]
    pub fn new(current: &'a C, previous: Option<&'a C>, ids: &'a LiveIds) -> Self {
        Self {
            current,
            previous,
            ids,
        }
    }

    /// The credential under `AWSCURRENT`.
    #[must_use]
    pub fn current(&self) -> &'a C {
        self.current
    }

    /// The credential under `AWSPREVIOUS`, if there is one whose document can be read: in setSecret
    /// where the profile [reads](crate::Profile::reads_previous) it, in createSecret where the profile
    /// [retires](crate::Profile::retires_previous) it, which then has been tried.
    #[must_use]
    pub fn previous(&self) -> Option<&'a C> {
        self.previous
    }

    /// Whether a labelled version holds the credential with this id: it must not be ended. Complete
    /// in createSecret where the profile [retires](crate::Profile::retires_previous) the previous
    /// credential; elsewhere it knows only the versions that the step read.
    #[must_use]
    pub fn protects(&self, id: &str) -> bool {
        self.ids.ids.contains(id)
    }

    /// Whether the id of every labelled version's credential is known: all were read, and each has
    /// one. If not, one of them may be a credential that looks like an orphan: end only what was
    /// made under this step's own token, of which no value was ever stored.
    #[must_use]
    pub fn all_identified(&self) -> bool {
        self.ids.all_identified
    }
}

impl<C> fmt::Debug for Live<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live")
            .field("ids", &self.ids)
            .finish_non_exhaustive()
    }
}

impl<C> Clone for Live<'_, C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for Live<'_, C> {}

/// The ids of the credentials that labelled versions hold.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveIds {
    ids: BTreeSet<String>,
    all_identified: bool,
}

impl LiveIds {
    /// The ids, one for each labelled version; `None` for a version whose credential has no id or whose
    /// value cannot be read.
    pub fn new(ids: impl IntoIterator<Item = Option<String>>) -> Self {
        let mut live = Self {
            ids: BTreeSet::new(),
            all_identified: true,
        };
        for id in ids {
            match id {
                Some(id) => _ = live.ids.insert(id),
                None => live.all_identified = false,
            }
        }
        live
    }

    /// The same ids, and it is not known whether they are those of all labelled versions.
    #[must_use]
    pub fn incomplete(mut self) -> Self {
        self.all_identified = false;
        self
    }

    pub(crate) fn all_identified(&self) -> bool {
        self.all_identified
    }

    pub(crate) fn contains(&self, id: &str) -> bool {
        self.ids.contains(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unidentified_version_is_remembered() {
        let ids = LiveIds::new([Some("a".to_owned()), None]);
        let live = Live::new(&(), None, &ids);
        assert!(live.protects("a") && !live.protects("b") && !live.all_identified());
        assert!(Live::new(&(), None, &LiveIds::new([Some("a".to_owned())])).all_identified());
    }
}
