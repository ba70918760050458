//! The matrix: every file of `inputs/` under every rule of `rules/` for the readers of `recipients/`, here and in sops
//! 3.13.3 and 3.11.0, both ways.
//!
//! A new file in one of the folders is a new row. Inputs are plain files; rules and recipients are pieces of a creation
//! rule of `.sops.yaml`. What differs must be named in a table of docs/formats.md or docs/yaml.md, in its last column,
//! and what is named there must differ.
//!
//! The whole product is twenty thousand cells of six runs of sops each, hours of them. One run of `.ci/deep` takes a slice
//! ([`slice`]): every input under every rule, in which each is for the next readers in turn, so that every input meets every
//! readers too, and every format every rule for every readers; always with both releases and both ways. The seed says with
//! which readers the turn begins: as many seeds in a row as there are readers make the whole product. It is the day, or
//! `UVARS_TEST_SEED`, and stands in what is printed.

use crate::gnupg::GnuPg;
use crate::peers;
use crate::room::{Room, SOPS, mask, now, shown, vectors};
use crate::table;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use uvars::keys::{IdentitySources, Keyring, Programs};
use uvars::keyservice::{Gpg, KeyServices, Local};
use uvars::rules::SopsConfig;
use uvars::sops::{Encrypted, Format, KeyGroups, Plain};

/// How a row begins that is only for a sops whose age has hybrid keys.
const HYBRID: &str = "# wants: hybrid keys\n";

/// The readers that most rows are for.
const USUAL: &str = "x25519";

/// The rules under which 3.11.0 is asked too, but for a slice: it selects as 3.13.3 does, and the sweep takes a while.
const OLD: [&str; 3] = ["usual", "mac-only-encrypted-regex", "unencrypted-regex-all"];

/// One combination.
struct Cell<'a> {
    input: &'a Input,
    rule: &'a Piece,
    readers: &'a Piece,
    /// Whether 3.11.0 is asked too.
    old: bool,
}

/// The numbers of an input, a rule and readers, and whether 3.11.0 is asked too.
type Numbers = BTreeMap<(usize, usize, usize), bool>;

/// A plain file.
pub struct Input {
    pub name: String,
    pub source: Vec<u8>,
    pub format: Format,
}

/// A piece of a creation rule.
struct Piece {
    name: String,
    text: String,
    /// Whether it is only for a sops that reads hybrid keys, as its first line says.
    wants_hybrid: bool,
}

/// How something can differ.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// We refuse what sops encrypts.
    Refused,
    /// We encrypt what sops refuses or cannot decrypt again.
    Taken,
    /// The encrypted files are not alike.
    Layout,
    /// What each prints of its own file differs.
    Printed,
    /// What both print of the file that sops wrote differs.
    Theirs,
    /// What both print of the file that we wrote differs.
    Ours,
    /// The same two with 3.11.
    Theirs311,
    Ours311,
    /// What both print in another format of the file that sops wrote differs.
    AsYaml,
    AsJson,
    AsDotenv,
    AsIni,
    AsBinary,
}

impl Kind {
    pub const CONVERSIONS: [Self; 5] =
        [Self::AsYaml, Self::AsJson, Self::AsDotenv, Self::AsIni, Self::AsBinary];

    pub const ALL: [(Self, &str); 13] = [
        (Self::Refused, "refused"),
        (Self::Taken, "taken"),
        (Self::Layout, "layout"),
        (Self::Printed, "printed"),
        (Self::Theirs, "theirs"),
        (Self::Ours, "ours"),
        (Self::Theirs311, "theirs-3.11"),
        (Self::Ours311, "ours-3.11"),
        (Self::AsYaml, "as-yaml"),
        (Self::AsJson, "as-json"),
        (Self::AsDotenv, "as-dotenv"),
        (Self::AsIni, "as-ini"),
        (Self::AsBinary, "as-binary"),
    ];
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = Self::ALL.iter().find(|(kind, _)| kind == self).map(|(_, name)| *name);
        out.write_str(name.unwrap_or_default())
    }
}

/// The files of a folder beside this one.
fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sops_interop").join(name)
}

/// The inputs, with the format that their name says; those of the vectors too.
pub fn inputs() -> Vec<Input> {
    let folders = [folder("inputs"), vectors().join("inputs")];
    let mut found: BTreeMap<String, Input> = BTreeMap::new();
    for path in folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()) {
        let path = path.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let input = Input {
            name: name.clone(),
            source: std::fs::read(&path).unwrap(),
            format: Format::of_path(&path),
        };
        found.entry(name).or_insert(input);
    }
    found.into_values().collect()
}

