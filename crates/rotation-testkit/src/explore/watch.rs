//! A watch over one secret and its target: the invariants, as checks of what can be seen from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use rotation_core::{AWSCURRENT, AWSPENDING, AWSPREVIOUS, CredentialBackend, SecretValue};
use rotation_simulator::Simulator;

use super::invariant::{Broken, Checked, Invariant, broken};
use crate::faulty_backend::{Asked, FaultyBackend, Made};
use crate::secret_texts;
use crate::subject::{Target, unlisted};
use crate::sync::lock;

/// A labelled version and its credential.
struct Held {
    label: &'static str,
    version: String,
    value: SecretValue,
    id: Option<String>,
}

/// What is stored under two labels, and what is alive.
#[derive(PartialEq)]
pub(super) struct State {
    current: Option<(String, Option<SecretValue>)>,
    previous: Option<(String, Option<SecretValue>)>,
    alive: Vec<String>,
}

/// The id of the credential in a value.
type IdOf = dyn Fn(&SecretValue) -> Option<String> + Send + Sync;

/// Watches one secret and its target.
pub(super) struct Watch {
    pub(super) simulator: Simulator,
    pub(super) target: Arc<dyn Target>,
    pub(super) arn: String,
    pub(super) in_place: bool,
    id_of: Box<IdOf>,
    asked: Arc<Mutex<Asked>>,
    made: Arc<Mutex<Vec<Made>>>,
    /// The first value that was seen under each version.
    stored: BTreeMap<String, SecretValue>,
    /// The pending versions whose value has worked.
    proven: BTreeSet<String>,
    /// The pending versions that the target has rejected: it ends them by itself.
    rejected: BTreeSet<String>,
    /// The credentials that lived under a label, by label and version.
    lived: BTreeSet<(&'static str, String)>,
    pub(super) ids: BTreeSet<String>,
    /// What lived before the first rotation, and has no label of a rotation's.
    by_hand: Vec<String>,
    /// The versions that an operator made current, the first among them.
    by_operator: BTreeSet<String>,
    /// The version that an operator stored with a value that does not work.
    broken: Option<String>,
    /// Whether a replica hands out the value of before still.
    pub(super) replica_is_behind: bool,
}

impl Watch {
    pub(super) async fn new<B: CredentialBackend>(
        simulator: &Simulator,
        backend: &FaultyBackend<B>,
        target: Arc<dyn Target>,
        arn: &str,
        in_place: bool,
    ) -> Self {
        let (asked, made) = (backend.asked(), backend.made());
        let (backend, by_hand) = (backend.shared(), target.alive().await);
        let first = simulator.holding(arn, AWSCURRENT).map(|(version, _)| version);
        Self {
            simulator: simulator.clone(),
            target,
            arn: arn.to_owned(),
            in_place,
            id_of: Box::new(move |value| backend.id(&value.decode().ok()?)),
            asked,
            made,
            stored: BTreeMap::new(),
            proven: BTreeSet::new(),
            rejected: BTreeSet::new(),
            lived: BTreeSet::new(),
            ids: BTreeSet::new(),
            by_hand,
            by_operator: first.into_iter().collect(),
            broken: None,
            replica_is_behind: false,
        }
    }

    /// An operator has made the version current that is so now.
    pub(super) fn operator_chose(&mut self) {
        let version = self.version_with(AWSCURRENT);
        self.by_operator.extend(version);
    }

    /// The double has to know the credential that it is staged with by its id; else there are no orphans.
    pub(super) fn lists_what_works(&mut self) -> Checked {
        match self.held(AWSCURRENT).and_then(|held| held.id) {
            Some(id) if !self.by_hand.contains(&id) => {
                Err(broken(Invariant::NoOrphan, unlisted(&id, &self.by_hand)))
            }
            _ => Ok(()),
        }
    }

    /// An operator stores a credential that the target has never had. False where the double knows of none, or where
    /// there would be no way back, because the credential is changed in place.
    pub(super) async fn store_broken(&mut self) -> bool {
        let broken = self.broken_one();
        self.broken = broken.and_then(|value| self.simulator.operator().put(&self.arn, value).ok());
        self.broken.is_some()
    }

    /// A credential that the double makes up and that does not work, beside one that does.
    pub(super) fn broken_one(&self) -> Option<SecretValue> {
        let (_, current) = self.simulator.holding(&self.arn, AWSCURRENT)?;
        self.target.unknown(&current?).filter(|_| !self.in_place)
    }

