//! Reading metadata as loosely as sops does: names in any case, numbers and texts for each other, one entry for
//! a list of one. Every release wrote it a little differently.

use crate::keys::KeyType;
use crate::secret::Secret;
use crate::sops::metadata::{Group, KeyEntry, Metadata, SOPS_VERSION};
use crate::sops::rules::{DEFAULT_SUFFIX, Rules, Selection};
use crate::sops::value::{Entry, Map, Value};
use crate::yaml::Timestamp;
use crate::{Error, Result};

const SELECTIONS: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

impl Metadata {
    /// Reads the `sops` map of a file. Errors name the field: a type that cannot be meant, a time that is none,
    /// several rules, a regular expression that does not compile, no key at all.
    pub(in crate::sops) fn read(map: Map) -> Result<Self> {
        let mut fields = Fields::new(map, "sops");
        let mut flat = Group::read(&mut fields)?;
        let mut shared = Vec::new();
        if flat.entries.is_empty() {
            for group in fields.list("key_groups")? {
                let mut fields = Fields::new(group, "sops.key_groups");
                let group = Group::read(&mut fields)?;
                shared.push(Group { unknown: fields.rest, ..group });
            }
        }
        let groups = if shared.is_empty() { vec![std::mem::take(&mut flat)] } else { shared };
        if groups.iter().all(|group| group.entries.is_empty()) {
            return Err(Error::new("the file has no key that could open it").key("sops"));
        }
        let threshold = fields.int("shamir_threshold")?;
        let lastmodified = fields.time("lastmodified")?;
        let mac = fields.text("mac")?;
        let version = fields.text("version")?;
        let mac_only_encrypted = fields.flag("mac_only_encrypted")?;
        let rules = selection(&mut fields).and_then(|selection| {
            Rules::new(selection, mac_only_encrypted)
                .map_err(|error| Error::new(error.to_string()).key("sops"))
        })?;
        let version = if is_version(&version) { version } else { SOPS_VERSION.to_owned() };
        Ok(Self { groups, threshold, lastmodified, mac, rules, version, unknown: fields.rest })
    }
}

/// Whether sops can compare a version: three numbers.
fn is_version(text: &str) -> bool {
    let core = text.strip_prefix('v').unwrap_or(text);
    let core = core.split(['-', '+']).next().unwrap_or_default();
    let parts: Vec<_> = core.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u64>().is_ok())
}

fn selection(fields: &mut Fields) -> Result<Selection> {
    let mut found: Vec<Selection> = Vec::new();
    for name in SELECTIONS {
        let text = fields.text(name)?;
        if !text.is_empty() {
            found.extend(Selection::of_field(name, &text));
        }
    }
    if found.len() > 1 {
        let names: Vec<_> = found.iter().map(|selection| selection.field().0).collect();
        return Err(
            Error::new(format!("the file names more than one rule: {}", names.join(", "))).key("sops")
        );
    }
    Ok(found.pop().unwrap_or_else(|| Selection::UnencryptedSuffix(DEFAULT_SUFFIX.to_owned())))
}

impl Group {
    fn read(fields: &mut Fields) -> Result<Self> {
        let mut entries = Vec::new();
        for kind in KeyType::ALL {
            for map in fields.list(kind.field())? {
                entries.push(KeyEntry::read(kind, map, &fields.place)?);
            }
        }
        Ok(Self { entries, unknown: Map::new() })
    }
}

impl KeyEntry {
    fn read(kind: KeyType, map: Map, place: &str) -> Result<Self> {
        let place = format!("{place}.{}", kind.field());
        let known: &[&str] = match kind {
            KeyType::Kms => &["arn", "role", "created_at", "enc", "aws_profile"],
            KeyType::GcpKms => &["resource_id", "created_at", "enc"],
            KeyType::Hckms => &["key_id", "created_at", "enc"],
            KeyType::AzureKv => &["vault_url", "name", "version", "created_at", "enc"],
            KeyType::HcVault => &["vault_address", "engine_path", "key_name", "created_at", "enc"],
            KeyType::Pgp => &["created_at", "enc", "fp"],
            KeyType::Age => &["recipient", "enc"],
        };
        let mut fields = Fields::new(map, &place);
        let mut out = Map::new();
        for name in known {
            if let Some(value) = fields.take(name) {
                out.push(
                    (*name).to_owned(),
                    Value::from(text_of(value).map_err(|error| fields.wrong(name, error))?.as_str()),
                );
            }
        }
        for entry in fields.rest {
            out.push(entry.key, entry.value);
        }
        Ok(Self { kind, fields: out })
    }
}

