//! Randomness, injected.

use std::fmt;

/// Where random bytes come from. [`OsRandom`] outside tests.
pub trait RandomSource: fmt::Debug + Send + Sync + 'static {
    /// Fills `bytes` with random bytes fit for a password.
    ///
    /// # Errors
    ///
    /// [`RandomUnavailable`] when the source has none to give; the bytes are then not to be used.
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable>;
}

/// The operating system's random source.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsRandom;

impl RandomSource for OsRandom {
    fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
        getrandom::fill(bytes).map_err(|error| RandomUnavailable::new(error.to_string()))
    }
}

/// The random source failed; nothing was made from it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the random source gave no bytes: {0}")]
pub struct RandomUnavailable(String);

impl RandomUnavailable {
    /// With the source's own reason, which is printed.
    pub fn new(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A number from 0 to `below - 1`, each equally likely. `below` of 0 counts as 1.
pub(crate) fn uniform(random: &dyn RandomSource, below: usize) -> Result<usize, RandomUnavailable> {
    let below = u32::try_from(below).unwrap_or(u32::MAX).max(1);
    // The largest multiple of `below` that fits: values from there on would favour small results.
    let limit = u32::MAX - u32::MAX % below;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes)?;
        let value = u32::from_le_bytes(bytes);
        if value < limit {
            return Ok((value % below) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// These numbers, one after another.
    #[derive(Debug)]
    struct Given(Mutex<Vec<u32>>);

    impl RandomSource for Given {
        fn fill(&self, bytes: &mut [u8]) -> Result<(), RandomUnavailable> {
            let number = self.0.lock().unwrap().remove(0);
            bytes.copy_from_slice(&number.to_le_bytes());
            Ok(())
        }
    }

    #[test]
    fn only_what_would_favour_small_results_is_drawn_again() {
        let drawn = |numbers: &[u32], below| uniform(&Given(Mutex::new(numbers.to_vec())), below).unwrap();
        // 2^32 - 1 is a multiple of 3 and of 5, and one more than a multiple of 2.
        assert_eq!(drawn(&[u32::MAX - 1, 0], 3), 2);
        assert_eq!(drawn(&[u32::MAX - 1, 1], 2), 1, "the limit itself is drawn again");
        assert_eq!(drawn(&[u32::MAX - 2, 0], 2), 1);
        assert_eq!(drawn(&[7], 0), 0);
    }
}
