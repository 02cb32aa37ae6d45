//! The soak of `tests/soak`, small: what grows with every invocation shows in some hundreds of them.
#![allow(clippy::print_stdout, reason = "a table, shown if the test fails")]

#[path = "../soak/many.rs"]
mod many;
#[path = "../soak/measure.rs"]
mod measure;
#[path = "../soak/rounds.rs"]
mod rounds;

#[tokio::test]
async fn a_warm_process_holds_as_much_after_two_hundred_rotations() {
    rounds::soak("small", 20, 10).await;
}
