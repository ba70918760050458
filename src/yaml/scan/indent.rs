//! Block collections, which begin and end by their indentation alone.

use super::{MAX_DEPTH, Mark, Scan, Scanner, Token, TokenKind};

impl Scanner<'_> {
    /// In block context: opens a collection at this column, where one may be opened.
    pub(super) fn open_block_here(&mut self, kind: TokenKind, refusal: &'static str) -> Scan<()> {
        if self.in_flow() {
            return Ok(());
        }
        let mark = self.cursor.mark();
        if !self.key_allowed {
            return self.refuse(mark, refusal);
        }
        self.open_block(i64::from(mark.column), None, kind, mark)
    }

    pub(super) fn open_block(
        &mut self,
        column: i64,
        at: Option<usize>,
        kind: TokenKind,
        mark: Mark,
    ) -> Scan<()> {
        if self.in_flow() || self.indent >= column {
            return Ok(());
        }
        self.indents.push(self.indent);
        self.indent = column;
        if self.indents.len() > MAX_DEPTH {
            let context = self.candidates.last().map(|candidate| candidate.mark).unwrap_or_default();
            return self.refuse(context, "exceeded max depth of 10000");
        }
        self.insert(at, Token::new(kind, mark, mark));
        Ok(())
    }

    /// Closes the collections that are further right than a column; `gap` is where the space before begins.
    pub(super) fn close_blocks(&mut self, column: i64, gap: Mark) {
        if self.in_flow() || self.indent <= column {
            return;
        }
        let mut ends = self.remarks.block_ends(gap);
        while self.indent > column {
            let mark = ends.place(self.indent);
            self.queue.push_back(Token::new(TokenKind::BlockEnd, mark, mark));
            self.indent = self.indents.pop().unwrap_or(-1);
        }
    }

    /// Ends everything that is open before a marker, a directive or the end of the stream.
    pub(super) fn leave_blocks(&mut self) -> Scan<Mark> {
        let mark = self.cursor.mark();
        self.close_blocks(-1, mark);
        self.drop_candidate()?;
        self.key_allowed = false;
        Ok(mark)
    }
}