    /// Whether the value under `AWSCURRENT` is one that an operator stored and that does not work.
    pub(super) fn current_is_broken(&self) -> bool {
        self.broken.is_some() && self.version_with(AWSCURRENT) == self.broken
    }

    /// The pending version, unless it is current already.
    pub(super) fn only_pending(&self) -> Option<String> {
        let pending = self.version_with(AWSPENDING);
        pending.filter(|pending| self.version_with(AWSCURRENT).as_ref() != Some(pending))
    }

    pub(super) fn version_with(&self, label: &str) -> Option<String> {
        Some(self.simulator.holding(&self.arn, label)?.0)
    }

    fn held(&mut self, label: &'static str) -> Option<Held> {
        let (version, value) = self.simulator.holding(&self.arn, label)?;
        let value = value?;
        let id = (self.id_of)(&value);
        if let Some(id) = id.as_ref().filter(|id| !self.ids.contains(*id)) {
            self.ids.insert(id.clone());
        }
        Some(Held {
            label,
            version,
            value,
            id,
        })
    }

    /// Some version whose value works for the credential of `AWSCURRENT`, labelled or not: where it is changed
    /// in place, and where the ids are the same, as those of a user whose turn it is again.
    pub(super) async fn version_that_works(&mut self) -> Option<String> {
        let current = self.held(AWSCURRENT)?.id;
        let ours = self.simulator.stored_values().into_iter();
        for stored in ours.filter(|stored| stored.secret_arn == self.arn) {
            let same = current.is_some() && (self.id_of)(&stored.value) == current;
            if (self.in_place || same) && self.target.authenticates(&stored.value).await {
                return Some(stored.version_id);
            }
        }
        None
    }

    pub(super) async fn works(&mut self, label: &'static str) -> bool {
        match self.held(label) {
            Some(held) => self.target.authenticates(&held.value).await,
            None => false,
        }
    }

    /// What must hold at every instant. `rejecting` says that the target ends what is pending by itself.
    pub(super) async fn instant(&mut self, rejecting: bool) -> Checked {
        let current = self.held(AWSCURRENT);
        let pending = self.held(AWSPENDING).filter(|pending| {
            let current = current.as_ref();
            current.is_none_or(|current| current.version != pending.version)
        });
        self.current_works(current.as_ref(), pending.as_ref()).await?;
        self.promoted_is_tested(current.as_ref())?;
        self.nothing_is_late()?;
        if let Some(pending) = &pending {
            self.stays(pending)?;
        }
        let alive = self.target.alive().await;
        let ended = std::mem::take(&mut lock(&self.asked).ended);
        if let Some(pending) = &pending
            && self.target.authenticates(&pending.value).await
        {
            self.proven.insert(pending.version.clone());
        }
        // A user's name says nothing of the password that is to be set: only what has worked can be ended.
        if rejecting && let Some(pending) = &pending {
            self.rejected.insert(pending.version.clone());
        }
        let pending = pending.filter(|pending| {
            !self.rejected.contains(&pending.version) && self.proven.contains(&pending.version)
        });
        // Nor can what has never worked.
        let current = current.filter(|_| !self.current_is_broken());
        for held in [&current, &pending].into_iter().flatten() {
            if held.id.is_some() && ended.contains(&held.id) {
                let what = format!("the backend was asked to retire the credential of {}", held.label);
                return Err(broken(Invariant::LiveIsNotEnded, what));
            }
            self.lives_on(held, &alive)?;
        }
        let Some(previous) = self.held(AWSPREVIOUS) else {
            return Ok(());
        };
        let begun = |id: &String| lock(&self.asked).begun.contains(id);
        match previous.id.as_ref().is_some_and(begun) && !self.replica_is_behind {
            true => Ok(()),
            false => self.lives_on(&previous, &alive),
        }
    }

    async fn current_works(&self, current: Option<&Held>, pending: Option<&Held>) -> Checked {
        let Some(current) = current else {
            return Err(broken(
                Invariant::CurrentWorks,
                "nothing is stored under AWSCURRENT",
            ));
        };
        if self.target.authenticates(&current.value).await || self.current_is_broken() {
            return Ok(());
        }
        if self.in_place
            && let Some(pending) = pending
            && self.target.authenticates(&pending.value).await
        {
            return Ok(());
        }
        let id = current.id.as_deref().unwrap_or("without id");
        let what = format!("AWSCURRENT ({id}) does not authenticate");
        Err(broken(Invariant::CurrentWorks, what))
    }