fn pieces(name: &str) -> Vec<Piece> {
    let mut found: Vec<Piece> = std::fs::read_dir(folder(name))
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            Piece { wants_hybrid: text.starts_with(HYBRID), name, text }
        })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(found.len() > 4, "{name}");
    found
}

/// All that is run: every input under the usual rule, under the one that leaves all in clear, and under a third of the
/// others in turn; those with comments, and those that the tables name, under every rule; an input of every format for
/// all readers. With `UVARS_DEEP=1` a slice of the whole product besides.
fn cells<'a>(inputs: &'a [Input], rules: &'a [Piece], readers: &'a [Piece]) -> Vec<Cell<'a>> {
    let mut cells = usual(inputs, rules, readers);
    if is_deep() {
        for (numbers, old) in slice(inputs, rules, readers, seed()) {
            *cells.entry(numbers).or_default() |= old;
        }
    }
    let cell = |((input, rule, reader), old): ((usize, usize, usize), bool)| Cell {
        input: &inputs[input],
        rule: &rules[rule],
        readers: &readers[reader],
        old,
    };
    cells.into_iter().map(cell).collect()
}

fn usual(inputs: &[Input], rules: &[Piece], readers: &[Piece]) -> Numbers {
    let named: BTreeSet<String> = table::differences().into_iter().map(|(name, _)| name).collect();
    let mut cells = Numbers::new();
    for (row, input) in inputs.iter().enumerate() {
        let typical = table::TYPICAL.contains(&input.name.as_str());
        let all = typical || named.contains(&input.name) || input.name.starts_with("comments");
        for (column, rule) in rules.iter().enumerate() {
            // no rule means anything for a file of bytes
            let turn = (row + column) % 3 == 0 && input.format != Format::Binary;
            let first = ["usual", "unencrypted-regex-all"].contains(&rule.name.as_str());
            for (number, readers) in readers.iter().enumerate() {
                let usual = readers.name == USUAL && (all || turn || first);
                if usual || typical && rule.name == "usual" {
                    cells.insert((row, column, number), OLD.contains(&rule.name.as_str()));
                }
            }
        }
    }
    cells
}

/// Every input under every rule, each for the next readers, with both releases. Where 3.11.0 cannot read what is for these
/// readers, it is asked for the usual ones.
fn slice(inputs: &[Input], rules: &[Piece], readers: &[Piece], seed: usize) -> Numbers {
    let usual = readers.iter().position(|readers| readers.name == USUAL).unwrap();
    let (mut cells, mut rows) = (Numbers::new(), BTreeMap::<&str, usize>::new());
    for (number, input) in inputs.iter().enumerate() {
        // counted by format, so that every format has every turn
        let row = rows.entry(input.format.name()).or_default();
        for column in 0..rules.len() {
            let reader = (seed + *row + column) % readers.len();
            cells.insert((number, column, reader), true);
            if readers[reader].wants_hybrid {
                cells.insert((number, column, usual), true);
            }
        }
        *row += 1;
    }
    cells
}

fn is_deep() -> bool {
    std::env::var_os("UVARS_DEEP").is_some_and(|value| value == "1")
}

/// With which readers the turn begins.
fn seed() -> usize {
    let day = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() / (24 * 60 * 60);
    let given = std::env::var("UVARS_TEST_SEED").ok().map(|text| text.parse().expect("a number"));
    usize::try_from(given.unwrap_or_else(day)).unwrap()
}

#[test]
fn a_slice_has_every_pair_and_all_slices_have_everything() {
    let (inputs, rules, readers) = (inputs(), pieces("rules"), pieces("recipients"));
    let mut whole = BTreeSet::new();
    for seed in 20_000..20_000 + readers.len() {
        let cells = slice(&inputs, &rules, &readers, seed);
        let has = |pair: &dyn Fn(usize, usize, usize) -> (usize, usize)| -> usize {
            cells
                .keys()
                .map(|(input, rule, reader)| pair(*input, *rule, *reader))
                .collect::<BTreeSet<_>>()
                .len()
        };
        assert_eq!(has(&|input, rule, _| (input, rule)), inputs.len() * rules.len());
        assert_eq!(has(&|input, _, reader| (input, reader)), inputs.len() * readers.len());
        assert_eq!(has(&|_, rule, reader| (rule, reader)), rules.len() * readers.len());
        let by_format: BTreeSet<_> =
            cells.keys().map(|(input, rule, reader)| (inputs[*input].format.name(), rule, reader)).collect();
        assert_eq!(by_format.len(), Format::ALL.len() * rules.len() * readers.len());
        let with_old: BTreeSet<_> = cells
            .iter()
            .filter(|((.., reader), old)| **old && !readers[*reader].wants_hybrid)
            .map(|((input, rule, _), _)| (input, rule))
            .collect();
        assert_eq!(with_old.len(), inputs.len() * rules.len());
        whole.extend(cells.into_keys());
    }
    assert_eq!(whole.len(), inputs.len() * rules.len() * readers.len());
}

