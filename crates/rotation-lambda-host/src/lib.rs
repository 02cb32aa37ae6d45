//! Runs a built Lambda function on this machine: starts the program as a child process, and drives it as
//! Lambda does.
//!
//! ```no_run
//! use rotation_lambda_host::Function;
//! use serde_json::json;
//!
//! # async fn example() -> std::io::Result<()> {
//! let function = Function::builder("target/debug/api-key-rotator")
//!     .env("RUST_LOG", "trace")
//!     .start()
//!     .await?;
//! let invoked = function.invoke(&json!({"Step": "createSecret"})).await;
//! assert!(invoked.failed, "the event has no SecretId");
//! println!("{}\n{}", invoked.payload, function.output());
//! # Ok(())
//! # }
//! ```
//!
//! # Parts
//!
//! - [`Function`]: the function. A test [invokes](Function::invoke) it by a call; whoever speaks HTTP, such as a
//!   simulator of Secrets Manager, invokes it by its [URL](Function::invoke_url).
//! - [`KillSwitch`]: kills the function in the middle of an invocation, at a moment that a test has planned.
//! - [`Loopback`]: a plain HTTP/1.1 server on this machine, for doubles of other services.
//!
//! # What it does as Lambda
//!
//! Any runtime client can be driven: a binary made with `lambda_runtime`, or a Python function under
//! `awslambdaric`.
//!
//! | Behaviour | Source | How sure |
//! |---|---|---|
//! | The paths, headers and statuses of the Runtime API 2018-06-01 | developer guide: Using the Lambda runtime API for custom runtimes | documented |
//! | The environment variables of an OS-only runtime | developer guide: Defined runtime environment variables | documented |
//! | A process has one invocation at a time; the next one at the same time gets another process | developer guide: Understanding Lambda function scaling | documented |
//! | The invocation is over when the runtime client asks for the next event | developer guide: Lambda execution environment | documented |
//! | A process that ended: `Runtime.ExitError`, "RequestId: … Error: Runtime exited with error: signal: killed"; the next invocation starts another | errors that functions were answered with | observed |
//! | One that does not answer in time is killed: `Sandbox.Timedout`, "RequestId: … Error: Task timed out after 3.00 seconds" | the same | observed |
//! | An error of the start is the answer of the first invocation | OpenAPI document of the Runtime API | documented |
//! | A function error is status 200 with `X-Amz-Function-Error: Unhandled` | API reference: Invoke | documented |
//!
//! It does not try a failed start a second time, and it does not freeze a process between invocations. It
//! has no asynchronous invocations, no response streaming, no extensions, no limits of size and memory, and no
//! log lines of Lambda's own. At most ten processes run at once; one invocation more is throttled.

mod arn;
mod builder;
mod environment;
mod function;
mod invoke_api;
mod kill_switch;
mod loopback;
mod outcome;
mod output;
mod pool;
mod process;
mod reply;
mod runtime_api;
mod settings;
mod sync;

pub use arn::function_name;
pub use builder::FunctionBuilder;
pub use function::Function;
pub use kill_switch::KillSwitch;
pub use loopback::Loopback;
pub use outcome::Invoked;

/// The README's example is compiled with the documentation's.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
