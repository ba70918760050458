//! What may turn out to be a key, which only a `:` behind it tells.

use super::cursor::Mark;
use super::{Scan, Scanner, narrow};

/// How many characters a key may have that is not behind a `?`.
const MAX_KEY: usize = 1024;

/// A token that becomes a key if a `:` follows.
#[derive(Clone, Copy, Default)]
pub(super) struct Candidate {
    pub(super) possible: bool,
    pub(super) required: bool,
    pub(super) number: usize,
    pub(super) mark: Mark,
}

impl Scanner<'_> {
    /// Makes the token that is about to be scanned a candidate, where a key may stand. Returns its slot.
    pub(super) fn save_candidate(&mut self) -> Scan<Option<u32>> {
        if !self.key_allowed {
            return Ok(None);
        }
        self.drop_candidate()?;
        let mark = self.cursor.mark();
        let required = !self.in_flow() && self.indent == i64::from(mark.column);
        let number = self.taken + self.queue.len();
        if let Some(slot) = self.candidates.last_mut() {
            *slot = Candidate { possible: true, required, number, mark };
        }
        Ok(Some(narrow(self.candidates.len() - 1)))
    }

    /// The candidate of this flow level cannot become a key any more.
    pub(super) fn drop_candidate(&mut self) -> Scan<()> {
        let Some(slot) = self.candidates.last_mut() else { return Ok(()) };
        if !slot.possible {
            return Ok(());
        }
        let Candidate { required, mark, number, .. } = *slot;
        if required {
            return self.refuse(mark, "could not find expected ':'");
        }
        slot.possible = false;
        self.unmark(number);
        Ok(())
    }

    /// Whether a slot's candidate can still become a key: it must be on this line, and near.
    pub(super) fn is_valid(&mut self, slot: usize) -> Scan<bool> {
        let Some(candidate) = self.candidates.get_mut(slot) else { return Ok(false) };
        if !candidate.possible {
            return Ok(false);
        }
        let mark = candidate.mark;
        if mark.line == self.cursor.line && !self.cursor.is_further_than(mark.index, MAX_KEY) {
            return Ok(true);
        }
        if candidate.required {
            return self.refuse(mark, "could not find expected ':'");
        }
        candidate.possible = false;
        Ok(false)
    }

    pub(super) fn unmark(&mut self, number: usize) {
        if let Some(token) = number.checked_sub(self.taken).and_then(|at| self.queue.get_mut(at)) {
            token.candidate = None;
        }
    }
}
