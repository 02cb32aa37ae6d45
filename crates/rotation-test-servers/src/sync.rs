//! A lock that a panicking test does not poison for the next look at it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks, whatever a panic elsewhere may have left half done: a failing test still prints its state.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
