//! Our files and those of real sops, both ways, with 3.13.3 and 3.11.0.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    unreachable_pub,
    reason = "test code"
)]

#[path = "../gnupg/mod.rs"]
mod gnupg;
#[path = "../peers/mod.rs"]
mod peers;

mod broken;
mod formats;
mod matrix;
mod room;
mod table;
mod vectors;
mod yaml;
