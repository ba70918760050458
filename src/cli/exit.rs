//! How a command ended, where it did not fail outright.

use crate::error::Kind;

/// The end of a command that ran.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Exit {
    /// Everything is as asked (0).
    Done,
    /// The rest was done, but something failed, and was said (1).
    Partly,
    /// What is there is not what it should be, and was said (3).
    OutOfDate,
    /// The rest was done, but no key opens some of it, and was said (4).
    NoKey,
    /// The status of a child process.
    Child(u8),
}

impl Exit {
    /// The process' exit code.
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Partly => 1,
            Self::OutOfDate => 3,
            Self::NoKey => 4,
            Self::Child(code) => code,
        }
    }
}

/// The exit code of a failure.
pub(super) fn code_of(kind: Kind) -> u8 {
    match kind {
        Kind::Failed => 1,
        Kind::Usage => 2,
        Kind::OutOfDate => 3,
        Kind::NoKey => 4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_published_ones() {
        let kinds = [Kind::Failed, Kind::Usage, Kind::OutOfDate, Kind::NoKey].map(code_of);
        assert_eq!(kinds, [1, 2, 3, 4]);
        let ends = [Exit::Done, Exit::Partly, Exit::OutOfDate, Exit::NoKey, Exit::Child(9)].map(Exit::code);
        assert_eq!(ends, [0, 1, 3, 4, 9]);
    }
}
