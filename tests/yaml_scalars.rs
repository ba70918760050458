//! Single values against go-yaml v3.0.4 itself: what a text means, how it is quoted in every place, how floats
//! are printed.
//!
//! tests/oracle/yamlscalars is built with `go` and fed over a pipe. Without go the reason is printed and the
//! test ends; with `CI=true` that is a failure. `UVARS_TEST_SCALARS` and `UVARS_TEST_SEED` ask for more.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

mod peers;

use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use uvars::yaml::{
    Kind, Node, NodeId, Scalar, Style, Tree, emit, float_f, float_g, represent, resolve_plain,
};

/// What texts are made of: everything that some rule looks at.
const PIECES: &[&str] = &[
    "a",
    "b",
    "word",
    " ",
    "  ",
    "\n",
    "\n\n",
    "\t",
    ":",
    ": ",
    "#",
    " #",
    "-",
    "- ",
    "?",
    "? ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "&",
    "*",
    "!",
    "|",
    ">",
    "'",
    "\"",
    "%",
    "@",
    "`",
    "---",
    "...",
    "~",
    "null",
    "true",
    "yes",
    "No",
    "off",
    "y",
    "n",
    "<<",
    "=",
    ".",
    "..",
    ".inf",
    ".nan",
    "+",
    "0",
    "1",
    "7",
    "8",
    "12",
    "60",
    "0x",
    "0o",
    "0b",
    "_",
    "e",
    "E",
    "e5",
    "2024",
    "2024-01-02",
    "T",
    "t",
    "10:20:30",
    "Z",
    "+02:00",
    ".5",
    "\u{7}",
    "\u{1B}",
    "\u{7F}",
    "\u{85}",
    "\u{A0}",
    "é",
    "漢",
    "\u{2028}",
    "\u{2029}",
    "\u{FEFF}",
    "\u{FFFD}",
    "\u{1F600}",
    "\\",
    "\r",
    "\r\n",
    "\u{200B}",
];

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64*
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, count: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap() % count
    }

    fn text(&mut self) -> String {
        match self.below(20) {
            0 => format!("{:016x}", self.next()),
            // where two shortest forms are often equally near
            1 => format!("{:016x}", (0x42F + (self.next() % 16)) << 52 | self.next() >> 12),
            2 => self.date(),
            _ => (0..=self.below(6)).map(|_| PIECES[self.below(PIECES.len())]).collect(),
        }
    }

    /// A time, or something close to one.
    fn date(&mut self) -> String {
        let mut number = |most: usize| self.below(most).to_string();
        let mut text =
            format!("{}-{}-{}", 1890 + number(200).parse::<u32>().unwrap(), number(14), number(33));
        text += ["", "T", "t", " ", "  ", "x"][number(6).parse::<usize>().unwrap()];
        text += &[number(26), number(62), number(62)].join(":");
        text += ["", ".5", ",25", ".123456789123", "."][number(5).parse::<usize>().unwrap()];
        text += ["", "Z", "+02:00", "-24:60", "+25:00", " +02:00", "z"][number(7).parse::<usize>().unwrap()];
        text
    }
}

#[test]
fn scalars_are_those_of_go_yaml() {
    let Some(program) = oracle() else { return };
    let number = |name: &str, default: u64| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let mut random = Random(number("UVARS_TEST_SEED", 1) | 1);
    let mut texts: Vec<String> = PIECES.iter().map(|piece| (*piece).to_owned()).collect();
    texts.push(String::new());
    texts.push("k".repeat(128));
    texts.push("k".repeat(129));
    texts.extend((0..number("UVARS_TEST_SCALARS", 5000)).map(|_| random.text()));

    let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = BufWriter::new(child.stdin.take().unwrap());
    let output = BufReader::new(child.stdout.take().unwrap());
    let mut wrong = Vec::new();
    std::thread::scope(|scope| {
        let texts = &texts;
        scope.spawn(move || {
            for text in texts {
                writeln!(input, "{}", Value::from(text.as_str())).unwrap();
            }
        });
        for (text, line) in texts.iter().zip(output.lines()) {
            let theirs: Vec<String> = serde_json::from_str(&line.unwrap()).unwrap();
            let mut ours = vec![document(text), meaning(text)];
            if let Some(float) = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16) {
                ours.extend([float_f(f64::from_bits(float)), float_g(f64::from_bits(float))]);
            }
            if ours != theirs {
                wrong.push(format!("{text:?}\n  ours   {ours:?}\n  theirs {theirs:?}"));
            }
        }
    });
    assert!(child.wait().unwrap().success());
    let shown: Vec<_> = wrong.iter().take(10).cloned().collect();
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), texts.len(), shown.join("\n"));
}

/// The text in every place, as tests/oracle/yamlscalars/main.go puts it.
fn document(text: &str) -> String {
    fn collection(tree: &mut Tree<'_>, kind: Kind, style: Style, children: &[NodeId]) -> NodeId {
        let id = tree.push(Node::new(kind, style, ""));
        for child in children {
            tree.append(id, *child);
        }
        id
    }
    let mut tree = Tree::new();
    let document = tree.push_document();
    let [k, l, f, x] = ["k", "l", "f", "x"].map(|key| tree.push(Node::new(Kind::Scalar, Style::Plain, key)));
    let scalar = Scalar::Str(text.into());
    let nodes: Vec<_> = (0..8).map(|_| represent(&mut tree, &scalar)).collect();
    let inner = collection(&mut tree, Kind::Mapping, Style::Plain, &[nodes[0], nodes[1]]);
    let list = collection(&mut tree, Kind::Sequence, Style::Plain, &[nodes[2], inner]);
    let inner = collection(&mut tree, Kind::Mapping, Style::Plain, &[nodes[3], nodes[4]]);
    let flow = collection(&mut tree, Kind::Sequence, Style::Flow, &[nodes[5], inner]);
    let root =
        collection(&mut tree, Kind::Mapping, Style::Plain, &[k, nodes[6], l, list, f, flow, nodes[7], x]);
    tree.append(document, root);
    String::from_utf8(emit(&tree, 4).unwrap()).unwrap()
}

fn meaning(text: &str) -> String {
    match resolve_plain(text) {
        Scalar::Null => "null".to_owned(),
        Scalar::Bool(value) => format!("bool {value}"),
        Scalar::Int(value) => format!("int {value}"),
        Scalar::Uint(value) => format!("uint64 {value}"),
        Scalar::Float(value) if value.is_nan() => "float nan".to_owned(),
        Scalar::Float(value) => format!("float {:016x}", value.to_bits()),
        Scalar::Time(value) => format!("time {value}"),
        Scalar::Str(value) => format!("string {value}"),
        Scalar::Binary(_) | Scalar::Merge => panic!("{text:?} is neither"),
    }
}

fn oracle() -> Option<std::path::PathBuf> {
    let go = peers::find("go")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = root.join("target/oracle/yamlscalars");
    let done = Command::new(go)
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "-mod=mod")
        .current_dir(root.join("tests/oracle/yamlscalars"))
        .args(["build", "-trimpath", "-o"])
        .arg(&program)
        .arg(".")
        .output()
        .unwrap();
    assert!(done.status.success(), "go build: {}", String::from_utf8_lossy(&done.stderr));
    Some(program)
}
