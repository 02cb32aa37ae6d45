//! The contract: what a team implements for its credential, and what it is handed.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::document::DocumentError;
use crate::error::{ErrorClass, chain};
use crate::random::RandomUnavailable;

use crate::context::StepContext;

/// What is particular to one kind of credential. Everything else is the framework's.
///
/// The framework drops a call's future when the invocation's time is up or the process dies, at any
/// await. It replays a step with the same
/// token any number of times, hours apart; two invocations of one step may overlap. Every method
/// has to be right under all of that; `rotation-testkit` has the tools to prove it.
///
/// No method has a default body, because each is a decision that its author has to take. Use
/// [`StepContext::timeout`] around every call that waits for somebody else.
///
/// # Example
///
/// A credential that is a plain-text password, with nothing derived:
///
/// ```
/// use rotation_core::{
///     BackendError, CredentialBackend, Live, PasswordPolicy, Profile, Retire, Retirement,
///     SecretString, StepContext, async_trait,
/// };
/// # struct Door;
/// # impl Door {
/// #     async fn replace(&self, _old: &str, _new: &str) -> std::io::Result<()> { Ok(()) }
/// #     async fn open(&self, _password: &str) -> std::io::Result<bool> { Ok(true) }
/// # }
///
/// struct DoorPassword {
///     door: Door,
/// }
///
/// #[async_trait]
/// impl CredentialBackend for DoorPassword {
///     type Credential = SecretString;
///
///     fn profile(&self) -> Profile {
///         Profile::chosen("door-password")
///     }
///
///     fn id(&self, _: &SecretString) -> Option<String> {
///         None // a password has no handle that may be printed
///     }
///
///     async fn create(&self, ctx: &StepContext<'_>, _: Live<'_, SecretString>) -> Result<SecretString, BackendError> {
///         Ok(PasswordPolicy::default().generate(ctx.random())?)
///     }
///
///     async fn set(&self, ctx: &StepContext<'_>, pending: &SecretString, live: Live<'_, SecretString>) -> Result<(), BackendError> {
///         if self.test(ctx, pending).await.is_ok() {
///             return Ok(()); // an earlier try got this far
///         }
///         let (old, new) = (live.current().expose_secret(), pending.expose_secret());
///         ctx.timeout(self.door.replace(old, new)).await?
///             .map_err(|e| BackendError::unavailable("the door did not answer").with_source(e))
///     }
///
///     async fn test(&self, ctx: &StepContext<'_>, pending: &SecretString) -> Result<(), BackendError> {
///         match ctx.timeout(self.door.open(pending.expose_secret())).await? {
///             Ok(true) => Ok(()),
///             Ok(false) => Err(BackendError::unavailable("the door does not know this password")),
///             Err(e) => Err(BackendError::unavailable("the door did not answer").with_source(e)),
///         }
///     }
///
///     async fn retire(&self, _: &StepContext<'_>, _: &SecretString, _: Retire) -> Result<Retirement, BackendError> {
///         Ok(Retirement::kept("setting the new password ended the old one"))
///     }
/// }
/// # fn main() {}
/// ```
#[async_trait]
pub trait CredentialBackend: Send + Sync + 'static {
    /// The credential: as much of the secret's JSON document as the backend reads and writes, or,
    /// for an opaque secret, a type that (de)serialises as a text ([`SecretString`]) or as bytes
    /// ([`SecretBytes`]).
    ///
    /// Keys of the document that this type does not have survive a rotation untouched. A secret
    /// within it should be a [`SecretString`]: the framework never prints a credential, but a
    /// derived `Debug` may. It must read back as it was written: every key by the name that it has
    /// in the document. Structs and maps can be read from a document; an `Option` or an externally
    /// tagged enum cannot stand at the top.
    ///
    /// [`SecretString`]: crate::SecretString
    /// [`SecretBytes`]: crate::SecretBytes
    type Credential: Serialize + DeserializeOwned + Send + Sync;

    /// What the framework has to know before it calls anything else. Constant.
    fn profile(&self) -> Profile;

    /// A handle by which the credential can be named in public: a key id, a user name.
    ///
    /// # Contract
    ///
    /// Not secret; the same for the same credential at all times; different for two credentials
    /// that live side by side. `None` if the credential has none, or the document does not hold
    /// it. A credential without an id counts as live: it is never retired, and this is reported.
    fn id(&self, credential: &Self::Credential) -> Option<String>;

    /// createSecret: makes the next credential from the live ones.
    ///
    /// # Contract
    ///
    /// Returns a credential that differs from the current one. Keys that it shares with the
    /// current one (host, endpoint) keep their values.
    ///
    /// # Idempotency
    ///
    /// Called again with the same token as long as no value is stored for it, so an earlier try
    /// may have made a credential already. Where the target makes it
    /// ([`Profile::minted`]): first find what earlier tries left behind, under this token or
    /// another of this secret, and end it. Spare what [`Live::protects`], and what a maker that may
    /// still be at work ([`StepContext::wall_deadline`]) may be about to store: log that, mint beside
    /// it, and leave it to the next rotation. Send the request that mints once.
    ///
    /// # Errors
    ///
    /// Any class. After an error nothing may be left behind that a replay would not find.
    ///
    /// # Crash behaviour
    ///
    /// A crash after the target made the credential and before the framework stored it leaves an
    /// orphan, which the next call must find. An error of the store that certainly stored nothing
    /// leads to [`retire`](Self::retire) with [`Retire::NotStored`].
    ///
    /// [`StepContext::as_of`] is the time to judge other makers by: the labels were read then.
    async fn create(
        &self,
        ctx: &StepContext<'_>,
        live: Live<'_, Self::Credential>,
    ) -> Result<Self::Credential, BackendError>;

    /// setSecret: makes the pending credential valid in the target.
    ///
    /// Not called where the profile is [`Profile::minted`] without [`Profile::activated_in_set`].
    ///
    /// # Contract
    ///
    /// First verifies that pending aims at the same target as current (host, user, account), and
    /// fails as misconfigured if not, before any connection is made: otherwise whoever can write a
    /// pending value could point the function's rights elsewhere (a confused deputy). The current
    /// credential goes on working, but for a credential that is changed in place.
    ///
    /// # Idempotency
    ///
    /// A second call with the same pending credential has the same result as one. Check whether
    /// pending already works before changing anything.
    ///
    /// # Errors
    ///
    /// [`BackendError::rejected`] with [`Applied::Nothing`] only if the target will never take
    /// this value and has not taken it in an earlier try either: the framework then releases
    /// `AWSPENDING` and retires it. A wrong password or a 401 alone is not that; it may be propagation.
    ///
    /// # Crash behaviour
    ///
    /// A crash at any point is followed by a replay, or by a new rotation whose pending value is
    /// another: the target must be in a state from which both succeed.
    async fn set(
        &self,
        ctx: &StepContext<'_>,
        pending: &Self::Credential,
        live: Live<'_, Self::Credential>,
    ) -> Result<(), BackendError>;

    /// testSecret: proves that a credential works.
    ///
    /// # Contract
    ///
    /// Uses the credential for real, with no side effect. Waits for propagation within the deadline
    /// where the target needs it. Passes when pending is a copy of current: a dry run
    /// (`RotateImmediately=false`) runs this step alone, on such a copy. createSecret also calls it
    /// with the current credential, before anything that could be a way back is retired, and so does
    /// finishSecret with [`Grace::None`](crate::Grace::None).
    ///
    /// # Idempotency
    ///
    /// Reads only; any number of calls.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set).
    ///
    /// # Crash behaviour
    ///
    /// Nothing is left behind.
    async fn test(&self, ctx: &StepContext<'_>, pending: &Self::Credential) -> Result<(), BackendError>;

    /// createSecret and finishSecret: makes a credential stop working, for a reason.
    ///
    /// # Contract
    ///
    /// Ends this credential and no other. The framework calls it for one that the labels, as last
    /// seen, do not have as current, nor as pending: a [rejected](Retire::Rejected) one has lost its
    /// label before. One without an id, or with the id of a credential that is to live, it does not
    /// call it for.
    ///
    /// # Idempotency
    ///
    /// A credential that is gone already is [`Retirement::AlreadyGone`], not an error.
    ///
    /// # Errors
    ///
    /// Only if the credential may still work. Unavailable is tried again with the step's replay.
    ///
    /// # Crash behaviour
    ///
    /// The call is repeated by the replay.
    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &Self::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError>;
}

