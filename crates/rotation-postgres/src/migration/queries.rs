//! The queries of a migration. Any user may read all of this. The first column of each row says what it is.

mod cluster;
mod database;
mod refusals;
mod theirs;

pub(super) use cluster::cluster;
pub(super) use database::of_user;
