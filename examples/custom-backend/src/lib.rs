//! Rotates access keys of Forge, a build server of one's own. An example of a backend for a credential
//! that no crate of the framework covers.
//!
//! A service account of Forge has at most two access keys. A key has an id, a note of who made it
//! (`created_by`), and a state: it is made inactive, switched on, and has to be switched off before it can be
//! deleted. Its value is shown once, when it is made.
//!
//! [`ForgeKeys`] is the backend, [`Api`] the requests, [`Wire`] the seam at which the tests put a Forge in
//! memory. `docs/writing-a-backend.md` walks through all of it.

mod api;
mod backend;
mod config;
mod label;
mod slots;
mod wire;

pub use api::Api;
pub use backend::{AccessKey, ForgeKeys};
pub use config::{ConfigError, from_variables};
pub use wire::{Https, NoReply, Wire};
