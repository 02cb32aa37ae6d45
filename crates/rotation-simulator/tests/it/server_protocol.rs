//! The simulator's socket, as a client of the raw protocol sees it.

mod actions;
mod callers;
mod events;
mod refusals;
mod rotation;
mod struck;