/// The fields of a map that were not read yet.
struct Fields {
    rest: Map,
    place: String,
}

impl Fields {
    fn new(map: Map, place: &str) -> Self {
        Self { rest: map, place: place.to_owned() }
    }

    /// Takes a field out: the one of just this name, else the first that differs in case only.
    fn take(&mut self, name: &str) -> Option<Value> {
        let exact = self.rest.get(name).is_some();
        let wanted =
            |entry: &&Entry| if exact { entry.key == name } else { entry.key.eq_ignore_ascii_case(name) };
        let key = self.rest.entries().iter().find(wanted)?.key.clone();
        self.rest.remove(&key)
    }

    fn wrong(&self, name: &str, what: &str) -> Error {
        Error::new(what).key(format!("{}.{name}", self.place))
    }

    fn text(&mut self, name: &str) -> Result<String> {
        let value = self.take(name).unwrap_or_default();
        text_of(value).map_err(|what| self.wrong(name, what))
    }

    fn time(&mut self, name: &str) -> Result<Timestamp> {
        let text = self.text(name)?;
        if text.is_empty() {
            return Err(self.wrong(name, "is missing").hint("was the end of the file cut off?"));
        }
        Timestamp::parse(&text)
            .ok_or_else(|| self.wrong(name, "this is not a time in the form 2006-01-02T15:04:05Z"))
    }

    fn int(&mut self, name: &str) -> Result<i64> {
        let value = self.take(name).unwrap_or_default();
        let number = match &value {
            Value::Null => Some(0),
            Value::Bool(flag) => Some(i64::from(*flag)),
            Value::Int(number) => Some(*number),
            // `2.000000`, as 3.10 wrote it to INI files
            Value::Float(_) | Value::Str(_) => text_of(value).ok().and_then(|text| {
                let whole = text.split_once('.').map_or(text.as_str(), |(whole, zeros)| {
                    if zeros.bytes().all(|byte| byte == b'0') { whole } else { "." }
                });
                if whole.is_empty() { Some(0) } else { whole.parse().ok() }
            }),
            Value::Time(_) | Value::List(_) | Value::Map(_) => None,
        };
        number.ok_or_else(|| self.wrong(name, "this is not a whole number"))
    }

    fn flag(&mut self, name: &str) -> Result<bool> {
        let value = self.take(name).unwrap_or_default();
        let flag = match &value {
            Value::Null => Some(false),
            Value::Bool(flag) => Some(*flag),
            Value::Int(number) => Some(*number != 0),
            Value::Float(number) => Some(*number != 0.0),
            Value::Str(_) => match value.as_str().unwrap_or("?") {
                "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
                "" | "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
                _ => None,
            },
            Value::Time(_) | Value::List(_) | Value::Map(_) => None,
        };
        flag.ok_or_else(|| self.wrong(name, "this is neither true nor false"))
    }

    /// A list of maps; null is an empty one, a map one of one.
    fn list(&mut self, name: &str) -> Result<Vec<Map>> {
        let list = match self.take(name).unwrap_or_default() {
            Value::Null => Vec::new(),
            Value::List(list) => list,
            Value::Map(map) if map.is_empty() => Vec::new(),
            Value::Str(text) if text.is_empty() => Vec::new(),
            other => vec![other],
        };
        let maps = list.into_iter().map(|entry| match entry {
            Value::Map(map) => Ok(map),
            _ => Err(self.wrong(name, "this is not a list of maps")),
        });
        maps.collect()
    }
}

/// A scalar as text, as sops' decoder makes it. An unquoted time, which 3.13 refuses, is meant as its text.
fn text_of(value: Value) -> std::result::Result<String, &'static str> {
    Ok(match value {
        Value::Null => String::new(),
        Value::Bool(flag) => i32::from(flag).to_string(),
        Value::Int(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Time(time) => time.to_string(),
        Value::Str(text) => return utf8(&text),
        Value::List(_) | Value::Map(_) => return Err("this is not a text"),
    })
}

