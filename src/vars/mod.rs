//! What a fleet generates: passwords, their hashes, and the files that carry them.
//!
//! A request becomes questions, questions become answers, and answers become one transaction of account and
//! handover files. The room asks through a trait and reads no terminal, environment or clock itself.

mod words;

pub use words::password as six_words;
