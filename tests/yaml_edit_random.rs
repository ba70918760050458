//! Random edits of random documents: what is not meant keeps its meaning, its comments and its bytes.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

use std::fmt::Write as _;
use uvars::yaml::edit::{At, Edit, Value};
use uvars::yaml::{Kind, NodeId, Style, Tree};

struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33).unwrap() % count
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn pick<'t>(&mut self, from: &[&'t str]) -> &'t str {
        from[self.below(from.len())]
    }
}

/// Writes a document in somebody's taste.
struct Writer<'r> {
    random: &'r mut Random,
    step: usize,
    dash: usize,
    comments: bool,
    out: String,
}

const SCALARS: &[&str] = &[
    "a",
    "word and word",
    "12",
    "true",
    "'single'",
    "\"dou\\tble\"",
    "null",
    "~",
    "2024-01-02",
    "é漢",
    "x:y",
    "''",
];
const STRINGS: &[&str] =
    &["new", "a: b", "12", "yes", "two\nlines\n", "two\nlines", " x", "", "#c", "it's", "<<", "x, y", "é"];

impl Writer<'_> {
    fn map(&mut self, column: usize, depth: usize, first_inline: bool) {
        for index in 0..=self.random.below(3) {
            if index > 0 || !first_inline {
                self.space(column);
                self.out.push_str(&" ".repeat(column));
            }
            let name = self.random.pick(&["k", "key", "q", "é"]);
            write!(self.out, "{name}{index}:").unwrap();
            self.value(column, depth);
        }
    }

    fn list(&mut self, column: usize, depth: usize, first_inline: bool) {
        for index in 0..=self.random.below(3) {
            if index > 0 || !first_inline {
                self.space(column);
                self.out.push_str(&" ".repeat(column));
            }
            self.out.push('-');
            match self.random.below(if depth == 0 { 4 } else { 7 }) {
                0 => self.line_end(),
                1 => self.literal(column + 2),
                2 => self.flow(),
                4 => {
                    self.out.push(' ');
                    self.map(column + 2, depth - 1, true);
                }
                5 => {
                    self.out.push(' ');
                    self.list(column + 2, depth - 1, true);
                }
                _ => self.scalar(),
            }
        }
    }

    fn value(&mut self, column: usize, depth: usize) {
        match self.random.below(if depth == 0 { 6 } else { 9 }) {
            0 => self.line_end(),
            1 => self.literal(column + self.step),
            2 | 3 => self.flow(),
            6 => {
                self.line_end();
                self.map(column + self.step, depth - 1, false);
            }
            7 => {
                self.line_end();
                self.list(column + self.dash, depth - 1, false);
            }
            _ => self.scalar(),
        }
    }

    /// Empty lines and comments above an entry.
    fn space(&mut self, column: usize) {
        if self.random.one_in(6) && !self.out.is_empty() {
            self.out.push('\n');
        }
        if self.comments && self.random.one_in(4) {
            let text = format!("{:column$}# note {}\n", "", self.random.below(100));
            self.out.push_str(&text);
            if self.random.one_in(5) {
                self.out.push('\n');
            }
        }
    }

    fn line_end(&mut self) {
        if self.comments && self.random.one_in(5) {
            self.out.push_str(" # behind");
        }
        self.out.push('\n');
    }

    fn scalar(&mut self) {
        let text = self.random.pick(SCALARS);
        self.out.push(' ');
        self.out.push_str(text);
        self.line_end();
    }

    fn literal(&mut self, column: usize) {
        self.out.push_str(self.random.pick(&[" |", " |-", " >", " |+"]));
        self.line_end();
        for _ in 0..=self.random.below(2) {
            writeln!(self.out, "{:column$}text # of it", "").unwrap();
        }
    }

    fn flow(&mut self) {
        let (open, close, keys) = if self.random.one_in(2) { ('[', ']', false) } else { ('{', '}', true) };
        write!(self.out, " {open}").unwrap();
        let several_lines = self.random.one_in(4);
        for index in 0..self.random.below(4) {
            if index > 0 {
                self.out.push(',');
            }
            self.out.push_str(if several_lines { "\n            " } else { " " });
            if keys {
                write!(self.out, "f{index}").unwrap();
                if self.random.one_in(5) {
                    continue;
                }
                self.out.push_str(": ");
            }
            self.out.push_str(self.random.pick(&["a", "12", "'s, t'", "[x, y]", "{p: q}", "{}", "[]"]));
        }
        if several_lines {
            self.out.push_str("\n        ");
        }
        self.out.push(close);
        self.line_end();
    }
}

