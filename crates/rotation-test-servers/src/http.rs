//! A provider of API keys, to rotate against: in process, and on a loopback socket.
//!
//! [`KeyProvider`] speaks this small API:
//!
//! | request | reply |
//! |---|---|
//! | `POST /api-keys` with `X-Admin-Token` and `{"account_id", "label"}` | 201 `{"id", "key"}` |
//! | `PUT /api-keys/{id}` with `X-Admin-Token` and `{"account_id", "key"}` | 201, 200 for the same key again, 409 for another |
//! | `POST /api-keys/{id}/activate` with `X-Admin-Token` | 200, or 404 when there is no such key |
//! | `GET /api-keys` with `X-Admin-Token` | 200 `{"keys": [{"id", "label", "account_id", "number"}]}` |
//! | `DELETE /api-keys/{id}` with `X-Admin-Token` | 204, or 404 when there is no such key |
//! | `GET /health` with `Authorization: Bearer KEY` | 200, or 401 |
//!
//! A key is uploaded with its id as its label. A wrong admin token is answered with 401, one key too many
//! with 409, anything else with 404. The provider can be made to need activation, to give uploaded keys ids
//! of its own, to list by pages, and to lack ids, the list and revocation, as some providers do.
//!
//! A provider that speaks another API is one function, [`Answers`], and [`AtOnce`] makes a transport of it.

mod at_once;
mod model;
mod provider;
mod server;

pub use at_once::{Answers, AtOnce};
pub use model::KeyInfo;
pub use provider::{KeyProvider, NoAnswer};
pub use server::KeyServer;
