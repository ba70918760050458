//! The signs that collections and their entries are made with, and what each opens, ends and allows.

use super::key::Candidate;
use super::{MAX_DEPTH, Scan, Scanner, Token, TokenKind};

impl Scanner<'_> {
    pub(super) fn fetch_flow_start(&mut self, kind: TokenKind) -> Scan<()> {
        let candidate = self.save_candidate()?;
        // an empty slot bears the number of its own bracket, which shows when it is taken away unused
        let number = self.taken + self.queue.len();
        let mark = self.cursor.mark();
        self.candidates.push(Candidate { possible: false, required: false, number, mark });
        if self.candidates.len() > MAX_DEPTH + 1 {
            return self.refuse(mark, "exceeded max depth of 10000");
        }
        self.key_allowed = true;
        self.push_indicator(kind, candidate);
        Ok(())
    }

    pub(super) fn fetch_flow_end(&mut self, kind: TokenKind) -> Scan<()> {
        self.drop_candidate()?;
        if self.in_flow()
            && let Some(candidate) = self.candidates.pop()
        {
            self.unmark(candidate.number);
        }
        self.key_allowed = false;
        self.push_indicator(kind, None);
        Ok(())
    }

    pub(super) fn fetch_flow_entry(&mut self) -> Scan<()> {
        self.drop_candidate()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::FlowEntry, None);
        Ok(())
    }

    pub(super) fn fetch_block_entry(&mut self) -> Scan<()> {
        self.open_block_here(
            TokenKind::BlockSequenceStart,
            "block sequence entries are not allowed in this context",
        )?;
        self.drop_candidate()?;
        self.key_allowed = true;
        self.push_indicator(TokenKind::BlockEntry, None);
        Ok(())
    }

    pub(super) fn fetch_key(&mut self) -> Scan<()> {
        self.open_block_here(TokenKind::BlockMappingStart, "mapping keys are not allowed in this context")?;
        self.drop_candidate()?;
        self.key_allowed = !self.in_flow();
        self.push_indicator(TokenKind::Key, None);
        Ok(())
    }

    pub(super) fn fetch_value(&mut self) -> Scan<()> {
        let slot = self.candidates.len() - 1;
        if self.is_valid(slot)? {
            let candidate = self.candidates.last().copied().unwrap_or_default();
            self.unmark(candidate.number);
            let at = candidate.number.checked_sub(self.taken);
            self.insert(at, Token::new(TokenKind::Key, candidate.mark, candidate.mark));
            self.open_block(
                i64::from(candidate.mark.column),
                at,
                TokenKind::BlockMappingStart,
                candidate.mark,
            )?;
            if let Some(last) = self.candidates.last_mut() {
                last.possible = false;
            }
            self.key_allowed = false;
        } else {
            self.open_block_here(
                TokenKind::BlockMappingStart,
                "mapping values are not allowed in this context",
            )?;
            self.key_allowed = !self.in_flow();
        }
        self.push_indicator(TokenKind::Value, None);
        Ok(())
    }
}
