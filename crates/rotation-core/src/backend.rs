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
/// Every method has to be right under all of this:
///
/// - The framework drops a call's future at any await, when the invocation's time is up. A process that
///   dies does the same.
/// - The framework replays a step with the same token any number of times, hours apart.
/// - Two invocations of one step may overlap.
///
/// `rotation-testkit` has the tools to prove it. In the sections below, MUST and MUST NOT are what the
/// framework relies on; MAY is what an implementation is free to do.
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
    /// derived `Debug` may. It MUST read back as it was written, every key by the name that it has
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
    /// The handle MUST NOT be secret. It MUST be the same for the same credential at all times, and
    /// different for two credentials that live side by side. `None` means that the credential has no handle,
    /// or that the document does not hold it. A credential without an id counts as live: the framework never
    /// retires it, and reports that.
    fn id(&self, credential: &Self::Credential) -> Option<String>;

    /// createSecret: makes the next credential from the live ones.
    ///
    /// # Contract
    ///
    /// - It MUST return a credential that differs from the current one.
    /// - Keys that the new credential shares with the current one (host, endpoint) MUST keep their
    ///   values.
    ///
    /// # Idempotency
    ///
    /// The framework calls it again with the same token as long as no value is stored for that token.
    /// So an earlier try may have made a credential already. Where the target makes the credential
    /// ([`Profile::minted`]):
    ///
    /// - It MUST first find what earlier tries left behind, under this token or another token of this
    ///   secret, and end it.
    /// - It MUST NOT end what [`Live::protects`].
    /// - It MUST NOT end what another maker may still be about to store. A maker is at work until its
    ///   [`wall_deadline`](StepContext::wall_deadline); compare that with [`StepContext::as_of`], when the
    ///   labels were read. Log such a credential, mint another beside it, and leave it to the next rotation.
    /// - It MUST send the request that mints once.
    ///
    /// # Errors
    ///
    /// Any class. After an error, nothing may be left behind that a replay would not find.
    ///
    /// # Crash behaviour
    ///
    /// A crash after the target made the credential, and before the framework stored it, leaves an
    /// orphan. The next call MUST find it. If the store certainly stored nothing, the framework calls
    /// [`retire`](Self::retire) with [`Retire::NotStored`].
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
    /// - It MUST first verify that pending aims at the same target as current (host, user, account), and
    ///   fail as misconfigured if not, before it makes any connection. Otherwise whoever can write a
    ///   pending value could point the function's rights elsewhere (a confused deputy).
    /// - The current credential MUST go on working, unless a credential of this kind is changed in place.
    ///
    /// # Idempotency
    ///
    /// A second call with the same pending credential MUST have the same result as one call. Check whether
    /// pending already works before you change anything.
    ///
    /// # Errors
    ///
    /// It MAY answer [`BackendError::rejected`] with [`Applied::Nothing`](crate::Applied::Nothing) only if
    /// the target will never take this value, and no earlier try made the target take it. The framework
    /// then releases `AWSPENDING` and retires the credential. A wrong password or a 401 alone is not enough:
    /// it may be propagation.
    ///
    /// # Crash behaviour
    ///
    /// After a crash at any point comes a replay, or a new rotation with another pending value. Both MUST
    /// succeed from the state that the crash left.
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
    /// - It MUST use the credential for real, with no side effect.
    /// - It MUST wait for propagation within the deadline, where the target needs that.
    /// - It MUST pass when pending is a copy of current. A dry run (`RotateImmediately=false`) runs this
    ///   step alone, on such a copy.
    ///
    /// The framework also calls it with the current credential, before it retires what could be a way back:
    /// in createSecret, and in finishSecret with [`Grace::None`](crate::Grace::None).
    ///
    /// # Idempotency
    ///
    /// It only reads, so any number of calls is the same as one.
    ///
    /// # Errors
    ///
    /// As for [`set`](Self::set).
    ///
    /// # Crash behaviour
    ///
    /// A crash leaves nothing behind.
    async fn test(&self, ctx: &StepContext<'_>, pending: &Self::Credential) -> Result<(), BackendError>;

    /// createSecret and finishSecret: makes a credential stop working, for a reason.
    ///
    /// # Contract
    ///
    /// - It MUST end this credential and no other.
    /// - A call may stand still at any point while a later rotation changes the target. So a look at the target and
    ///   the ending that follows from it MUST be one request, or they MUST stand under a lock that
    ///   [`set`](Self::set) takes too.
    ///
    /// The framework passes only credentials that were neither current nor pending when it last read the
    /// labels. A [rejected](Retire::Rejected) credential has lost `AWSPENDING` before the call. The framework
    /// never passes a credential without an id, or one whose id a credential has that is to live.
    ///
    /// # Idempotency
    ///
    /// For a credential that is gone already, it MUST answer [`Retirement::AlreadyGone`], not an error.
    ///
    /// # Errors
    ///
    /// It MUST fail only if the credential may still work. If the error is unavailable, the replay of the
    /// step calls it again.
    ///
    /// # Crash behaviour
    ///
    /// The replay repeats the call.
    async fn retire(
        &self,
        ctx: &StepContext<'_>,
        credential: &Self::Credential,
        why: Retire,
    ) -> Result<Retirement, BackendError>;
}
