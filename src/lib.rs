//! Secrets, keys and accounts of a fleet.
//!
//! The library is silent: no terminal, environment, home directory or clock except through arguments that
//! [`cli`] hands in. docs/architecture.md has the rooms and which may know which.

pub mod activate;
pub mod cli;
pub mod custody;
pub mod error;
pub mod fleet;
pub mod fs;
pub mod interchange;
pub mod keys;
pub mod keyservice;
pub mod password;
#[cfg(feature = "publish")]
pub mod publish;
pub mod rules;
pub mod secret;
pub mod sops;
pub mod vars;
pub mod yaml;

pub use error::{Error, Result};
