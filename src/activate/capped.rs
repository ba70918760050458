//! Failures that somebody without any key can bring about in any number: a few are told, and how many more there are.

use super::report::{Failure, Kept, Problem};

/// How many are told, and how many are named in one of them.
pub(super) const MOST_TOLD: usize = 10;

/// Failures of one kind.
#[derive(Debug, Default)]
pub(super) struct Capped {
    told: usize,
    more: Vec<(Kept, usize)>,
}

impl Capped {
    /// Tells that an item failed, or counts it.
    pub(super) fn add(
        &mut self,
        failures: &mut Vec<Failure>,
        item: &str,
        kept: Kept,
        problem: impl FnOnce() -> Problem,
    ) {
        if self.told < MOST_TOLD {
            self.told += 1;
            failures.push(Failure::new(item, &problem(), kept));
            return;
        }
        match self.more.iter_mut().find(|(known, _)| *known == kept) {
            Some((_, count)) => *count += 1,
            None => self.more.push((kept, 1)),
        }
    }

    /// Tells how many more there are, below the name of what they have in common.
    pub(super) fn end(self, failures: &mut Vec<Failure>, item: &str, why: &str) {
        for (kept, count) in self.more {
            let who =
                if count == 1 { "1 more value".to_owned() } else { format!("each of {count} more values") };
            failures.push(Failure::new(item, &Problem::new(format!("{who} {why}")), kept));
        }
    }
}
