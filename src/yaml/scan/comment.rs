//! Comments: found between tokens, attached by place, handed out with the events.
//!
//! A block of comment lines is cut into pieces that stand above the next token (heads) and pieces that stand
//! below the last one (feet); a comment behind a token is its line comment. Each piece waits in a list with
//! the place that decides when the parser, walking over the tokens, comes by and collects it.

use super::cursor::{is_blank, narrow};
use super::{Mark, Scan, Scanner, TokenKind};
use crate::yaml::Comments;

/// How far go-yaml looks ahead for the next comment line, in characters.
const REACH: usize = 512;

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Role {
    Head,
    Line,
    Foot,
}

/// A piece that nobody has collected yet.
#[derive(Debug)]
struct Piece {
    role: Role,
    text: String,
    /// The place of the token that collects it, or of a later one.
    at: u32,
    /// Where it starts; the column is counted from 1.
    start: Mark,
    /// Where the search for it began.
    scan: u32,
    end: u32,
}

/// The comments of a stream on their way from the text to the nodes.
#[derive(Default)]
pub(in crate::yaml) struct Remarks {
    pieces: Vec<Piece>,
    read: usize,
    pending: Comments,
    stem: Option<String>,
    lines: usize,
}

impl Remarks {
    /// Whether anything is left to be collected.
    pub(super) fn is_waiting(&self) -> bool {
        !self.pieces.is_empty()
    }

    /// How many lines with a comment there were until now.
    pub(in crate::yaml) fn lines(&self) -> usize {
        self.lines
    }

    /// Collects what belongs to the token at `start` or to what was before it.
    pub(super) fn unfold(&mut self, start: u32, at_block_end: bool) {
        while let Some(piece) = self.pieces.get_mut(self.read) {
            if piece.at > start || (piece.role == Role::Head && at_block_end) {
                return;
            }
            let buffer = match piece.role {
                Role::Head => &mut self.pending.head,
                Role::Line => &mut self.pending.line,
                Role::Foot => &mut self.pending.foot,
            };
            if buffer.is_empty() {
                *buffer = std::mem::take(&mut piece.text);
            } else {
                buffer.push('\n');
                buffer.push_str(&piece.text);
                piece.text = String::new();
            }
            self.read += 1;
        }
        if self.read > 0 {
            self.pieces.clear();
            self.read = 0;
        }
    }

    /// Everything collected, for an event; an unused stem is lost.
    pub(in crate::yaml) fn collect(&mut self) -> Option<Box<Comments>> {
        self.stem = None;
        if self.pending.is_empty() { None } else { Some(Box::new(std::mem::take(&mut self.pending))) }
    }

    /// How long the head is that is pending.
    pub(in crate::yaml) fn head_len(&self) -> usize {
        self.pending.head.len()
    }

    /// Sets the first `len` bytes of the pending head aside for the collection that starts now.
    pub(in crate::yaml) fn split_stem(&mut self, len: usize) {
        if len == 0 {
            return;
        }
        let rest = self.pending.head.split_off(len.min(self.pending.head.len()));
        let stem =
            std::mem::replace(&mut self.pending.head, rest.strip_prefix('\n').unwrap_or(&rest).to_owned());
        self.stem = Some(stem);
    }

    /// The stem, as the head of a block collection.
    pub(in crate::yaml) fn take_stem(&mut self) -> Option<Box<Comments>> {
        self.stem.take().map(|head| Box::new(Comments { head, ..Comments::default() }))
    }

    /// What of the pending head stands before its last empty line: the head of the document.
    pub(in crate::yaml) fn split_document_head(&mut self) -> Option<Box<Comments>> {
        let bytes = self.pending.head.as_bytes();
        let is_blank = |at: &usize| bytes.get(at + 1).is_none_or(|next| *next == b'\n');
        let at = memchr::memrchr_iter(b'\n', bytes).find(is_blank)?;
        let rest = self.pending.head.get(at + 2..).unwrap_or_default().to_owned();
        let mut head = std::mem::replace(&mut self.pending.head, rest);
        head.truncate(at);
        Some(Box::new(Comments { head, ..Comments::default() }))
    }

    fn push(&mut self, role: Role, text: String, at: u32, start: Mark, scan: u32, end: u32) {
        self.lines += text.split('\n').filter(|line| !line.is_empty()).count();
        self.pieces.push(Piece { role, text, at, start, scan, end });
    }

    /// Where blocks end that are closed by what follows the space that begins at `gap`.
    pub(super) fn block_ends(&self, gap: Mark) -> BlockEnds {
        let mark = Mark { index: gap.index.saturating_sub(1), ..gap };
        let mut starts = Vec::new();
        let mut stop = mark.index;
        for piece in self.pieces.iter().skip(self.read).rev() {
            if piece.role == Role::Line || piece.end < stop {
                break;
            }
            starts.push(piece.start);
            stop = piece.scan;
        }
        // the oldest of each column counts
        starts.reverse();
        starts.sort_by_key(|start| start.column);
        starts.dedup_by_key(|start| start.column);
        BlockEnds { mark, starts }
    }
}

/// Places for the ends of blocks: in front of the comments that stand at the block's own column.
pub(super) struct BlockEnds {
    mark: Mark,
    starts: Vec<Mark>,
}

impl BlockEnds {
    /// Where the next block further out ends, whose column is `indent`.
    pub(super) fn place(&mut self, indent: i64) -> Mark {
        let column = u32::try_from(indent + 1).unwrap_or(0);
        if let Ok(at) = self.starts.binary_search_by_key(&column, |start| start.column)
            && let Some(start) = self.starts.get(at)
        {
            self.mark = *start;
        }
        self.mark
    }
}

