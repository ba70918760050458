//! What leaves the repository for others to use.
//!
//! It reads the fleet and writes folders outside it; nothing here needs a private key.

mod export;
mod manifest;

pub use export::{Written, write};
pub use manifest::{Export, of_host, of_user};
