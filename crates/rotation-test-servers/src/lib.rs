//! Systems to rotate against, for this project's own tests and examples: a temporary PostgreSQL server, and an HTTP
//! provider of API keys.
//!
//! Both pass the [`Faults`](rotation_simulator::Faults) of a simulator, so that a test can cut a connection or lose
//! a reply at any message. A backend's author needs neither: the double of a target is most often a few lines.
//!
//! - `http`, behind the feature of this name: `KeyProvider`, in process and on a loopback socket.
//! - `postgres`, behind the feature of this name: `PostgresServer`, a real server that is found on the machine;
//!   certificates for it; and `WireProxy`, which counts and cuts the messages of its protocol.

#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "postgres")]
pub mod postgres;

#[cfg(feature = "http")]
mod sync;

/// The README's example is compiled with the documentation's.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../README.md")]
struct Readme;
