//! The clauses of the contract: one table of what each is called, what it asks for, and how it is checked.

use std::fmt;

use super::check::{direct, of_set, whole};
use super::verdict::Verdict;
use super::{calls, histories, interruptions};
use crate::subject::Subject;

/// Makes the clauses out of their table, so that none can be in one list and not in another.
macro_rules! clauses {
    ($(
        $(#[$doc:meta])*
        $clause:ident = $name:literal {
            asks: $asks:literal,
            section: $section:literal,
            check: |$subject:pat_param, $most:pat_param| $check:expr,
        }
    )+) => {
        /// One clause of [`CredentialBackend`](rotation_core::CredentialBackend)'s contract, which one check
        /// proves.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum Clause {
            $($(#[$doc])* $clause,)+
        }

        impl Clause {
            /// All, in the order of the trait's methods.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$clause),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$clause => $name,)+
                }
            }

            /// What it asks for, in one line.
            pub(super) fn asks(self) -> &'static str {
                match self {
                    $(Self::$clause => $asks,)+
                }
            }

            /// Where the contract says so.
            pub(super) fn section(self) -> &'static str {
                match self {
                    $(Self::$clause => $section,)+
                }
            }

            /// Looks whether it holds; `most` bounds the histories of a clause that takes whole rotations.
            pub(super) fn check<S: Subject>(self, subject: &S, most: usize) -> Verdict {
                match self {
                    $(Self::$clause => {
                        let ($subject, $most) = (subject, most);
                        $check
                    })+
                }
            }
        }
    };
}

