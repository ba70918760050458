//! What a fleet generates: passwords, their hashes, and the files that carry them.
//!
//! A request becomes questions, questions become answers, and answers become one transaction of account and
//! handover files. The room asks through a trait and reads no terminal, environment or clock itself.

mod account;
mod answers;
mod draft;
mod names;
mod plan;
mod prompt;
mod question;
mod receive;
mod request;
mod settle;
mod words;

pub use account::field;
pub use answers::{Answers, Exposure, VARIABLE_PREFIX, check_exposure, variable};
pub use draft::{Draft, Note};
pub use plan::{Access, Action, File, Reader};
pub use prompt::{Prompter, collect};
pub use question::{Origin, Question};
pub use receive::{Received, Waiting, store, take, waiting};
pub use request::Request;
pub use settle::{Settled, wants_one};
pub use words::password as six_words;
