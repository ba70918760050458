//! `uvars activate` on a host of its own.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test fails by panicking, and says what it leaves out"
)]

mod fleet;
mod home;
mod host;
mod kill;
mod login;
#[path = "../peers/mod.rs"]
mod peers;
mod person;
mod sandbox;
mod trouble;