#[test]
fn every_difference_is_in_the_tables() {
    if Room::new("sops").is_none() {
        return;
    }
    let (inputs, rules, mut readers) = (inputs(), pieces("rules"), pieces("recipients"));
    if peers::find("gpg").is_none() {
        readers.retain(|readers| !readers.text.contains("pgp:"));
    }
    let cells = cells(&inputs, &rules, &readers);
    let mut found = in_parallel(&cells, |bench, cell| {
        let differences = bench.compare(cell);
        differences
            .into_iter()
            .map(|(kind, text)| (cell.input.name.clone(), kind, cell.to_string(), text))
            .collect()
    });
    let slice = if is_deep() { format!(", with UVARS_TEST_SEED={}", seed()) } else { String::new() };
    let count = format!(
        "{} cells of {} inputs, {} rules, {} readers{slice}",
        cells.len(),
        inputs.len(),
        rules.len(),
        readers.len()
    );
    println!("{count}");
    found.sort();
    let seen: BTreeSet<_> = found.iter().map(|(name, kind, ..)| (name.clone(), *kind)).collect();
    let own: Vec<Kind> =
        Kind::ALL.iter().map(|(kind, _)| *kind).filter(|kind| !Kind::CONVERSIONS.contains(kind)).collect();
    let (news, old) = table::compare(&seen, &own);
    let texts: Vec<String> = found
        .iter()
        .filter(|(name, kind, ..)| news.contains(&format!("`{name}` {kind}")))
        .map(|(_, kind, cell, text)| format!("== {cell}: {kind}\n{text}"))
        .collect();
    assert!(news.is_empty(), "{count}: no table names {news:?}\n{}", texts.join("\n"));
    if SOPS.iter().all(|sops| Room::new(sops).is_some()) {
        assert!(old.is_empty(), "the tables name differences that there are not: {old:?}");
    }
}

/// Does something with each of many, with as many sops at a time as there are processors.
pub fn in_parallel<T: Sync, R: Send>(all: &[T], work: impl Fn(&Bench, &T) -> Vec<R> + Sync) -> Vec<R> {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let workers = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                let bench = Bench::new();
                while let Some(one) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let made = work(&bench, one);
                    found.lock().unwrap().extend(made);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

impl fmt::Display for Cell<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{} under {} for {}", self.input.name, self.rule.name, self.readers.name)
    }
}

impl Cell<'_> {
    /// The `.sops.yaml` of this combination.
    fn config(&self) -> String {
        let mut text = "creation_rules:\n  - path_regex: ''\n".to_owned();
        let lines = self.rule.text.lines().chain(self.readers.text.lines());
        for line in lines.filter(|line| *line != "{}" && !line.starts_with('#')) {
            text.push_str("    ");
            text.push_str(line);
            text.push('\n');
        }
        text
    }
}

/// What came of a file: it, and what is printed for it.
struct Made {
    file: Result<Vec<u8>, String>,
    printed: Result<Vec<u8>, String>,
}

/// Where one worker compares.
pub struct Bench {
    pub rooms: Vec<Room>,
    pub services: KeyServices,
    /// Where the services' gpg has its key.
    _gpg: Option<GnuPg>,
}

impl Bench {
    fn new() -> Self {
        let names = ["a.age", "b.age", "c.age", "pq.age", "ssh_ed25519", "ssh_rsa"];
        let files = names.map(|name| vectors().join("keys").join(name)).to_vec();
        let keyring = Keyring::new(IdentitySources { files, ..IdentitySources::default() });
        let gpg = GnuPg::with_key();
        let programs = Programs {
            environment: gpg.as_ref().map(GnuPg::environment).unwrap_or_default(),
            ..Programs::default()
        };
        let local = Local::new(keyring, Gpg { program: None, programs: programs.clone() }, programs);
        let room = |sops: &&'static str| Room::new(sops).map(|room| room.for_all_readers(gpg.as_ref()));
        let rooms = SOPS.iter().filter_map(room).collect();
        Self { rooms, services: KeyServices::local(local), _gpg: gpg }
    }

