//! The ledger, `keys/ledger.yaml`: keys that are on their way out, and keys that must never come back.
//!
//! It says why a key that once was in `keys/` is not there any more, so that a merge which brings it back is
//! noticed. It grants nothing: who reads a file is decided by the key files alone.

use super::principal::Principal;
use super::private;
use super::recipient::Recipient;
use crate::error::{Error, Result};
use crate::fs::{RepoPath, Root};
use crate::yaml::edit::{At, Edit, Value};
use crate::yaml::{Scalar, Timestamp, Tree, View, refusal};
use std::collections::HashMap;

/// Where it lies in a fleet repository.
pub const LEDGER_PATH: &str = "keys/ledger.yaml";

/// What a new ledger begins with.
const HEADER: &str =
    "# Keys on their way out, and keys that must never come back. uvars writes this file.\nkeys:\n";

/// The fields in the order they are written in.
const FIELDS: [&str; 6] = ["recipient", "whose", "state", "until", "since", "why"];

/// What is known of keys beside the key files.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    entries: Vec<LedgerEntry>,
    /// The place of each key in the list, by [`Recipient::key_id`].
    places: HashMap<String, usize>,
}

/// One key and what became of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LedgerEntry {
    /// The key.
    pub recipient: Recipient,
    /// Whose it is or was.
    pub whose: Principal,
    /// What became of it.
    pub state: KeyState,
    /// Why, in the words of who did it.
    pub why: Option<String>,
    /// The line of the entry, counted from 1; 0 for one that is not in a file yet.
    pub line: u32,
}

/// What became of a key.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum KeyState {
    /// It is to be replaced by then.
    Retiring {
        /// The last moment.
        until: Timestamp,
    },
    /// It is no longer trusted since then.
    Revoked {
        /// The first moment.
        since: Timestamp,
    },
}

impl Ledger {
    /// Reads the ledger of a fleet repository; an empty one where there is no such file.
    pub fn read(root: &Root) -> Result<Self> {
        match root.read(&RepoPath::new(LEDGER_PATH)?)? {
            Some(bytes) => Self::parse(&bytes),
            None => Ok(Self::default()),
        }
    }

    /// Reads the file's bytes: a map with the list `keys`.
    ///
    /// # Errors
    ///
    /// Unknown or missing fields, a time that does not belong to the state, a key that is not one, the same key
    /// twice; with file, line, column and key path.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let tree = Tree::parse(bytes).map_err(|error| refusal(error, bytes).at(LEDGER_PATH))?;
        let Some(document) = tree.documents().first() else { return Ok(Self::default()) };
        let root = match tree.documents() {
            [_] => View::new(&tree, tree.root(*document).unwrap_or(*document), LEDGER_PATH),
            _ => View::document(&tree, LEDGER_PATH)?,
        };
        let mut ledger = Self::default();
        for item in root.map(&["keys"])?.maybe("keys", View::list)?.unwrap_or_default() {
            let entry = entry(&item)?;
            if let Some(before) = ledger.find(&entry.recipient) {
                return Err(item.error(format!("this is the key of line {} again", before.line)));
            }
            ledger.places.insert(entry.recipient.key_id(), ledger.entries.len());
            ledger.entries.push(entry);
        }
        let text = String::from_utf8_lossy(bytes);
        match private::line_of_private(text.lines()) {
            Some(line) => Err(private::in_clear("this line").at(LEDGER_PATH).position(line, 1)),
            None => Ok(ledger),
        }
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> &[LedgerEntry] {
        &self.entries
    }

    /// What became of a key, as itself or as ssh-to-age converts it.
    pub fn find(&self, recipient: &Recipient) -> Option<&LedgerEntry> {
        self.entries.get(*self.places.get(&recipient.key_id())?)
    }

    /// The bytes of the file with an entry for a key: at the end, or in place of the one that the key has, whose
    /// comments stay. `before` is the file as it is; nothing where there is none.
    ///
    /// # Errors
    ///
    /// The file is no ledger, or the entry says why with a private key.
    pub fn record(before: Option<&[u8]>, entry: &LedgerEntry) -> Result<Vec<u8>> {
        private::refuse_in_clear(entry.why.as_deref().unwrap_or_default(), "what is said of why")?;
        let bytes = before.unwrap_or(HEADER.as_bytes());
        let ledger = Self::parse(bytes)?;
        let mut edit = Edit::new(LEDGER_PATH, bytes)?;
        if let Some(place) = ledger.places.get(&entry.recipient.key_id()) {
            let place = place.to_string();
            let path = ["keys", place.as_str()];
            for field in FIELDS {
                match entry.field(field) {
                    Some(value) => edit.put(&path, field, &value, At::End)?,
                    None if edit.contains(&["keys", &place, field]) => {
                        edit.remove_key(&["keys", &place, field])?;
                    }
                    None => {}
                }
            }
        } else {
            let fields = FIELDS.iter().filter_map(|field| Some((*field, entry.field(field)?)));
            let item = Value::map(fields);
            if ledger.entries.is_empty() {
                edit.put(&[], "keys", &Value::list([item]), At::End)?;
            } else {
                edit.append_item(&["keys"], &item)?;
            }
        }
        Ok(edit.into_bytes())
    }

