//! Random bytes that are the same in every run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rotation_core::{RandomSource, RandomUnavailable};

/// A random source that gives the same bytes for the same seed. For tests only: whoever knows the
/// seed knows every password made from it.
///
/// Clones draw from one stream.
#[derive(Clone, Debug)]
pub struct SeededRandom {
    state: Arc<AtomicU64>,
}

/// The odd step by which splitmix64 walks through its states: 2^64 over the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl SeededRandom {
    /// The stream that this seed begins.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: Arc::new(AtomicU64::new(seed)),
        }
    }
}

impl RandomSource for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        for chunk in bytes.chunks_mut(8) {
            let word = mix(self.state.fetch_add(STEP, Ordering::Relaxed));
            for (byte, random) in chunk.iter_mut().zip(word.to_le_bytes()) {
                *byte = random;
            }
        }
        Ok(())
    }
}

/// The output function of splitmix64 (Steele, Lea, Flood 2014): a bijection that looks random.
pub(crate) fn mix(state: u64) -> u64 {
    let mut z = state.wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// An id in the form of a UUID, another for each number.
pub(crate) fn uuid(number: u64) -> String {
    let (high, low) = (mix(number), mix(!number));
    format!(
        "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_is_that_of_splitmix64() {
        // The first outputs for seed 0, as published with the generator's test vectors.
        let random = SeededRandom::new(0);
        let mut bytes = [0; 16];
        random.fill(&mut bytes).unwrap();
        let expected = [0xe220_a839_7b1d_cdaf_u64, 0x6e78_9e6a_a1b9_65f4]
            .map(u64::to_le_bytes)
            .concat();
        assert_eq!(bytes.as_slice(), expected);
    }

    #[test]
    fn ids_have_the_form_of_a_uuid() {
        let id = uuid(7);
        assert_eq!(id.len(), 36);
        assert_eq!(id.matches('-').count(), 4);
        assert_ne!(id, uuid(8));
    }
}