/// One look over comment lines: the piece that is being put together, and the cursor that runs ahead.
struct Block {
    text: String,
    at: u32,
    start: Mark,
    scan: u32,
    line: u32,
    column: u32,
}

impl Scanner<'_> {
    /// A comment behind a token, on its line.
    pub(super) fn scan_line_comment(&mut self, at: u32) -> Scan<()> {
        if self.cursor.breaks > 0 {
            return Ok(());
        }
        let mut blanks = 0;
        while blanks < REACH && is_blank(self.cursor.peek(blanks)) {
            blanks += 1;
        }
        self.cursor.need((blanks + 1).min(REACH))?;
        if blanks == REACH || self.cursor.peek(blanks) != b'#' {
            return Ok(());
        }
        let from = self.cursor.pos + blanks;
        let end = self.take_comment_line(from)?;
        let text = self.cursor.slice(from, end).to_owned();
        self.remarks.push(Role::Line, text, at, Mark::default(), 0, 0);
        Ok(())
    }

    /// Moves behind the text of a comment that starts at `from`, and returns where it ends.
    fn take_comment_line(&mut self, from: usize) -> Scan<usize> {
        let end = self.cursor.line_end(from);
        self.cursor.move_to(end);
        self.cursor.need(1)?;
        Ok(end)
    }

    /// Comment lines from a `#` on, up to the next content. `gap` is where the space before them begins.
    pub(super) fn scan_comments(&mut self, gap: Mark) -> Scan<()> {
        let (last, value) = self.last_for_comments();
        let indent = u32::try_from(self.indent).unwrap_or(0);
        let here = self.cursor.mark();
        let foot_line = match gap.line {
            0 => None,
            _ => Some(
                i64::from(here.line) - i64::from(self.cursor.breaks)
                    + if self.cursor.breaks == 0 && here.column > 1 { 2 } else { 1 },
            ),
        };
        let mut block = Block {
            text: String::new(),
            at: last,
            start: Mark::default(),
            scan: gap.index,
            line: here.line,
            column: here.column,
        };
        let (mut first_empty, mut recent_empty) = (self.cursor.breaks <= 1, false);
        let mut ahead = 0;
        while ahead < REACH {
            self.cursor.need(ahead + 1)?;
            // counted before the look, so that the column is one more than that of the character
            block.column += 1;
            let p = self.cursor.pos + ahead;
            let byte = self.cursor.byte(p);
            if is_blank(byte) {
                ahead += 1;
                continue;
            }
            let closes = self.in_flow() && (byte == b']' || byte == b'}');
            if closes || self.cursor.is_break_or_end(p) {
                if closes || !recent_empty {
                    let dedented = block.start.column.saturating_sub(1) < indent;
                    let is_foot = closes
                        || (first_empty
                            && ((foot_line == Some(i64::from(block.start.line)) && !value) || dedented));
                    if is_foot {
                        if dedented && !block.text.is_empty() {
                            block.at = block.start.index;
                        }
                        self.cut_foot(&mut block, p);
                    } else if !block.text.is_empty() && !self.cursor.is_end(p) {
                        block.text.push('\n');
                    }
                }
                if !self.cursor.is_break(p) {
                    break;
                }
                (first_empty, recent_empty) = (false, true);
                block.column = 0;
                block.line += 1;
                ahead += 1;
                continue;
            }
            if !block.text.is_empty() && block.column - 1 < indent && block.column != block.start.column {
                self.cut_foot(&mut block, p);
            }
            if byte != b'#' {
                break;
            }
            if block.text.is_empty() {
                block.start = Mark { index: narrow(p), line: block.line, column: block.column };
            } else {
                block.text.push('\n');
            }
            recent_empty = false;
            self.skip_to_comment(p);
            let end = self.take_comment_line(p)?;
            block.text.push_str(self.cursor.slice(p, end));
            (block.line, block.column) = (self.cursor.line, 0);
            // the break itself is not looked at, only what comes one byte behind where it begins
            ahead = 1;
        }
        if !block.text.is_empty() {
            let end = narrow(self.cursor.pos + ahead).saturating_sub(1);
            self.remarks.push(Role::Head, block.text, block.start.index, block.start, block.scan, end);
        }
        Ok(())
    }

    /// The place of the token that comments here may be a foot of, and whether it is a `:`.
    fn last_for_comments(&self) -> (u32, bool) {
        let mut tokens = self.queue.iter().rev();
        let last = tokens.next();
        let last = match last {
            Some(last) if last.kind == TokenKind::FlowEntry => tokens.next().or(Some(last)),
            last => last,
        };
        last.map_or((0, false), |token| (token.start.index, token.kind == TokenKind::Value))
    }

    /// Ends a piece that is a foot; the next one begins its search at `p`.
    fn cut_foot(&mut self, block: &mut Block, p: usize) {
        if block.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut block.text);
        self.remarks.push(Role::Foot, text, block.at, block.start, block.scan, narrow(p));
        block.scan = narrow(p);
        block.at = block.scan;
    }

    /// Moves over the blanks and breaks before a comment line.
    fn skip_to_comment(&mut self, p: usize) {
        while self.cursor.pos < p {
            if self.cursor.is_break(self.cursor.pos) {
                self.cursor.skip_break();
            } else {
                self.cursor.skip_blanks(1);
            }
        }
    }
}