    /// The bytes of the file without the entry of a key; nothing where it has none.
    pub fn forget(before: &[u8], recipient: &Recipient) -> Result<Option<Vec<u8>>> {
        let ledger = Self::parse(before)?;
        let Some(place) = ledger.places.get(&recipient.key_id()) else { return Ok(None) };
        let mut edit = Edit::new(LEDGER_PATH, before)?;
        edit.remove_item(&["keys"], *place)?;
        Ok(Some(edit.into_bytes()))
    }

    /// Whether a key is no longer trusted.
    pub fn is_revoked(&self, recipient: &Recipient) -> bool {
        self.find(recipient).is_some_and(LedgerEntry::is_revoked)
    }
}

impl LedgerEntry {
    /// Whether the key must never be used again.
    pub fn is_revoked(&self) -> bool {
        matches!(self.state, KeyState::Revoked { .. })
    }

    /// A field as it is written; nothing where the entry has none.
    fn field(&self, name: &str) -> Option<Value> {
        match (name, self.state) {
            ("recipient", _) => Some(self.recipient.as_str().into()),
            ("whose", _) => Some(self.whose.to_string().into()),
            ("state", KeyState::Retiring { .. }) => Some("retiring".into()),
            ("state", KeyState::Revoked { .. }) => Some("revoked".into()),
            ("until", KeyState::Retiring { until: time }) | ("since", KeyState::Revoked { since: time }) => {
                Some(Value::Scalar(Scalar::Time(time)))
            }
            ("why", _) => self.why.as_deref().map(Value::from),
            _ => None,
        }
    }
}

