//! The async runtime of a suite or an exploration.

/// One thread's; the sockets of a target need the driver.
#[allow(
    clippy::expect_used,
    reason = "a machine without threads or sockets runs no tests"
)]
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}
