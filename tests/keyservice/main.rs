//! Keys of other types than age: `OpenPGP` through gpg, and whatever a key service holds.
#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "test code"
)]

#[path = "../gnupg/mod.rs"]
mod gnupg;
#[cfg(all(feature = "keyservice", feature = "publish"))]
#[path = "../openbao/mod.rs"]
mod openbao;
#[path = "../peers/mod.rs"]
mod peers;
mod pgp;
#[cfg(feature = "keyservice")]
mod remote;
mod room;
#[cfg(all(feature = "keyservice", feature = "publish"))]
mod transit;