fn document(random: &mut Random) -> String {
    let step = 2 + random.below(3);
    let dash = if random.one_in(2) { 0 } else { step };
    let comments = !random.one_in(3);
    let mut writer = Writer { random, step, dash, comments, out: String::new() };
    if writer.random.one_in(3) {
        writer.list(0, 3, false);
    } else {
        writer.map(0, 3, false);
    }
    let mut text = writer.out;
    if random.one_in(4) {
        text.truncate(text.trim_end_matches('\n').len());
    }
    if random.one_in(4) { text.replace('\n', "\r\n") } else { text }
}

/// Every node with its path.
fn paths(tree: &Tree<'_>) -> Vec<(Vec<String>, NodeId)> {
    let root = tree.root(tree.documents()[0]).unwrap();
    let mut found = vec![(Vec::new(), root)];
    let mut at = 0;
    while at < found.len() {
        let (path, id) = found[at].clone();
        let step = |name: String| path.iter().cloned().chain([name]).collect::<Vec<_>>();
        match tree.node(id).kind {
            Kind::Mapping => {
                let pairs: Vec<_> = tree
                    .pairs(id)
                    .map(|(key, value)| (step(tree.node(key).text.to_string()), value))
                    .collect();
                found.extend(pairs);
            }
            Kind::Sequence => {
                let items: Vec<_> = tree
                    .children(id)
                    .enumerate()
                    .map(|(index, item)| (step(index.to_string()), item))
                    .collect();
                found.extend(items);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

fn value(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 3 } else { 7 }) {
        0 => Value::from(i64::try_from(random.below(1000)).unwrap()),
        1 | 2 => Value::from(random.pick(STRINGS)),
        3 => Value::List((0..random.below(3)).map(|_| value(random, depth - 1)).collect()),
        4 => Value::list(["a", "b"]).one_line(),
        5 => {
            Value::Map((0..random.below(3)).map(|at| (format!("n{at}"), value(random, depth - 1))).collect())
        }
        _ => Value::NULL,
    }
}

fn common(old: &str, new: &str) -> (usize, usize) {
    let front = old.bytes().zip(new.bytes()).take_while(|(a, b)| a == b).count();
    let back = old.bytes().rev().zip(new.bytes().rev()).take_while(|(a, b)| a == b).count();
    (front, back)
}

fn comment_lines(tree: &Tree<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    let mut open = tree.documents().to_vec();
    while let Some(id) = open.pop() {
        let comments = tree.comments(id);
        for text in [&comments.head, &comments.line, &comments.foot] {
            lines.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
        }
        open.extend(tree.children(id));
    }
    lines.sort();
    lines
}

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn random_edits_keep_everything_else() {
    let (seed, count) = (number("UVARS_TEST_SEED", 1), number("UVARS_TEST_EDITS", 3000));
    let (mut done, mut failures) = (0, Vec::new());
    for round in 0..count {
        let mut random = Random((seed * 1_000_003 + round) * 2 + 1);
        for _ in 0..5 {
            random.below(2);
        }
        let text = document(&mut random);
        let Ok(tree) = Tree::parse(text.as_bytes()) else { panic!("the generator made bad YAML:\n{text}") };
        match attempt(&mut random, &text, &tree) {
            Ok(()) => done += 1,
            Err(problem) if problem.is_empty() => {}
            Err(problem) => failures.push(format!("round {round}: {problem}\n--- before\n{text}")),
        }
    }
    assert!(done * 2 > count, "only {done} of {count} edits were possible");
    let shown: Vec<_> = failures.iter().take(5).cloned().collect();
    assert!(failures.is_empty(), "{} of {count} went wrong\n{}", failures.len(), shown.join("\n"));
}

/// One edit; an empty problem is a refusal that is in order.
fn attempt(random: &mut Random, text: &str, tree: &Tree<'_>) -> Result<(), String> {
    let all = paths(tree);
    let (path, id) = &all[random.below(all.len())];
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let node = tree.node(*id);
    let several = tree.children(*id).nth(if node.kind == Kind::Mapping { 2 } else { 1 }).is_some();
    let children = tree.children(*id).count();
    let new = value(random, 2);
    let mut edit = Edit::new("f.yaml", text.as_bytes()).unwrap();
    let (operation, outcome) = match (node.kind, random.below(6)) {
        (Kind::Mapping, 0..=2) => {
            let at = [At::End, At::Sorted][random.below(2)];
            let name = random.pick(&["a0", "m", "zz", "yes", "x: y"]);
            ("insert", edit.insert_key(&path, name, &new, at))
        }
        (Kind::Mapping, 3) if children > 0 => {
            let pairs: Vec<_> = tree.pairs(*id).collect();
            let key = tree.node(pairs[random.below(pairs.len())].0).text.to_string();
            let whole: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
            ("remove", edit.remove_key(&whole))
        }
        (Kind::Mapping, 4) if children > 0 => {
            let key = tree.node(tree.pairs(*id).next().unwrap().0).text.to_string();
            let whole: Vec<&str> = path.iter().copied().chain([key.as_str()]).collect();
            ("rename", edit.rename_key(&whole, random.pick(&["zzz", "12", "a b"])))
        }
        (Kind::Sequence, 0..=2) => ("insert", edit.append_item(&path, &new)),
        (Kind::Sequence, 3) if children > 0 => ("remove", edit.remove_item(&path, random.below(children))),
        _ => ("set", edit.set(&path, &new)),
    };
    let about = || format!("{operation} at {path:?}, {new:?}");
    if let Err(error) = outcome {
        let unsure = error.message().contains("more than it should");
        return Err(if unsure { format!("{}: {error}", about()) } else { String::new() });
    }
    let after = edit.text();
    let again = Tree::parse(after.as_bytes()).unwrap();
    let (front, back) = common(text, after);
    let kept = match operation {
        "insert" if children > 0 => front + back >= text.len(),
        "remove" if several => front + back >= after.len(),
        "set"
            if node.kind == Kind::Scalar
                && !matches!(node.style, Style::Literal | Style::Folded)
                && node.start < node.end =>
        {
            let line_end =
                text[node.end as usize..].find(['\r', '\n']).map_or(text.len(), |at| at + node.end as usize);
            let line_start = text[..node.start as usize].trim_end_matches(' ').len();
            front >= line_start.min(node.start as usize) && back >= text.len() - line_end
        }
        _ => true,
    };
    if !kept {
        return Err(format!("{}: other bytes changed\n--- after\n{after}", about()));
    }
    if text.contains("\r\n") && after.replace("\r\n", "").contains('\n') {
        return Err(format!("{}: a lone line feed\n--- after\n{after}", about()));
    }
    if !text.ends_with('\n')
        && after.ends_with('\n')
        && operation != "set"
        && !matches!(node.style, Style::Literal | Style::Folded)
    {
        return Err(format!("{}: a final newline came\n--- after\n{after}", about()));
    }
    // the comments around a value that is not there go to whoever comes next, and go-yaml drops some behind CRLF;
    // their bytes are held above
    let absent = all.iter().any(|(_, id)| tree.node(*id).start == tree.node(*id).end);
    let sure = !absent && !text.contains('\r');
    if operation == "insert" && children > 0 && sure && comment_lines(tree) != comment_lines(&again) {
        return Err(format!("{}: comments changed\n--- after\n{after}", about()));
    }
    Ok(())
}
