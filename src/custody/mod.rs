//! Many files at once: who reads them made what the fleet says, keys replaced, data keys renewed, places vouched
//! for.
//!
//! Every operation is a plan in memory, made by looking at each file once and in parallel; the caller shows it
//! and commits its one transaction. Whoever is given a file here has had its MAC and its binding checked first.
//! A file that the runner cannot open is left as it is and named, and so is one that is refused; the rest is done.

mod against_rule;
mod bind;
mod file;
mod keyholders;
mod names;
mod plan;
mod rekey;
mod save;
mod sync;

pub use against_rule::{Difference, against_rule};
pub use bind::Binding;
pub use keyholders::keep_keyholders;
pub use names::Names;
pub use plan::{Blocked, FileChange, Plan, Shared, What};
pub use rekey::{Rekey, rekey};
pub use save::{Saved, create, renew, save};
pub use sync::{Task, sync};
