//! Each modelled behaviour of the service, with the codes of its refusals.

mod access;
mod activity;
mod endings;
mod labels;
mod list;
mod manage;
mod password;
mod rotations;
mod update;
mod values;
mod world;