/// How a backend works, as far as the framework has to know it before it calls it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Profile {
    pub(crate) name: &'static str,
    pub(crate) mints: bool,
    pub(crate) sets: bool,
    pub(crate) reads_previous: bool,
    pub(crate) retires_previous: bool,
    pub(crate) create_budget: Duration,
}

impl Profile {
    /// The value is chosen here: `create` makes it up and has no effect outside, `set` gives it to
    /// the target. Passwords, and keys that the client uploads. The previous version is not read, but
    /// with [`Grace::None`](crate::Grace::None), where createSecret retires what finishSecret may not
    /// have.
    ///
    /// `name` says what kind of credential it is, in logs and metrics: `postgres-single-user`.
    #[must_use]
    pub const fn chosen(name: &'static str) -> Self {
        Self {
            name,
            mints: false,
            sets: true,
            reads_previous: false,
            retires_previous: false,
            create_budget: Duration::ZERO,
        }
    }

    /// The target makes the value: after `create` a new credential lives there. API keys of most
    /// vendors. It works at once, so setSecret has nothing to set and `set` is not called. The
    /// previous version is read in createSecret, with every other labelled version, and its
    /// credential retired before it loses its last label ([`Retire::FallingOff`]).
    #[must_use]
    pub const fn minted(name: &'static str) -> Self {
        Self {
            name,
            mints: true,
            sets: false,
            reads_previous: false,
            retires_previous: true,
            create_budget: Duration::from_secs(10),
        }
    }

