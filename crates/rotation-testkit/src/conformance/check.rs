//! The ways in which a clause is checked.

use rotation_core::CredentialBackend;

use super::bench::{Bench, Finding};
use super::verdict::Verdict;
use crate::runtime::runtime;
use crate::subject::Subject;

/// By direct calls, on one stage.
pub(super) fn direct<S: Subject, F: Future<Output = Finding>>(
    subject: &S,
    check: impl FnOnce(Bench<S::Backend>) -> F,
) -> Verdict {
    whole(async { on(Bench::stage(subject).await?, check).await })
}

/// The same, where the framework calls `set`.
pub(super) fn of_set<S: Subject, F: Future<Output = Finding>>(
    subject: &S,
    check: impl FnOnce(Bench<S::Backend>) -> F,
) -> Verdict {
    runtime().block_on(async {
        match Bench::stage(subject).await {
            Ok(bench) if !bench.profile().calls_set() => {
                Verdict::NotApplicable("set is not called, by the profile".to_owned())
            }
            Ok(bench) => on(bench, check).await.into(),
            Err(what) => Verdict::Broken(what),
        }
    })
}

/// By a check that stages what it needs.
pub(super) fn whole(check: impl Future<Output = Finding>) -> Verdict {
    runtime().block_on(check).into()
}

/// What a check found on this stage, without a secret in it.
pub(super) async fn on<B: CredentialBackend, F: Future<Output = Finding>>(
    bench: Bench<B>,
    check: impl FnOnce(Bench<B>) -> F,
) -> Finding {
    let hidden = bench.hider();
    check(bench).await.map_err(|what| hidden(&what))
}
