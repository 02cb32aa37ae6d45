//! Rounds of rotations in one warm process.

use std::time::Instant;

use super::many::Many;
use super::measure::{is_flat, print_round};

/// Rotates so many secrets in so many rounds, and looks at the process after each.
pub(crate) async fn soak(name: &str, secrets: usize, rounds: usize) {
    let mut many = Many::start(name, secrets, 1).await;
    let mut measures = Vec::new();
    for round in 1..=rounds {
        let from = Instant::now();
        assert_eq!(many.round().await, 0, "invocations failed");
        measures.extend(many.measure());
        print_round(round, secrets, from.elapsed(), &measures[round - 1..]);
        many.check();
        assert_eq!(many.made(), secrets * round, "keys were made");
    }
    is_flat(&measures, 4 * secrets);
}