    /// A minted credential needs a further request before it works: call `set`.
    #[must_use]
    pub const fn activated_in_set(mut self) -> Self {
        self.sets = true;
        self
    }

    /// Reads the previous version in setSecret, for [`Live::previous`]: two users that alternate.
    #[must_use]
    pub const fn reads_previous(mut self) -> Self {
        self.reads_previous = true;
        self
    }

    /// In createSecret, reads every labelled version and retires the previous credential before its
    /// version loses its last label. What [`minted`](Self::minted) does, for a chosen credential
    /// that goes on working beside the next: a key that the client uploads.
    #[must_use]
    pub const fn retires_previous(mut self) -> Self {
        self.retires_previous = true;
        self
    }

    /// The time that must be left for the framework to start what cannot be undone in createSecret:
    /// ending the previous credential, minting the next. 10 seconds for a minted credential unless
    /// set here, none for a chosen one.
    #[must_use]
    pub const fn with_create_budget(mut self, budget: Duration) -> Self {
        self.create_budget = budget;
        self
    }

    /// Whether the target makes the value, in `create`.
    #[must_use]
    pub const fn is_minted(&self) -> bool {
        self.mints
    }

    /// Whether `set` is called.
    #[must_use]
    pub const fn calls_set(&self) -> bool {
        self.sets
    }

    /// Whether createSecret retires the previous credential before its version loses its last label.
    #[must_use]
    pub const fn ends_previous(&self) -> bool {
        self.retires_previous
    }

    /// The backend's name in logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }
}

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
    /// where the profile [reads](Profile::reads_previous) it, in createSecret where the profile
    /// [retires](Profile::retires_previous) it, which then has been tried.
    #[must_use]
    pub fn previous(&self) -> Option<&'a C> {
        self.previous
    }

    /// Whether a labelled version holds the credential with this id: it must not be ended. Complete
    /// in createSecret where the profile [retires](Profile::retires_previous) the previous
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

