//! A provider of API keys, to rotate against: in process, and on a loopback socket.
//!
//! [`KeyProvider`] speaks this small API:
//!
//! | request | reply |
//! |---|---|
//! | `POST /api-keys` with `X-Admin-Token` and `{"account_id", "label"}` | 201 `{"id", "key"}` |
//! | `GET /api-keys` with `X-Admin-Token` | 200 `{"keys": [{"id", "label", "account_id", "number"}]}` |
//! | `DELETE /api-keys/{id}` with `X-Admin-Token` | 204, or 404 when there is no such key |
//! | `GET /health` with `Authorization: Bearer KEY` | 200, or 401 |
//!
//! A wrong admin token is answered with 401, one key too many with 409, anything else with 404. It
//! can be made to lack ids, the list and revocation, as some providers do.

mod model;
mod provider;
mod server;

pub use model::KeyInfo;
pub use provider::{KeyProvider, NoAnswer};
pub use server::KeyServer;
