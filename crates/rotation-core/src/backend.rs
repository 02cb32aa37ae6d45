//! The contract: what a team implements for its credential.

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::context::StepContext;
use crate::error::BackendError;
use crate::live::Live;
use crate::profile::Profile;
use crate::retire::{Retire, Retirement};

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
