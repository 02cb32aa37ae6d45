//! A temporary PostgreSQL server, certificates for it, and a proxy that counts and cuts the messages
//! of its protocol.
//!
//! The server is a real one, found on the machine (see [`PostgresServer::start`]), in a folder of its
//! own, on a free port of the loopback address; it runs as a user other than root, and ends with the
//! value, with the process, and on panic.
//!
//! ```no_run
//! use rotation_test_servers::postgres::PostgresServer;
//!
//! # fn main() -> Result<(), rotation_test_servers::postgres::PostgresError> {
//! let server = PostgresServer::start()?;
//! println!("PostgreSQL {} at localhost:{}", server.major(), server.port());
//! # Ok(())
//! # }
//! ```

mod builder;
mod certificates;
mod error;
mod find;
mod machine;
mod server;
mod wire;

pub use builder::PostgresBuilder;
pub use certificates::{Authority, Certificate};
pub use error::PostgresError;
pub use server::PostgresServer;
pub use wire::WireProxy;