    fn compare(&self, cell: &Cell<'_>) -> Vec<(Kind, String)> {
        let config = cell.config();
        let ours = self.ours(cell, &config);
        let mut found = Vec::new();
        for room in &self.rooms {
            if room.sops != "sops" && !cell.old {
                continue;
            }
            if cell.readers.wants_hybrid && !room.reads_hybrid() {
                continue;
            }
            room.write(".sops.yaml", config.as_bytes());
            let theirs = theirs(room, cell);
            let old = room.sops != "sops";
            if let (Ok(file), Ok(printed)) = (&theirs.file, &theirs.printed) {
                let read = self.print(file, cell.input.format);
                if read.as_ref() != Ok(printed) {
                    found.push((
                        if old { Kind::Theirs311 } else { Kind::Theirs },
                        both(&read, &theirs.printed),
                    ));
                }
            }
            if let Ok(file) = &ours.file {
                let read = printed(room, file, cell.input.format);
                if read.is_err() || read != ours.printed {
                    found.push((if old { Kind::Ours311 } else { Kind::Ours }, both(&ours.printed, &read)));
                }
            }
            if !old {
                found.extend(against(&ours, &theirs));
            }
        }
        found
    }

    /// What we make of it.
    fn ours(&self, cell: &Cell<'_>, config: &str) -> Made {
        let file = self.seal(cell.input, config).map_err(|error| error.to_string());
        let printed = file.clone().and_then(|file| self.print(&file, cell.input.format));
        Made { file, printed }
    }

    fn seal(&self, input: &Input, config: &str) -> uvars::Result<Vec<u8>> {
        let config = SopsConfig::parse(Path::new(".sops.yaml"), config.as_bytes())?;
        let rule = &config.rules()[0];
        let readers = KeyGroups::new(rule.key_groups()?, rule.shamir_threshold.unwrap_or_default().into())?;
        let plain = Plain::parse(&input.source, input.format)?;
        Encrypted::create_for(&plain, &readers, &rule.encryption()?, now(), input.format, &self.services)?
            .emit()
    }

    fn print(&self, file: &[u8], format: Format) -> Result<Vec<u8>, String> {
        let print = || {
            let file = Encrypted::parse(file, format)?;
            file.decrypt(&file.unlock(&self.services)?)?.emit(format)
        };
        print()
            .map(|text: uvars::secret::Secret| text.expose().to_vec())
            .map_err(|error: uvars::Error| error.to_string())
    }
}

fn theirs(room: &Room, cell: &Cell<'_>) -> Made {
    room.write("plain", &cell.input.source);
    let name = cell.input.format.name();
    let file = result(&room.run(&["encrypt", "--input-type", name, "--output-type", name, "plain"]));
    let printed = file.clone().and_then(|file| printed(room, &file, cell.input.format));
    Made { file, printed }
}

fn printed(room: &Room, file: &[u8], format: Format) -> Result<Vec<u8>, String> {
    result(&room.decrypt_as(file, format, format))
}

fn result(output: &std::process::Output) -> Result<Vec<u8>, String> {
    if output.status.success() {
        return Ok(output.stdout.clone());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// How what we made differs from what sops made of the same.
fn against(ours: &Made, theirs: &Made) -> Option<(Kind, String)> {
    match (&ours.file, &theirs.file) {
        (Err(_), Err(_)) => None,
        (Err(_), Ok(_)) => Some((Kind::Refused, both(&ours.file, &theirs.printed))),
        (Ok(_), Err(_)) => Some((Kind::Taken, both(&ours.printed, &theirs.printed))),
        (Ok(_), Ok(_)) if theirs.printed.is_err() => {
            Some((Kind::Taken, both(&ours.printed, &theirs.printed)))
        }
        (Ok(ours), Ok(theirs)) if mask(ours) != mask(theirs) => {
            Some((Kind::Layout, unlike(&mask(ours), &mask(theirs))))
        }
        _ if ours.printed != theirs.printed => Some((Kind::Printed, both(&ours.printed, &theirs.printed))),
        _ => None,
    }
}

/// What one has and the other has not.
fn both(ours: &Result<Vec<u8>, String>, theirs: &Result<Vec<u8>, String>) -> String {
    let text = |made: &Result<Vec<u8>, String>| match made {
        Ok(bytes) => shown(bytes),
        Err(error) => format!("refused: {error}\n"),
    };
    unlike(&text(ours), &text(theirs))
}

fn unlike(ours: &str, theirs: &str) -> String {
    let diff = similar::TextDiff::from_lines(ours, theirs);
    let text = diff.unified_diff().context_radius(1).header("uvars", "sops").to_string();
    text.chars().take(4000).collect()
}