    fn promoted_is_tested(&self, current: Option<&Held>) -> Checked {
        let untested = current.map(|held| &held.version).filter(|version| {
            !self.by_operator.contains(*version) && !lock(&self.asked).tested.contains(*version)
        });
        match untested {
            None => Ok(()),
            Some(version) => Err(broken(
                Invariant::PromotedIsTested,
                format!("{version} is AWSCURRENT, and no testSecret has proved its credential"),
            )),
        }
    }

    fn nothing_is_late(&self) -> Checked {
        match &lock(&self.asked).late {
            None => Ok(()),
            Some(request) => Err(broken(
                Invariant::NothingAfterTheDeadline,
                format!("{request} was sent when the call had no time left; await it through ctx.timeout"),
            )),
        }
    }

    fn stays(&mut self, pending: &Held) -> Checked {
        let first = self.stored.get(&pending.version);
        if first.is_some_and(|first| *first != pending.value) {
            let what = "the value stored under AWSPENDING was replaced by another";
            return Err(broken(Invariant::Converges, what));
        }
        if first.is_none() {
            self.stored.insert(pending.version.clone(), pending.value.clone());
        }
        Ok(())
    }

    /// What was alive under this label is alive as long as the label is there.
    fn lives_on(&mut self, held: &Held, alive: &[String]) -> Checked {
        let Some(id) = &held.id else { return Ok(()) };
        let key = (held.label, held.version.clone());
        if alive.contains(id) {
            self.lived.insert(key);
        } else if self.lived.contains(&key) {
            let what = format!("{id} was ended while a version held it under {}", held.label);
            return Err(broken(Invariant::LiveIsNotEnded, what));
        }
        Ok(())
    }

    /// What must hold once a later rotation has completed, with or without grace. `untouched` says that no
    /// operator took part; `by_hand` excuses that a credential is left that was made by hand. Says whether
    /// one is.
    pub(super) async fn settled(
        &mut self,
        grace: bool,
        untouched: bool,
        by_hand: bool,
    ) -> Result<bool, Broken> {
        self.instant(false).await?;
        let labels: &[&'static str] = match grace {
            true => &[AWSCURRENT, AWSPENDING, AWSPREVIOUS],
            false => &[AWSCURRENT],
        };
        let labelled: BTreeSet<_> = labels.iter().filter_map(|label| self.held(label)?.id).collect();
        let mut left = false;
        for id in self.target.alive().await {
            if labelled.contains(&id) {
                continue;
            }
            if by_hand && self.by_hand.contains(&id) {
                left = true;
            } else {
                let held: Vec<_> = labelled.into_iter().collect();
                let what = format!("{id} is alive, and no labelled version holds it; held are {held:?}");
                return Err(broken(Invariant::NoOrphan, what));
            }
        }
        let keeps = grace && untouched && !self.in_place;
        if keeps && self.held(AWSPREVIOUS).is_some() && !self.works(AWSPREVIOUS).await {
            let what = "AWSPREVIOUS does not work, and its grace is not over";
            return Err(broken(Invariant::LiveIsNotEnded, what));
        }
        Ok(left)
    }

    /// Without grace the superseded credential is ended with the rotation that supersedes it.
    pub(super) async fn superseded_is_ended(&mut self) -> Checked {
        if !self.in_place && self.works(AWSPREVIOUS).await {
            let what = "the rotation is over, AWSPREVIOUS has no grace, and works";
            return Err(broken(Invariant::NoOrphan, what));
        }
        Ok(())
    }

    /// What a dry run must leave as it is.
    pub(super) async fn state(&mut self) -> State {
        let value = |label: &str| self.simulator.holding(&self.arn, label);
        let (current, previous) = (value(AWSCURRENT), value(AWSPREVIOUS));
        State {
            current,
            previous,
            alive: self.target.alive().await,
        }
    }

    /// No secret in what was printed.
    pub(super) fn prints_nothing(&self, printed: &str) -> Checked {
        let needles = secret_texts::needles(&self.simulator, &self.arn, &lock(&self.made), &self.ids);
        match secret_texts::find(&needles, printed) {
            None => Ok(()),
            Some(line) => Err(broken(
                Invariant::NothingPrinted,
                format!("a secret was printed: {line}"),
            )),
        }
    }

    /// A report's text without a secret, should something that was not to be printed have got into it.
    pub(super) fn hidden(&self, text: &str) -> String {
        let made = lock(&self.made);
        secret_texts::redact(
            &secret_texts::to_hide(&self.simulator, &self.arn, &made, &self.ids),
            text,
        )
    }
}
