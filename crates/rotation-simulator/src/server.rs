//! Secrets Manager on a loopback socket, for any SDK.
//!
//! ```
//! use rotation_simulator::Simulator;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> std::io::Result<()> {
//! let server = Simulator::new().serve().await?;
//! println!("AWS_ENDPOINT_URL_SECRETS_MANAGER={}", server.endpoint_url());
//! # Ok(())
//! # }
//! ```
//!
//! It speaks the service's JSON 1.1 protocol over plain HTTP: `POST /` with `X-Amz-Target`. The
//! actions, their fields, and their refusals are those of the [model](crate#what-is-modelled-and-how-sure-it-is).
//! For anything else there is a clear error: an action that is not modelled is
//! `UnknownOperationException`, a field `InvalidParameterException` that names it.
//!
//! A rotation needs a function to invoke ([`invoke_url`](SimulatorServerBuilder::invoke_url)), and a
//! simulator with a clock of real time: `Simulator::with_clock(TravelClock::new())`.
//!
//! # Who calls
//!
//! Signatures are not verified. With
//! [`function_access_key`](SimulatorServerBuilder::function_access_key) the calls that are signed with
//! that key are the rotation function's, all others everybody else's. Without it, a PutSecretValue
//! or an UpdateSecretVersionStage that names the version of the rotation under way, or has its
//! RotationToken, is the function's, and all others, its reads included, are everybody else's: enough
//! for one set of credentials, and for a rotation that nobody disturbs.
//!
//! The function's calls pass the [`Faults`](crate::Faults) under the name of their action. No answer
//! is a connection that is closed without a reply; after a crash no reply ever comes.
//!
//! # On the wire
//!
//! | What | Source | How sure |
//! |---|---|---|
//! | Fields, their types, and which are left out when there is nothing in them | AWS's service model, as botocore has it | documented |
//! | Errors are status 400 with `{"__type", "Message"}`; InternalServiceError is 500 | the same; traces in aws-sdk-js-v3 #1215 | documented; that each code is written without its namespace is observed |
//! | A required field that is missing: ValidationException, "1 validation error detected: Value null at 'secretId' failed to satisfy constraint: Member must not be null" | aws-sdk-kotlin #1469 | observed; that numbers out of range are refused in the same way is observed of GetRandomPassword, else inferred |
//! | PutSecretValue without a value: InvalidRequestException | users of Terraform; moto | observed |
//! | Both kinds of value: InvalidParameterException | http4k's tests of its client | observed |
//! | Not JSON, or a field of another type: SerializationException | AWS's JSON protocols | inferred; the texts are the simulator's own, which never quote the body |
//! | UnknownOperationException, status 400 | AWS's JSON protocols | inferred |
//! | A body of more than 1 MiB: status 413 | the simulator's own | – |
//! | `GET /_simulator/events`: `{"Records": […]}`, the [events](crate::model::RotationEventRecord::to_cloudtrail) of rotations as CloudTrail has them | the simulator's own path | – |
//!
//! These fields are accepted and make no difference: `ForceOverwriteReplicaSecret`,
//! `AddReplicaRegions[].KmsKeyId`, `IncludePlannedDeletion`. `KmsKeyId`, `Description` and
//! `RotationRules` are stored and described, no more. `LastAccessedDate`, `NextRotationDate` and
//! `KmsKeyIds` are left out of every answer.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rotation_lambda_host::Loopback;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::simulator::Simulator;

use answer::{Service, cloudtrail_events};
use driver::drive;
use invoke::Invoker;

pub use seed::{Seed, SeedError};

#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod alone;
mod answer;
mod caller;
mod driver;
mod error;
mod fields;
mod invoke;
mod seed;
mod wire;

/// A [`Simulator`] on a socket. Stops, with every connection and invocation, when dropped.
pub struct SimulatorServer {
    simulator: Simulator,
    listening: Loopback,
    /// Invokes the function; empty without an invoke URL.
    _driver: JoinSet<std::convert::Infallible>,
}

/// How a [`SimulatorServer`] is to be started.
#[derive(Clone, Debug)]
#[must_use]
pub struct SimulatorServerBuilder {
    simulator: Simulator,
    address: SocketAddr,
    function_access_key: Option<String>,
    invoke_url: Option<String>,
    function_timeout: Duration,
}

impl Simulator {
    /// Puts this simulator on a free port of 127.0.0.1. It invokes no function: for that there is
    /// [`SimulatorServer::builder`].
    ///
    /// # Errors
    ///
    /// As [`SimulatorServerBuilder::start`].
    pub async fn serve(&self) -> io::Result<SimulatorServer> {
        SimulatorServer::builder(self.clone()).start().await
    }
}

impl SimulatorServer {
    /// A server for this simulator, on a free port of 127.0.0.1 unless told otherwise.
    pub fn builder(simulator: Simulator) -> SimulatorServerBuilder {
        SimulatorServerBuilder {
            simulator,
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            function_access_key: None,
            invoke_url: None,
            function_timeout: Duration::from_secs(30),
        }
    }

    /// Where it listens: `127.0.0.1:PORT`.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.listening.address()
    }

    /// `http://127.0.0.1:PORT`: what an SDK takes as `AWS_ENDPOINT_URL_SECRETS_MANAGER`.
    #[must_use]
    pub fn endpoint_url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// The rotation events so far as CloudTrail records, the oldest first.
    #[must_use]
    pub fn cloudtrail_events(&self) -> Vec<Value> {
        cloudtrail_events(&self.simulator)
    }
}

impl SimulatorServerBuilder {
    /// Listens there; port 0 is a free one.
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// The access key id with which the rotation function signs its calls.
    pub fn function_access_key(mut self, access_key_id: impl Into<String>) -> Self {
        self.function_access_key = Some(access_key_id.into());
        self
    }

    /// Where functions are invoked; `{function}` stands for the name in the secret's
    /// `RotationLambdaARN`: `http://127.0.0.1:9000/2015-03-31/functions/{function}/invocations`.
    /// Without it no function is invoked, and the steps of a rotation stay due.
    pub fn invoke_url(mut self, template: impl Into<String>) -> Self {
        self.invoke_url = Some(template.into());
        self
    }

    /// How long an invocation may take: 30 s unless set, as Secrets Manager's own functions have.
    pub fn function_timeout(mut self, timeout: Duration) -> Self {
        self.function_timeout = timeout;
        self
    }

    /// Starts it, on the tokio runtime that this is awaited on.
    ///
    /// # Errors
    ///
    /// The address cannot be bound, or the invoke URL is none ([`io::ErrorKind::InvalidInput`]).
    pub async fn start(self) -> io::Result<SimulatorServer> {
        let invalid = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        let invoker = self
            .invoke_url
            .map(|template| Invoker::new(&template, self.function_timeout).map_err(invalid))
            .transpose()?;
        let service = Service {
            simulator: self.simulator.clone(),
            function_key: self.function_access_key.map(Arc::from),
            requests: Arc::new(AtomicU64::new(0)),
        };
        let answer = move |request| service.clone().answer(request);
        let listening = Loopback::listen(self.address, answer).await?;
        let mut driver = JoinSet::new();
        if let Some(invoker) = invoker {
            let written = self.simulator.written();
            driver.spawn(drive(self.simulator.clone(), invoker, written));
        }
        Ok(SimulatorServer {
            simulator: self.simulator,
            listening,
            _driver: driver,
        })
    }
}

impl fmt::Debug for SimulatorServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimulatorServer")
            .field("address", &self.address())
            .finish_non_exhaustive()
    }
}
