//! Rotates API keys over HTTP with AWS Secrets Manager: a provider is described by a few requests,
//! and [`HttpBackend`] does the rest.
//!
//! The provider makes the keys, or takes those that are made here, and lets two of them live side by
//! side. Its description ([`Provider`]), in Rust or as a JSON document, says how a key is created or
//! uploaded, listed by its label, verified and revoked, and where the replies hold what. An admin
//! credential ([`Admin`]), from another secret, makes and revokes keys. Requests go to [`AllowedHosts`]
//! only, by https, whatever a secret says.
//!
//! A key that was made and never stored, because a function died in between, is found by its label
//! and revoked by the next rotation; see [`HttpBackend`].
//!
//! # The secret
//!
//! A JSON document with the key in `api_key` and its id in `key_id` (other names can be set), and
//! any other fields, which templates can use:
//!
//! ```json
//! {"api_endpoint": "https://api.vendor.com", "account_id": "7", "api_key": "…", "key_id": "…"}
//! ```
//!
//! A first key without its id rotates too; it is kept at the provider, and reported. A first key
//! with its id is ended like any other, though a person made it: by the second rotation, or by the
//! first without grace.
//!
//! A provider that may have no key ids, no listing or no revocation has to be declared as such; what
//! then is kept, left behind and reported is in [`HttpBackend`]'s table.
//!
//! # Requests
//!
//! They pass one seam, [`Transport`]: a `tower` service. The one behind it by default is
//! [`ReqwestTransport`]. A request that creates a key is sent once per call; there is no retry
//! beneath it, but the rotation's own replay.
//!
//! # Features
//!
//! | Feature | What it adds | Extra crates | Default |
//! |---|---|---|---|
//! | `oauth2` | admin credentials of OAuth 2.0 clients, `OAuth2` | 19 | off |
//!
//! No function of this crate panics. No error, `Debug` output or log line holds a key, a token, a
//! reply or an address's query.

// A function is one thought; .clippy.toml says how long it may be. A table of tests may be longer.
#![cfg_attr(not(test), warn(clippy::too_many_lines))]

mod address;
mod admin;
mod answer;
mod backend;
mod call;
mod document;
mod error;
mod header;
mod hosts;
mod json_template;
mod label;
mod paging;
mod placeholder;
mod pointer;
mod provider;
mod reconcile;
mod reply;
mod request;
mod retry;
mod sender;
mod template;
mod texts;
mod transport;
pub mod vendors;
mod verify;

#[cfg(feature = "oauth2")]
pub use admin::OAuth2;
pub use admin::{Admin, AdminAuth};
pub use backend::HttpBackend;
pub use document::ApiKeyDocument;
pub use error::ProviderError;
pub use hosts::AllowedHosts;
pub use paging::Paging;
pub use provider::{Provider, ProviderBuilder};
pub use request::Request;
pub use transport::{ReqwestTransport, Transport, TransportError};

/// For the bodies of requests: `serde_json::json!`.
pub use serde_json;

/// The examples of the README are compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
