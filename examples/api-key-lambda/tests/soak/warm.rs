//! One warm process rotates many secrets, again and again: in five rounds, or as many as `ROTATION_SOAK` says.

#[tokio::test]
async fn a_warm_process_holds_as_much_after_a_thousand_rotations() {
    let _turn = crate::TURN.lock().await;
    let rounds = std::env::var("ROTATION_SOAK").map_or(5, |rounds| rounds.parse().unwrap());
    println!("{} rotations of 200 secrets in one process", 200 * rounds);
    crate::rounds::soak("warm", 200, rounds).await;
}
