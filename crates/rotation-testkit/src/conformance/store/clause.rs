//! The clauses of a store's contract: one table of what each is called and how it is checked.

use std::fmt;

use super::bench::{self, Bench};
use super::subject::StoreSubject;

/// Makes the clauses out of their table, so that none can be in one list and not in another.
macro_rules! clauses {
    ($($(#[$doc:meta])* $clause:ident = $name:literal: |$subject:ident| $check:expr;)+) => {
        /// One clause of [`SecretStore`](rotation_core::SecretStore)'s contract.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[non_exhaustive]
        pub enum StoreClause {
            $($(#[$doc])* $clause,)+
        }

        impl StoreClause {
            /// All.
            pub const ALL: [Self; [$($name),+].len()] = [$(Self::$clause),+];

            fn name(self) -> &'static str {
                match self {
                    $(Self::$clause => $name,)+
                }
            }
        }

        /// Checks one clause, for a test of its own.
        ///
        /// # Errors
        ///
        /// What was seen, if the clause is broken.
        pub async fn check_clause(subject: &impl StoreSubject, clause: StoreClause) -> Result<(), String> {
            match clause {
                $(StoreClause::$clause => {
                    let $subject = subject;
                    $check
                })+
            }
        }
    };
}

clauses! {
    /// `describe` hands on labels, state, tags, replicas, and who owns the secret.
    DescribesWhole = "describes_whole":
        |subject| Bench::stage(subject).await?.describes_whole().await;

    /// `read` finds a version by label, by id, and by both.
    ReadsByLabelAndId = "reads_by_label_and_id":
        |subject| Bench::stage(subject).await?.reads_by_label_and_id().await;

    /// "Nothing there" and "the label is elsewhere" are different errors.
    TellsAbsentFromMoved = "tells_absent_from_moved":
        |subject| Bench::stage(subject).await?.tells_absent_from_moved().await;

    /// `put_pending` stores under the token, with `AWSPENDING` alone.
    PutsPending = "puts_pending":
        |subject| Bench::stage(subject).await?.puts_pending().await;

    /// The same value under the same token is no error; another is a conflict, and nothing changes.
    PutsOnce = "puts_once":
        |subject| Bench::stage(subject).await?.puts_once().await;

    /// The rotation token is sent where there is one.
    SendsTheRotationToken = "sends_the_rotation_token":
        |subject| Bench::stage(subject).await?.sends_the_rotation_token().await;

    /// A binary value stays binary, byte for byte, and a text stays text.
    KeepsTheKind = "keeps_the_kind":
        |subject| Bench::stage(subject).await?.keeps_the_kind().await;

    /// `promote` moves `AWSCURRENT` if it is where the caller thinks, and not otherwise.
    PromotesByCompareAndSwap = "promotes_by_compare_and_swap":
        |subject| Bench::stage(subject).await?.promotes().await;

    /// `release_pending` takes `AWSPENDING` off this version, and off no other.
    ReleasesItsOwn = "releases_its_own":
        |subject| Bench::stage(subject).await?.releases_its_own().await;

    /// A write whose answer is lost, or that failed within the service, is uncertain.
    LostAnswersAreUncertain = "lost_answers_are_uncertain":
        |subject| bench::lost_answers_are_uncertain(subject).await;

    /// A refusal is certain, and is of the kind that says who can mend it.
    RefusalsAreCertain = "refusals_are_certain":
        |subject| bench::refusals_are_certain(subject).await;

    /// No error holds a value.
    ErrorsHideValues = "errors_hide_values":
        |subject| bench::errors_hide_values(subject).await;
}

impl fmt::Display for StoreClause {
    /// Its name, as for a test function: `puts_once`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