/// Why a credential is to stop working.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retire {
    /// createSecret: it is about to lose its last label, after which nobody knows of it. It had a
    /// whole interval of grace.
    FallingOff,
    /// finishSecret, with [`Grace::None`](crate::Grace::None): it was current until just now. Labels
    /// of an operator's own do not keep it: it may have leaked.
    Superseded,
    /// createSecret: it was made just now and could not be stored.
    NotStored,
    /// setSecret, testSecret: the target will never take it, and nothing was applied.
    Rejected,
}

impl Retire {
    /// The reason in words, for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::FallingOff => "falling off its last label",
            Self::Superseded => "superseded, with no grace",
            Self::NotStored => "made and not stored",
            Self::Rejected => "rejected by the target",
        }
    }
}

/// What became of a credential that was to be retired.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Retirement {
    /// It worked, and does no more.
    Retired,
    /// It was gone already.
    AlreadyGone,
    /// It was kept on purpose: why, in words that are safe to print.
    Kept(Cow<'static, str>),
}

impl Retirement {
    /// It was kept on purpose, because of `why`.
    pub fn kept(why: impl Into<Cow<'static, str>>) -> Self {
        Self::Kept(why.into())
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Retired => f.write_str("retired"),
            Self::AlreadyGone => f.write_str("already gone"),
            Self::Kept(why) => write!(f, "kept: {why}"),
        }
    }
}

/// Why a backend could not do what it was asked, with the class that the framework acts on.
///
/// The message, and the `Display` of the source and of its sources, are printed: none may hold a
/// secret. `Debug` prints the same texts and not the source's own `Debug`.
#[derive(thiserror::Error)]
#[error("{message}")]
pub struct BackendError {
    class: ErrorClass,
    applied: Applied,
    message: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// Whether a target that rejected a credential applied some of it.
#[allow(clippy::exhaustive_enums, reason = "either it is certain or it is not")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Applied {
    /// It is certain that neither this try nor an earlier one changed anything.
    Nothing,
    /// Something may have been changed.
    Maybe,
}

impl BackendError {
    /// The target did not answer, or not yet as it should: the same step may pass later.
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Unavailable, Applied::Maybe, message.into())
    }

    /// The target will never take this value.
    pub fn rejected(message: impl Into<Cow<'static, str>>, applied: Applied) -> Self {
        Self::new(ErrorClass::Rejected, applied, message.into())
    }

    /// A person has to act first; the message says what to do.
    pub fn misconfigured(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorClass::Misconfigured, Applied::Maybe, message.into())
    }

    fn new(class: ErrorClass, applied: Applied, message: Cow<'static, str>) -> Self {
        Self {
            class,
            applied,
            message,
            source: None,
        }
    }

    /// The same error with its cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Who can mend it.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        self.class
    }

    /// Whether this says that the value is rejected for good and nothing of it was applied.
    #[must_use]
    pub fn is_rejected_unapplied(&self) -> bool {
        self.class == ErrorClass::Rejected && self.applied == Applied::Nothing
    }
}

impl fmt::Debug for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BackendError({:?}): {}", self.class, chain(self))
    }
}

impl From<DocumentError> for BackendError {
    fn from(error: DocumentError) -> Self {
        Self::misconfigured("a secret's value does not have the form that is needed").with_source(error)
    }
}

impl From<RandomUnavailable> for BackendError {
    fn from(error: RandomUnavailable) -> Self {
        Self::unavailable("no random bytes").with_source(error)
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

    #[test]
    fn debug_of_an_error_prints_the_chain_and_not_the_debug_of_its_source() {
        #[derive(thiserror::Error)]
        #[error("connection refused")]
        struct Leaky;
        impl fmt::Debug for Leaky {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("password=hunter2")
            }
        }
        let error = BackendError::unavailable("no answer").with_source(Leaky);
        assert_eq!(
            format!("{error:?}"),
            "BackendError(Unavailable): no answer: connection refused"
        );
    }
}
