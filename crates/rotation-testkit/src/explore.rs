//! Every history of a rotation, to a stated depth: faults, replays, overlaps, operators.
//!
//! ```
//! use rotation_testkit::explore::{Explorer, Gap};
//! # use rotation_core::{SecretValue, async_trait};
//! # use rotation_testkit::backends::{MintedKey, MintedKeys, MintingBackend};
//! # use rotation_testkit::{Simulator, Staged, Subject, Target};
//! # struct Keys;
//! # #[async_trait]
//! # impl Subject for Keys {
//! #     type Backend = MintingBackend;
//! #     async fn stage(&self, simulator: &Simulator) -> Staged<MintingBackend> {
//! #         let target = MintedKeys::new(simulator.faults());
//! #         let first = target.mint("made by hand").to_value();
//! #         Staged::new(MintingBackend::new(target.clone()), first, KeysTarget(target))
//! #     }
//! #     fn gaps(&self, _: Gap) -> usize { usize::MAX }
//! # }
//! # struct KeysTarget(MintedKeys);
//! # #[async_trait]
//! # impl Target for KeysTarget {
//! #     async fn authenticates(&self, value: &SecretValue) -> bool {
//! #         value.decode::<MintedKey>().is_ok_and(|key| self.0.authenticates(&key))
//! #     }
//! #     async fn alive(&self) -> Vec<String> { self.0.alive() }
//! # }
//!
//! let report = Explorer::new(Keys).faults(1).at_most(200).run();
//! println!("{report}");
//! report.assert_holds();
//! ```
//!
//! # A history
//!
//! A secret with a credential that works is rotated twice, undisturbed. An hour later it is rotated again,
//! and this rotation is disturbed: by faults at its effects (calls of Secrets Manager, and what the target's
//! double or the backend's calls add), each of which strikes once, and by one *twist*:
//!
//! - a failed rotation is replayed with the same token, in an hour or at once;
//! - after a failure an operator gives it up and starts another, with a new token;
//! - while an invocation is under way another is delivered: the same once more, one of this rotation that is
//!   done, or one of the rotation before. The first stops before one of its effects, the other does some of
//!   its own, the first goes on to its end, then the other does;
//! - an invocation stands still before one of its effects, the rotation is given up and another started, and
//!   at some effect of that one the first goes on (a request that was long under way);
//! - before one of its effects an operator writes to the secret, turns rotation off, starts it anew, goes back
//!   to the version before, asks for no grace, or stores a value that does not work;
//! - what is disturbed is a dry run, and a rotation follows;
//! - the target rejects the new credential for good, and the service does each of the things that it may do
//!   then ([`AfterRelease`](crate::model::AfterRelease)).
//!
//! Histories that are drawn from a seed have three to six faults, and every third has two twists.
//!
//! Then the rotation has to be promoted: by itself, or, where the twist has given it up, once an operator has
//! started another. An hour later comes one more, undisturbed. [`Invariant`]s are looked at after every
//! effect that is not a read of Secrets Manager, and in the end.
//!
//! Histories are enumerated by the number of their faults, the fewest first, so that the first violation is
//! among the shortest; then it is made shorter still by leaving things out. Beyond the depth histories are
//! drawn from a seed. Everything is deterministic: the same plans, the same traces.
//!
//! # How many
//!
//! A rotation of twenty effects has a thousand histories without a fault, and two hundred times as many with one.
//! [`at_most`](Explorer::at_most) takes a share that an ordinary test run can afford: each kind of history once (a
//! step, an effect in it, a fault, a twist), and others evenly. The report says of how many, and
//! [`exhaustively`](Explorer::exhaustively) takes all. The tests of this workspace do that where `ROTATION_EXPLORE=all`
//! is in the environment: a hundred thousand histories take a minute or two on two cores.
//! Optimise the crates in which the time goes, the backend's own among them, in settings for such tests
//! (`.cargo/explore.toml` in this workspace).

pub use explorer::Explorer;
pub use gap::Gap;
pub use invariant::Invariant;
pub use parts::Parts;
pub use report::Report;
pub use violation::Violation;

pub(crate) mod actor;
mod explorer;
mod found;
mod gap;
mod invariant;
mod levels;
mod panics;
mod parts;
mod plan;
mod progress;
mod replica;
mod report;
mod run;
mod summary;
mod trace;
pub(crate) mod twist;
mod violation;
mod watch;
