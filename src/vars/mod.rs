//! What a fleet generates: passwords, their hashes, and the files that carry them.
//!
//! A request becomes questions, questions become answers, and answers become one transaction of account and
//! handover files. The room asks through a trait and reads no terminal, environment or clock itself.

mod answers;
mod names;
mod prompt;
mod question;
mod settle;
mod words;

pub use answers::{Answers, Exposure, VARIABLE_PREFIX, check_exposure, variable};
pub use prompt::{Prompter, collect};
pub use question::{Origin, Question};
pub use settle::{Settled, wants_one};
pub use words::password as six_words;