fn utf8(text: &Secret) -> std::result::Result<String, &'static str> {
    text.expose_str().map(str::to_owned).ok_or("this text is not UTF-8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn least() -> Map {
        let age = Map::new().with("recipient", "age1x").with("enc", "wrapped");
        Map::new()
            .with("age", Value::List(vec![age.into()]))
            .with("lastmodified", "2024-01-01T00:00:00Z")
            .with("mac", "ENC[x]")
            .with("version", "3.9.0")
    }

    fn error(map: Map) -> String {
        Metadata::read(map).unwrap_err().to_string()
    }

    #[test]
    fn reads_names_in_any_case_and_types_for_each_other() {
        let mut map = least();
        map.remove("lastmodified");
        map.remove("mac");
        let map = map
            .with("LastModified", Value::Time(Timestamp::parse("2024-01-01T00:00:00.5+02:00").unwrap()))
            .with("MAC", "m")
            .with("kms", Value::List(vec![]))
            .with("pgp", Value::Null)
            .with("shamir_threshold", "0")
            .with("mac_only_encrypted", "true")
            .with("encrypted_regex", Value::Int(7));
        let metadata = Metadata::read(map).unwrap();
        assert_eq!(metadata.mac_aad(), "2024-01-01T00:00:00+02:00");
        assert_eq!(metadata.mac, "m");
        assert!(metadata.rules().mac_only_encrypted());
        assert_eq!(metadata.rules().selection().field(), ("encrypted_regex", "7"));
        assert_eq!(metadata.recipients(), ["age1x"]);
    }

    #[test]
    fn keeps_what_it_does_not_know() {
        let pgp = Map::new()
            .with("fp", "ABC")
            .with("enc", "p")
            .with("created_at", "2024-01-01T00:00:00Z")
            .with("x", "y");
        let map = least()
            .with("pgp", Value::Map(pgp))
            .with("note", "kept")
            .with("zkms", Value::List(vec![Map::new().with("enc", "e").into()]));
        let metadata = Metadata::read(map).unwrap();
        let written = metadata.to_map();
        assert_eq!(written.get("note").and_then(Value::as_str), Some("kept"));
        let pgp = written.get("pgp").and_then(Value::as_list).unwrap()[0].as_map().unwrap();
        assert_eq!(pgp.get("x").and_then(Value::as_str), Some("y"));
        assert_eq!(metadata.others(), ["pgp ABC", "zkms"]);
        let names: Vec<_> = written.entries().iter().map(|entry| entry.key.as_str()).collect();
        assert!(names.is_sorted(), "{names:?}");
    }

    #[test]
    fn a_rewrite_reads_the_same() {
        let first = Metadata::read(least()).unwrap().to_map();
        assert_eq!(Metadata::read(first.clone()).unwrap().to_map(), first);
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        assert_eq!(
            error(least().with("age", Value::List(vec![]))),
            "sops: the file has no key that could open it"
        );
        assert!(error(least().with("lastmodified", "yesterday")).starts_with("sops.lastmodified: "));
        assert!(error(least().with("age", Value::List(vec!["x".into()]))).starts_with("sops.age: "));
        assert!(error(least().with("shamir_threshold", "two")).starts_with("sops.shamir_threshold: "));
        assert!(error(least().with("mac_only_encrypted", "maybe")).starts_with("sops.mac_only_encrypted: "));
        assert!(error(least().with("mac", Value::List(vec![]))).starts_with("sops.mac: "));
        assert!(error(least().with("encrypted_regex", "(")).contains("encrypted_regex"));
        let two = least().with("encrypted_regex", "a").with("encrypted_suffix", "b");
        assert!(error(two).contains("encrypted_suffix, encrypted_regex"));
    }

    #[test]
    fn a_version_that_sops_cannot_compare_is_mended() {
        for (text, kept) in [
            ("3.9.0", true),
            ("v3.9.0", true),
            ("3.13.3-dev+x", true),
            ("", false),
            ("3.9", false),
            ("foo", false),
        ] {
            assert_eq!(is_version(text), kept, "{text}");
        }
    }
}
