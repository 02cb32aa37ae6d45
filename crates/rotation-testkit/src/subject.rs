//! What a backend's author says about their backend, so that it can be proved.

use std::fmt;
use std::sync::Arc;

use rotation_core::{CredentialBackend, SecretValue, async_trait};
use rotation_simulator::Simulator;

use crate::explore::Gap;

/// A backend that is to be proved, and the double of its target to do it on.
///
/// Both the [conformance suite](crate::conformance) and the [explorer](crate::explore) stage it anew for
/// each check and each history, so staging should be cheap: a target in memory rather than a server.
///
/// ```
/// use rotation_core::{SecretValue, async_trait};
/// use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
/// use rotation_testkit::{Simulator, Staged, Subject, Target};
///
/// struct Keys;
///
/// #[async_trait]
/// impl Subject for Keys {
///     type Backend = MintingBackend;
///
///     async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
///         let target = MintedKeys::new(simulator.faults());
///         let first = target.mint("made by hand").to_value();
///         Staged::new(MintingBackend::new(target.clone()), first, KeysTarget(target))
///     }
/// }
///
/// struct KeysTarget(MintedKeys);
///
/// #[async_trait]
/// impl Target for KeysTarget {
///     async fn authenticates(&self, value: &SecretValue) -> bool {
///         value.decode::<MintedKey>().is_ok_and(|key| self.0.authenticates(&key))
///     }
///
///     async fn alive(&self) -> Vec<String> {
///         self.0.alive()
///     }
/// }
/// ```
#[async_trait]
pub trait Subject: Send + Sync {
    /// The backend.
    type Backend: CredentialBackend;

    /// A target with one credential that works, the value that holds it, and the backend for it.
    ///
    /// Other secrets that the backend reads (an admin token, a superuser) are created here, through
    /// [`Simulator::operator`].
    async fn stage(&self, simulator: &Simulator) -> Staged<Self::Backend>;

    /// The Secrets Manager that a stage is set up in. One with a [`ManualClock`](crate::ManualClock), in
    /// which nothing waits; a target behind a real socket needs a [`TravelClock`](crate::TravelClock).
    fn simulator(&self) -> Simulator {
        Simulator::new()
    }

    /// How often the service is to replay a rotation that fails; time is the simulator's, so this costs
    /// nothing. 25, far more than there are faults.
    ///
    /// The explorer also replays every second. A target with a limit, in which the next credential has to
    /// wait until the maker of an orphan is out of time, needs as many replays as that takes seconds: 60 for
    /// the invocation, and the backend's own margin.
    fn replays(&self) -> u32 {
        25
    }

    /// In how many histories of one exploration this gap of the service's API may show. In none, unless said;
    /// `usize::MAX` is any number.
    ///
    /// No client can close a gap. Still, a backend that takes a lock or compares before it changes has fewer of
    /// them than one that does not: so the number is worth a test.
    fn gaps(&self, gap: Gap) -> usize {
        _ = gap;
        0
    }
}

#[async_trait]
impl<S: Subject> Subject for &S {
    type Backend = S::Backend;

    async fn stage(&self, simulator: &Simulator) -> Staged<S::Backend> {
        (**self).stage(simulator).await
    }

    fn simulator(&self) -> Simulator {
        (**self).simulator()
    }

    fn replays(&self) -> u32 {
        (**self).replays()
    }

    fn gaps(&self, gap: Gap) -> usize {
        (**self).gaps(gap)
    }
}

/// What can be seen and done at the target beside the backend: not by requests, but by looking into the
/// double, so that no fault strikes.
#[async_trait]
pub trait Target: Send + Sync {
    /// Whether the credential in this value of the secret works now. A key that was made and has only to
    /// propagate does.
    async fn authenticates(&self, value: &SecretValue) -> bool;

    /// The ids ([`CredentialBackend::id`]) of every credential of this secret that works, or that would if
    /// somebody found it: to hold them against the labelled versions. The staged one is among them; the
    /// superuser need not be.
    async fn alive(&self) -> Vec<String>;

    /// A credential of this target's kind that it has never had, formed like this value; `None` if there is
    /// none, and then the clauses that need one have to be
    /// [declared](crate::conformance::Conformance::not_applicable).
    fn unknown(&self, like: &SecretValue) -> Option<SecretValue> {
        _ = like;
        None
    }

    /// The same credential, aimed at another target, each with what was changed: `("host", …)`, `("user",
    /// …)`. What setSecret must refuse.
    fn misdirected(&self, pending: &SecretValue) -> Vec<(&'static str, SecretValue)> {
        _ = pending;
        Vec::new()
    }

    /// From now on the target rejects each new credential for good, or does so no longer. False if this
    /// double cannot.
    fn reject(&self, rejecting: bool) -> bool {
        _ = rejecting;
        false
    }
}

/// One stage: a backend, the secret's first value, and the target.
pub struct Staged<B> {
    pub(crate) backend: B,
    pub(crate) value: SecretValue,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) coarse: bool,
    pub(crate) in_place: bool,
}

impl<B: CredentialBackend> Staged<B> {
    /// A backend, the value that holds its target's one credential, and the target.
    pub fn new(backend: B, value: SecretValue, target: impl Target + 'static) -> Self {
        Self {
            backend,
            value,
            target: Arc::new(target),
            coarse: false,
            in_place: false,
        }
    }

    /// Has faults strike before and after the backend's calls, named `create()`, `set()`, `test()`, `retire()`,
    /// instead of the double's own requests: for a target that no double stands in for. It sees less: no call can
    /// be stopped within, so the clauses that need that have to be
    /// [declared](crate::conformance::Conformance::not_applicable), and the reports say that it was used.
    ///
    /// Without this the double's requests pass [`Simulator::faults`], each by its name, and faults strike there.
    #[must_use]
    pub fn with_faults_around_calls(mut self) -> Self {
        self.coarse = true;
        self
    }

    /// The credential is changed in place: once setSecret is done the current one does not work, and the
    /// pending one does. A single user's password.
    #[must_use]
    pub fn changed_in_place(mut self) -> Self {
        self.in_place = true;
        self
    }
}

/// What a report says where faults strike around calls.
pub(crate) const COARSE: &str = "coarse: faults strike whole calls of the backend, and not the double's own requests, \
                                 because the stage says with_faults_around_calls";

/// The staged credential works, and the double does not list it under the id that the backend tells.
pub(crate) fn unlisted(id: &str, alive: &[String]) -> String {
    let listed = match alive {
        [] => "nothing".to_owned(),
        alive => alive.join(", "),
    };
    format!(
        "the staged credential works, CredentialBackend::id calls it {id}, and Target::alive lists {listed}. One of the \
         two is wrong: alive must list the ids of all credentials that work, as id tells them"
    )
}

impl<B> fmt::Debug for Staged<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staged")
            .field("coarse", &self.coarse)
            .field("in_place", &self.in_place)
            .finish_non_exhaustive()
    }
}