fn entry(item: &View<'_>) -> Result<LedgerEntry> {
    let fields = item.map(&FIELDS)?;
    let placed = |view: &View<'_>, error: Error| {
        error.hints().iter().fold(view.error(error.message()), |placed, hint| placed.hint(hint.as_str()))
    };
    let recipient = fields.need("recipient")?;
    let recipient = Recipient::parse(recipient.str()?).map_err(|error| placed(&recipient, error))?;
    let whose = fields.need("whose")?;
    let whose = whose.str()?.parse().map_err(|error| placed(&whose, error))?;
    let revoked = fields.need("state")?.one_of(&[("retiring", false), ("revoked", true)])?;
    let (time, other) = if revoked { ("since", "until") } else { ("until", "since") };
    if let Some(other) = fields.get(other) {
        return Err(other.error(format!("a key in this state has `{time}`")));
    }
    let moment = fields.need(time)?.time()?;
    let state =
        if revoked { KeyState::Revoked { since: moment } } else { KeyState::Retiring { until: moment } };
    let why = fields.maybe("why", |view| {
        let text = view.str()?;
        if private::holds_private(text) { Err(placed(view, private::in_clear("this"))) } else { Ok(text) }
    })?;
    let why = why.map(str::to_owned);
    Ok(LedgerEntry { recipient, whose, state, why, line: item.line() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const B: &str = "age1lzd99uklcjnc0e7d860axevet2cz99ce9pq6tzuzd05l5nr28ams36nvun";

    fn text() -> String {
        format!(
            "# gone\nkeys:\n  - recipient: {A}\n    whose: users/jon\n    state: retiring\n    until: 2027-01-01T00:00:00Z\n\
             \x20   why: new laptop # in spring\n  - recipient: {B}\n    whose: hosts/cinnabar\n    state: revoked\n\
             \x20   since: \"2026-11-01T10:00:00+01:00\"\n"
        )
    }

    #[test]
    fn entries_are_read() {
        let ledger = Ledger::parse(text().as_bytes()).unwrap();
        let [retiring, revoked] = ledger.entries() else { panic!("{ledger:?}") };
        assert_eq!(retiring.why.as_deref(), Some("new laptop"));
        assert_eq!((retiring.line, revoked.line), (3, 8));
        assert!(matches!(retiring.state, KeyState::Retiring { until } if until.year == 2027));
        assert_eq!(revoked.whose.to_string(), "hosts/cinnabar");
        assert!(ledger.is_revoked(&Recipient::parse(B).unwrap()));
        assert!(!ledger.is_revoked(&Recipient::parse(A).unwrap()));
        for empty in ["", "# nothing\n", "keys:\n", "keys: []\n"] {
            assert!(Ledger::parse(empty.as_bytes()).unwrap().entries.is_empty(), "{empty}");
        }
    }

    fn gone(recipient: &str, why: Option<&str>) -> LedgerEntry {
        LedgerEntry {
            recipient: Recipient::parse(recipient).unwrap(),
            whose: "users/jon".parse().unwrap(),
            state: KeyState::Revoked { since: Timestamp::from_unix(1_800_000_000) },
            why: why.map(str::to_owned),
            line: 0,
        }
    }

    #[test]
    fn a_key_is_recorded_and_everything_else_stays() {
        let entry = gone(A, Some("lost: the laptop"));
        let first = Ledger::record(None, &entry).unwrap();
        let written = format!(
            "{HEADER}  - recipient: {A}\n    whose: users/jon\n    state: revoked\n    since: 2027-01-15T08:00:00Z\n    \
             why: 'lost: the laptop'\n"
        );
        assert_eq!(String::from_utf8(first.clone()).unwrap(), written);
        assert_eq!(Ledger::parse(&first).unwrap().entries(), [LedgerEntry { line: 3, ..entry.clone() }]);

        // in place of the entry that is there, with its comment
        let again = Ledger::record(Some(text().as_bytes()), &entry).unwrap();
        let again = String::from_utf8(again).unwrap();
        assert!(again.starts_with("# gone\nkeys:\n") && again.contains("# in spring"), "{again}");
        assert_eq!(Ledger::parse(again.as_bytes()).unwrap().entries().len(), 2);
        assert!(!again.contains("retiring") && !again.contains("until"), "{again}");
        let without = Ledger::record(Some(again.as_bytes()), &gone(A, None)).unwrap();
        assert!(!String::from_utf8(without).unwrap().contains("why"));

        let secret = format!("was AGE-SECRET-KEY-1{}", "Q".repeat(58));
        let error = Ledger::record(None, &gone(A, Some(&secret))).unwrap_err();
        assert!(!format!("{error:?}").contains("QQQ"), "{error:?}");

        for (before, after) in [
            ("", "keys:\n"),
            ("# mine\n", "# mine\nkeys:\n"),
            ("keys:\r\n", "keys:\r\n"),
            ("keys: []\n", "keys:\n"),
        ] {
            let recorded =
                String::from_utf8(Ledger::record(Some(before.as_bytes()), &gone(B, None)).unwrap()).unwrap();
            assert!(recorded.starts_with(after), "{before:?} {recorded:?}");
            assert_eq!(Ledger::parse(recorded.as_bytes()).unwrap().entries().len(), 1);
        }
    }

    #[test]
    fn a_key_is_forgotten() {
        let left = Ledger::forget(text().as_bytes(), &Recipient::parse(A).unwrap()).unwrap().unwrap();
        let left = Ledger::parse(&left).unwrap();
        assert_eq!(left.entries().len(), 1);
        assert!(left.find(&Recipient::parse(A).unwrap()).is_none());
        let other = super::super::generate("now").unwrap().recipient;
        assert!(Ledger::forget(text().as_bytes(), &other).unwrap().is_none());
    }

    #[test]
    fn errors_name_place_and_key() {
        for (from, to, expected) in [
            (
                "state: revoked",
                "state: revokd",
                "keys/ledger.yaml:10:12: keys.1.state: expected `retiring`, `revoked`",
            ),
            ("since:", "until:", "keys/ledger.yaml:11:12: keys.1.until: a key in this state has `since`"),
            (
                "    until: 2027-01-01T00:00:00Z\n",
                "",
                "keys/ledger.yaml:3:5: keys.0: the field `until` is missing",
            ),
            ("2027-01-01T00:00:00Z", "soon", "keys/ledger.yaml:6:12: keys.0.until: "),
            ("whose: users/jon", "whose: jon", "keys/ledger.yaml:4:12: keys.0.whose: \"jon\" names no class"),
            ("whose:", "who:", "keys/ledger.yaml:4:5: keys.0.who: "),
            (A, B, "keys/ledger.yaml:8:5: keys.1: this is the key of line 3 again"),
            (
                A,
                "AGE-SECRET-KEY-1HUNTER2",
                "keys/ledger.yaml:3:16: keys.0.recipient: this is an age identity",
            ),
            (
                "new laptop",
                "AGE-SECRET-KEY-1HUNTER2HUNTER2",
                "keys/ledger.yaml:7:10: keys.0.why: this holds a private key",
            ),
            (
                "in spring",
                "age-secret-key-1HUNTER2HUNTER2",
                "keys/ledger.yaml:7:1: this line holds a private key",
            ),
            ("keys:\n", "kes:\n", "keys/ledger.yaml:2:1: kes: "),
            ("keys:\n", "keys: [\n", "keys/ledger.yaml:"),
        ] {
            let error = Ledger::parse(text().replacen(from, to, 1).as_bytes()).unwrap_err();
            assert!(error.to_string().starts_with(expected), "{error}\n{expected}");
            assert!(!format!("{error:?}").contains("HUNTER2"), "{error:?}");
        }
    }
}
