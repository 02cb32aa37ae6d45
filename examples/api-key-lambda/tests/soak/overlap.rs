//! Two functions are handed every step of every rotation at the same time.

use std::time::Instant;

use super::many::Many;
use super::measure::print_round;

const SECRETS: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_functions_on_the_same_secrets_lose_no_key_and_break_none() {
    let _turn = crate::TURN.lock().await;
    println!("two processes, each of which is handed every step of {SECRETS} secrets");
    let mut many = Many::start("overlap", SECRETS, 2).await;
    for round in 1..=2 {
        let from = Instant::now();
        let failed = many.round().await;
        print_round(round, SECRETS, from.elapsed(), &many.measure());
        let twice = many.made() - SECRETS * round;
        println!(
            "          {failed} invocations failed; {twice} keys so far were made for a version that had one"
        );
        assert!(twice > 0, "the two never met");
        many.check();
    }
}
