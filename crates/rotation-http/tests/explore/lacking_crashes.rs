//! Every fault at every effect, at providers that lack key ids, a list or revocation. `AWSCURRENT`
//! always authenticates, at most one key per fault is left that no version ever held, and no key is
//! revoked that should live.

use http::StatusCode;
use rotation_core::{AWSCURRENT, AWSPREVIOUS, Grace};
use rotation_http::Request;
use rotation_test_servers::http::KeyProvider;
use rotation_testkit::Fault;

use crate::history::{KINDS, THEN, Then, disturbed, effects, rotated_once};
use crate::support::scene::Scene;
use crate::support::{ADMIN_TOKEN, description, without_list};

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Lacks {
    /// No list is described.
    List,
    /// The list has no labels.
    Labels,
    /// The list is not there.
    Listing,
    Revoking,
    Ids,
    Everything,
}

impl Lacks {
    const ALL: [Self; 6] = [
        Self::List,
        Self::Labels,
        Self::Listing,
        Self::Revoking,
        Self::Ids,
        Self::Everything,
    ];

    fn scene(self) -> Scene {
        let unknown = StatusCode::NOT_FOUND;
        let whole = KeyProvider::new(ADMIN_TOKEN);
        let provider = match self {
            Self::List | Self::Labels => whole,
            Self::Listing => whole.without_listing(unknown),
            Self::Revoking => whole.without_revoking(unknown),
            Self::Ids => whole.without_ids(),
            Self::Everything => whole
                .without_ids()
                .without_listing(unknown)
                .without_revoking(unknown),
        };
        let described = match self {
            Self::List => without_list(),
            Self::Labels => description().without_labels(),
            _ => description(),
        };
        if matches!(self, Self::List | Self::Labels) {
            return Scene::at(Grace::UntilNextRotation, described, provider, Some("key-1"));
        }
        let description = described
            .id_where_given("/id")
            .list_where_supported(Request::get("/api-keys"))
            .revoke_where_supported(Request::delete("/api-keys/{id}"));
        let first = self.has_ids().then_some("key-1");
        Scene::at(Grace::UntilNextRotation, description, provider, first)
    }

    fn has_ids(self) -> bool {
        !matches!(self, Self::Ids | Self::Everything)
    }
}

/// Whether a key is left that no version ever held.
async fn leaves_one(lacks: Lacks, number: usize, fault: Fault, then: Then) -> bool {
    let scene = rotated_once(lacks.scene()).await;
    let history = format!("{lacks:?} {number} {fault:?} {then:?}");
    let struck = disturbed(&scene, &[(number, fault)], then, &history).await;
    assert_eq!(struck.len(), 1, "did not strike: {history}");
    let left = scene.never_stored();
    assert!(left <= 1, "{left} keys left by one fault: {history}");
    let alive = scene.alive();
    if lacks.has_ids() {
        let labelled = scene.labelled();
        for label in [AWSCURRENT, AWSPREVIOUS] {
            assert!(alive.contains(&labelled[label]), "{label} was revoked: {history}");
        }
    }
    if matches!(lacks, Lacks::Revoking | Lacks::Ids | Lacks::Everything) {
        assert!(scene.provider.revoked().is_empty(), "{history}");
    }
    left == 1
}

#[tokio::test]
async fn one_fault_leaves_at_most_one_key() {
    let mut counts = Vec::new();
    for lacks in Lacks::ALL {
        let (mut histories, mut leaving) = (0, 0);
        for number in 1..=effects(lacks.scene()).await.len() {
            for fault in KINDS {
                for then in THEN {
                    leaving += usize::from(leaves_one(lacks, number, fault, then).await);
                    histories += 1;
                }
            }
        }
        println!("{lacks:?}: {histories} histories, {leaving} leave a key that was never stored");
        counts.push((histories, leaving));
    }
    let expected = [(459, 33), (486, 33), (486, 33), (513, 54), (432, 54), (432, 54)];
    assert_eq!(counts, expected);
}
