//! Many files at once: who reads them made what the fleet says, keys replaced, data keys renewed, places vouched
//! for.
//!
//! Every operation is a plan in memory, made by looking at each file once and in parallel; the caller shows it
//! and commits its one transaction. Whoever is given a file here has had its MAC and its binding checked first.
//! A file that the runner cannot open is left as it is and named, and so is one that is refused; the rest is done.

#![allow(dead_code, reason = "its plans follow")]

mod file;
mod plan;

pub use plan::{Blocked, FileChange, Plan, What};
