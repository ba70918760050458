//! Random changes to YAML texts, the same for the same seed.

/// Pieces that mean something to a YAML reader.
const PIECES: &[&str] = &[
    "-",
    "- ",
    "?",
    "? ",
    ":",
    ": ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " #",
    " # c",
    "&a ",
    "*a",
    "!",
    "!!str ",
    "!t ",
    "|",
    ">",
    "|-",
    ">+",
    "|2",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "\n",
    "\n\n",
    " ",
    "  ",
    "\t",
    "\r",
    "\r\n",
    "---",
    "---\n",
    "...",
    "...\n",
    "~",
    "<<: *a",
    "\\",
    "\\x41",
    "é",
    "\u{2028}",
    "\u{85}",
    "\u{FEFF}",
    "😀",
    "%YAML 1.1\n---\n",
    "%TAG ! tag:x,2000:\n",
    "a",
    "0",
    "1e3",
    "\n# c\n",
    "\n  # c\n",
    "\n\n# c\n\n",
    "a: ",
    "\0",
];

pub(crate) struct Mutator {
    state: u64,
}

impl Mutator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1 }
    }

    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % limit
    }

    /// The text with one to four changes.
    pub(crate) fn mutate(&mut self, text: &[u8]) -> Vec<u8> {
        let mut text = text.to_vec();
        for _ in 0..=self.below(4) {
            self.change(&mut text);
        }
        text
    }

    fn change(&mut self, text: &mut Vec<u8>) {
        match self.below(12) {
            0 | 1 => {
                let from = self.below(text.len() + 1);
                let to = (from + 1 + self.below(3)).min(text.len());
                text.drain(from..to);
            }
            2..=5 => {
                let at = self.below(text.len() + 1);
                let piece = PIECES[self.below(PIECES.len())];
                text.splice(at..at, piece.bytes());
            }
            6 => self.lines(text, |mutator, lines| {
                let (a, b) = (mutator.below(lines.len()), mutator.below(lines.len()));
                lines.swap(a, b);
            }),
            7 => self.lines(text, |mutator, lines| {
                let at = mutator.below(lines.len());
                let copy = lines[at].clone();
                lines.insert(mutator.below(lines.len() + 1), copy);
            }),
            8 => self.lines(text, |mutator, lines| {
                let at = mutator.below(lines.len());
                let by = 1 + mutator.below(3);
                if mutator.below(2) == 0 {
                    lines[at].splice(0..0, std::iter::repeat_n(b' ', by));
                } else {
                    let blanks = lines[at].iter().take(by).take_while(|byte| **byte == b' ').count();
                    lines[at].drain(..blanks);
                }
            }),
            9 => self.lines(text, |mutator, lines| {
                let mut comment = vec![b' '; mutator.below(7)];
                comment.extend_from_slice(b"# c");
                comment.extend(mutator.below(10).to_string().bytes());
                comment.push(b'\n');
                comment.resize(comment.len() + mutator.below(3), b'\n');
                lines.insert(mutator.below(lines.len() + 1), comment);
            }),
            10 => self.lines(text, |mutator, lines| {
                let at = mutator.below(lines.len());
                let end = lines[at].len() - usize::from(lines[at].ends_with(b"\n"));
                lines[at].splice(end..end, b" # l".iter().copied());
            }),
            _ => {
                if self.below(3) == 0 {
                    *text = text
                        .iter()
                        .flat_map(
                            |byte| if *byte == b'\n' { &b"\r\n"[..] } else { std::slice::from_ref(byte) },
                        )
                        .copied()
                        .collect();
                } else {
                    text.truncate(self.below(text.len() + 1));
                }
            }
        }
    }

    fn lines(&mut self, text: &mut Vec<u8>, change: impl FnOnce(&mut Self, &mut Vec<Vec<u8>>)) {
        let mut lines: Vec<Vec<u8>> =
            text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if !lines.is_empty() {
            change(self, &mut lines);
            *text = lines.concat();
        }
    }
}