clauses! {
    /// An id is the same at all times, differs between credentials that live side by side, and is no secret.
    IdIsStable = "id_is_stable" {
        asks: "an id is stable, distinguishes, and is no secret",
        section: "CredentialBackend::id, Contract",
        check: |subject, _| direct(subject, calls::id_is_stable),
    }

    /// What `create` returned reads back from the document as it was written, and the document's other keys
    /// stay.
    DocumentReadsBack = "document_reads_back" {
        asks: "what is made reads back from the document",
        section: "CredentialBackend::Credential",
        check: |subject, _| direct(subject, calls::document_reads_back),
    }

    /// `create` returns another credential than the current one, and the current one goes on working.
    CreateMakesAnother = "create_makes_another" {
        asks: "create returns another credential, and current goes on working",
        section: "CredentialBackend::create, Contract",
        check: |subject, _| direct(subject, calls::create_makes_another),
    }

    /// `create` again under the same token, long after the first: one new credential is alive, not two. And one
    /// call makes one, even if the answer to the request that mints is lost.
    CreateAgain = "create_again" {
        asks: "create again under the same token leaves one new credential",
        section: "CredentialBackend::create, Idempotency",
        check: |subject, _| whole(interruptions::create_again(subject)),
    }

    /// `create` ends no credential that a labelled version holds, nor one that its maker may still be about
    /// to store.
    CreateSparesTheLive = "create_spares_the_live" {
        asks: "create ends nothing that a version holds or is about to",
        section: "CredentialBackend::create, Idempotency",
        check: |subject, _| direct(subject, calls::create_spares_the_live),
    }

    /// `set` twice is `set` once.
    SetAgain = "set_again" {
        asks: "set twice is set once",
        section: "CredentialBackend::set, Idempotency",
        check: |subject, _| of_set(subject, calls::set_again),
    }

    /// `set` makes the pending credential work and leaves the current one alone.
    SetKeepsCurrent = "set_keeps_current" {
        asks: "set makes pending work and leaves current alone",
        section: "CredentialBackend::set, Contract",
        check: |subject, _| of_set(subject, calls::set_keeps_current),
    }

    /// `set` refuses a pending credential that aims at another target, before it connects anywhere: nobody
    /// makes a confused deputy of the function.
    SetRefusesAnotherTarget = "set_refuses_another_target" {
        asks: "set refuses another target before it connects",
        section: "CredentialBackend::set, Contract",
        check: |subject, _| of_set(subject, calls::set_refuses_another_target),
    }

    /// `test` passes for a credential that works, and fails for one that the target does not know; that one may
    /// be on its way, so it is not [rejected](rotation_core::BackendError::rejected) for good.
    TestProves = "test_proves" {
        asks: "test passes for what works and for nothing else",
        section: "CredentialBackend::test, Contract",
        check: |subject, _| direct(subject, calls::test_proves),
    }

    /// `test` any number of times changes nothing.
    TestAgain = "test_again" {
        asks: "test changes nothing",
        section: "CredentialBackend::test, Idempotency",
        check: |subject, _| direct(subject, calls::test_again),
    }

    /// A dry run passes: pending is then a copy of current.
    DryRun = "dry_run" {
        asks: "a dry run passes, on a copy of current",
        section: "CredentialBackend::test, Contract",
        check: |subject, _| whole(histories::dry_run(subject)),
    }

    /// `retire` ends its credential and no other.
    RetireEndsOne = "retire_ends_one" {
        asks: "retire ends its credential and no other",
        section: "CredentialBackend::retire, Contract",
        check: |subject, _| direct(subject, calls::retire_ends_one),
    }

    /// `retire` of a credential that is gone is no error.
    RetireAgain = "retire_again" {
        asks: "retire of what is gone is no error",
        section: "CredentialBackend::retire, Idempotency",
        check: |subject, _| direct(subject, calls::retire_again),
    }

    /// `retire` of a credential that the target never had is no error, and ends nothing.
    RetireUnknown = "retire_unknown" {
        asks: "retire of what never was is no error and ends nothing",
        section: "CredentialBackend::retire, Idempotency",
        check: |subject, _| direct(subject, calls::retire_unknown),
    }

    /// Whatever operators and replays do, no credential of `AWSCURRENT` or `AWSPENDING` is ended.
    LiveIsNotRetired = "live_is_not_retired" {
        asks: "current and pending are never ended",
        section: "CredentialBackend::create and retire, Contract",
        check: |subject, most| histories::live_is_not_retired(subject, most).into(),
    }

    /// After a crash at any effect the replay completes, and leaves no orphan.
    ReplayAfterCrash = "replay_after_crash" {
        asks: "after a crash anywhere the replay completes without an orphan",
        section: "CredentialBackend, Crash behaviour of each method",
        check: |subject, most| histories::replay_after_crash(subject, most).into(),
    }

    /// A call that gets no answer ends by the context's deadline. Needs
    /// faults at the double's own requests.
    DeadlineIsKept = "deadline_is_kept" {
        asks: "a call without an answer ends by its deadline",
        section: "CredentialBackend: use StepContext::timeout",
        check: |subject, _| whole(interruptions::deadline_is_kept(subject)),
    }

    /// A call that was dropped at any effect can be made again, on the same backend. Needs
    /// faults at the double's own requests.
    CancellationIsSafe = "cancellation_is_safe" {
        asks: "a call dropped anywhere can be made again",
        section: "CredentialBackend: a call's future may be dropped at any await",
        check: |subject, _| whole(interruptions::cancellation_is_safe(subject)),
    }

    /// No error and no log line has a secret in it, whatever fails; as it is, or as `Debug` and JSON escape it.
    /// Needs a process without a tracing subscriber of its own.
    ErrorsHideSecrets = "errors_hide_secrets" {
        asks: "errors and log lines hold no secret",
        section: "BackendError: none may hold a secret",
        check: |subject, _| whole(interruptions::errors_hide_secrets(subject)),
    }

    /// Two invocations may overlap in every way, on one backend.
    ConcurrentUse = "concurrent_use" {
        asks: "invocations may overlap",
        section: "CredentialBackend: two invocations of one step may overlap",
        check: |subject, most| histories::concurrent_use(subject, most).into(),
    }
}

impl fmt::Display for Clause {
    /// Its name, as for a test function: `create_again`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
