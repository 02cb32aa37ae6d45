//! The clauses of the contract.

use std::fmt;

/// One clause of [`CredentialBackend`](rotation_core::CredentialBackend)'s contract, which one check proves.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Clause {
    /// An id is the same at all times, differs between credentials that live side by side, and is no secret.
    IdIsStable,
    /// What `create` returned reads back from the document as it was written, and the document's other keys
    /// stay.
    DocumentReadsBack,
    /// `create` returns another credential than the current one, and the current one goes on working.
    CreateMakesAnother,
    /// `create` again under the same token, long after the first: one new credential is alive, not two. And one
    /// call makes one, even if the answer to the request that mints is lost.
    CreateAgain,
    /// `create` ends no credential that a labelled version holds, nor one that its maker may still be about
    /// to store.
    CreateSparesTheLive,
    /// `set` twice is `set` once.
    SetAgain,
    /// `set` makes the pending credential work and leaves the current one alone.
    SetKeepsCurrent,
    /// `set` refuses a pending credential that aims at another target, before it connects anywhere: nobody
    /// makes a confused deputy of the function.
    SetRefusesAnotherTarget,
    /// `test` passes for a credential that works, and fails for one that the target does not know; that one may
    /// be on its way, so it is not [rejected](rotation_core::BackendError::rejected) for good.
    TestProves,
    /// `test` any number of times changes nothing.
    TestAgain,
    /// A dry run passes: pending is then a copy of current.
    DryRun,
    /// `retire` ends its credential and no other.
    RetireEndsOne,
    /// `retire` of a credential that is gone is no error.
    RetireAgain,
    /// `retire` of a credential that the target never had is no error, and ends nothing.
    RetireUnknown,
    /// Whatever operators and replays do, no credential of `AWSCURRENT` or `AWSPENDING` is ended.
    LiveIsNotRetired,
    /// After a crash at any effect the replay completes, and leaves no orphan.
    ReplayAfterCrash,
    /// A call that gets no answer ends by the context's deadline. Needs
    /// [wire faults](crate::Staged::with_wire_faults).
    DeadlineIsKept,
    /// A call that was dropped at any effect can be made again, on the same backend. Needs
    /// [wire faults](crate::Staged::with_wire_faults).
    CancellationIsSafe,
    /// No error and no log line has a secret in it, whatever fails; as it is, or as `Debug` and JSON escape it.
    /// Needs a process without a tracing subscriber of its own.
    ErrorsHideSecrets,
    /// Two invocations may overlap in every way, on one backend.
    ConcurrentUse,
}

impl Clause {
    /// All, in the order of the trait's methods.
    pub const ALL: [Self; 20] = [
        Self::IdIsStable,
        Self::DocumentReadsBack,
        Self::CreateMakesAnother,
        Self::CreateAgain,
        Self::CreateSparesTheLive,
        Self::SetAgain,
        Self::SetKeepsCurrent,
        Self::SetRefusesAnotherTarget,
        Self::TestProves,
        Self::TestAgain,
        Self::DryRun,
        Self::RetireEndsOne,
        Self::RetireAgain,
        Self::RetireUnknown,
        Self::LiveIsNotRetired,
        Self::ReplayAfterCrash,
        Self::DeadlineIsKept,
        Self::CancellationIsSafe,
        Self::ErrorsHideSecrets,
        Self::ConcurrentUse,
    ];

    /// Its name, as for a test function: `create_again`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::IdIsStable => "id_is_stable",
            Self::DocumentReadsBack => "document_reads_back",
            Self::CreateMakesAnother => "create_makes_another",
            Self::CreateAgain => "create_again",
            Self::CreateSparesTheLive => "create_spares_the_live",
            Self::SetAgain => "set_again",
            Self::SetKeepsCurrent => "set_keeps_current",
            Self::SetRefusesAnotherTarget => "set_refuses_another_target",
            Self::TestProves => "test_proves",
            Self::TestAgain => "test_again",
            Self::DryRun => "dry_run",
            Self::RetireEndsOne => "retire_ends_one",
            Self::RetireAgain => "retire_again",
            Self::RetireUnknown => "retire_unknown",
            Self::LiveIsNotRetired => "live_is_not_retired",
            Self::ReplayAfterCrash => "replay_after_crash",
            Self::DeadlineIsKept => "deadline_is_kept",
            Self::CancellationIsSafe => "cancellation_is_safe",
            Self::ErrorsHideSecrets => "errors_hide_secrets",
            Self::ConcurrentUse => "concurrent_use",
        }
    }

    /// What it asks for, in one line.
    #[must_use]
    pub fn asks(self) -> &'static str {
        match self {
            Self::IdIsStable => "an id is stable, distinguishes, and is no secret",
            Self::DocumentReadsBack => "what is made reads back from the document",
            Self::CreateMakesAnother => "create returns another credential, and current goes on working",
            Self::CreateAgain => "create again under the same token leaves one new credential",
            Self::CreateSparesTheLive => "create ends nothing that a version holds or is about to",
            Self::SetAgain => "set twice is set once",
            Self::SetKeepsCurrent => "set makes pending work and leaves current alone",
            Self::SetRefusesAnotherTarget => "set refuses another target before it connects",
            Self::TestProves => "test passes for what works and for nothing else",
            Self::TestAgain => "test changes nothing",
            Self::DryRun => "a dry run passes, on a copy of current",
            Self::RetireEndsOne => "retire ends its credential and no other",
            Self::RetireAgain => "retire of what is gone is no error",
            Self::RetireUnknown => "retire of what never was is no error and ends nothing",
            Self::LiveIsNotRetired => "current and pending are never ended",
            Self::ReplayAfterCrash => "after a crash anywhere the replay completes without an orphan",
            Self::DeadlineIsKept => "a call without an answer ends by its deadline",
            Self::CancellationIsSafe => "a call dropped anywhere can be made again",
            Self::ErrorsHideSecrets => "errors and log lines hold no secret",
            Self::ConcurrentUse => "invocations may overlap",
        }
    }

    /// Where the contract says so.
    #[must_use]
    pub fn section(self) -> &'static str {
        match self {
            Self::IdIsStable => "CredentialBackend::id, Contract",
            Self::DocumentReadsBack => "CredentialBackend::Credential",
            Self::CreateMakesAnother => "CredentialBackend::create, Contract",
            Self::CreateAgain | Self::CreateSparesTheLive => "CredentialBackend::create, Idempotency",
            Self::SetAgain => "CredentialBackend::set, Idempotency",
            Self::SetKeepsCurrent | Self::SetRefusesAnotherTarget => "CredentialBackend::set, Contract",
            Self::TestProves | Self::DryRun => "CredentialBackend::test, Contract",
            Self::TestAgain => "CredentialBackend::test, Idempotency",
            Self::RetireEndsOne => "CredentialBackend::retire, Contract",
            Self::RetireAgain | Self::RetireUnknown => "CredentialBackend::retire, Idempotency",
            Self::LiveIsNotRetired => "CredentialBackend::create and retire, Contract",
            Self::ReplayAfterCrash => "CredentialBackend, Crash behaviour of each method",
            Self::DeadlineIsKept => "CredentialBackend: use StepContext::timeout",
            Self::CancellationIsSafe => "CredentialBackend: a call's future may be dropped at any await",
            Self::ErrorsHideSecrets => "BackendError: none may hold a secret",
            Self::ConcurrentUse => "CredentialBackend: two invocations of one step may overlap",
        }
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
