//! What AWS does not publish, to be chosen.

use std::time::Duration;

/// The service's behaviour where AWS publishes none, each field a guess until it is set, and how the
/// function calls it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ServiceOptions {
    /// How long after a failed step the whole process is replayed. One hour. (The user guide
    /// says "during the open rotation windows".)
    pub replay_interval: Duration,
    /// How many replays follow the first try before the service gives up until the next
    /// RotateSecret. 5. (The user guide says "multiple times".)
    pub replays: u32,
    /// What becomes of a rotation whose `AWSPENDING` somebody took away, when its replay is due.
    pub after_release: AfterRelease,
    /// Whether RotateSecret with the token of a rotation that is not complete has it go on at once, be its
    /// replays used up or rotation off until then. It does not: the same request again is no error and
    /// changes nothing else. (The refusal of another token says "That rotation will be reattempted".)
    pub goes_on_at_same_token: bool,
    /// Whether the service takes `AWSPENDING` off after a rotation that succeeded. It does;
    /// `AWSPENDING` on the `AWSCURRENT` version is documented as a state of success, too.
    pub releases_pending_after_success: bool,
    /// Whether a dry run that failed leaves its `AWSPENDING` copy behind. It does not.
    pub keeps_pending_after_failed_dry_run: bool,
    /// Whether the rotation function calls under a role that it assumes, for a secret of another
    /// account: its writes are then its own only with the RotationToken. It does not.
    pub function_assumes_role: bool,
    /// How many versions are kept before deprecated ones older than 24 hours are purged. 100; the
    /// quota is documented as "about 100".
    pub kept_versions: usize,
    /// How many versions a secret can have at all, when none may be purged. 150.
    pub version_quota: usize,
}

impl Default for ServiceOptions {
    fn default() -> Self {
        Self {
            replay_interval: Duration::from_secs(3600),
            replays: 5,
            after_release: AfterRelease::Drop,
            goes_on_at_same_token: false,
            releases_pending_after_success: true,
            keeps_pending_after_failed_dry_run: false,
            function_assumes_role: false,
            kept_versions: 100,
            version_quota: 150,
        }
    }
}

/// What a replay does that finds `AWSPENDING` off its version.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AfterRelease {
    /// There is none: the rotation is over.
    Drop,
    /// It is invoked all the same, with the old token, which the function has to refuse.
    InvokeAnyway,
    /// The rotation starts anew, under a new token, and counts on in replays.
    StartAnew,
}
