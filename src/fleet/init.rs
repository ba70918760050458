//! The first files of a fleet repository: a new one, or one around a `.sops.yaml` that is there already.

use std::path::Path;

use crate::error::{Error, Result};
use crate::fs::RepoPath;
use crate::keys::{Class, Principal, Recipient, Registry};
use crate::rules::{SopsConfig, render};
use crate::yaml::{Kind, NodeId, Style, Tree};

use super::decode::{block, flow};
use super::fleet::{Fleet, INVENTORY};
use super::inventory::Inventory;

/// Where the creation rules are.
pub const SOPS_CONFIG: &str = ".sops.yaml";

/// What a new fleet begins with.
#[derive(Clone, Debug)]
pub struct Start<'s> {
    /// The first admin's name and keys.
    pub admin: (&'s str, &'s [Recipient]),
    /// A recovery key's name and keys, where there is one.
    pub recovery: Option<(&'s str, &'s [Recipient])>,
    /// The `.sops.yaml` that is there, whose rules are kept.
    pub adopt: Option<&'s [u8]>,
}

/// The files to write: `uvars.yaml`, key files and `.sops.yaml`.
///
/// # Errors
///
/// A name that is none; a `.sops.yaml` that sops would not read, or whose rules cannot be taken over as they
/// stand.
pub fn init(start: &Start<'_>) -> Result<Vec<(RepoPath, Vec<u8>)>> {
    let mut files = vec![key_file(Class::Admins, start.admin)?];
    files.extend(start.recovery.map(|recovery| key_file(Class::Recovery, recovery)).transpose()?);
    let rules = start.adopt.map(adopt).transpose()?.unwrap_or_default();
    let inventory = format!("{HEADER}{HOSTS}{USERS}{SHARED}{}", rules_section(&rules));
    let registry = Registry::of_files(files.iter().cloned().map(Ok))?;
    let fleet = Fleet::new(Inventory::parse(Path::new(INVENTORY), inventory.as_bytes())?, registry)?;
    let config = render(&fleet.rules()?);
    SopsConfig::parse(Path::new(SOPS_CONFIG), config.as_bytes())?;
    files.push((RepoPath::new(INVENTORY)?, inventory.into_bytes()));
    files.push((RepoPath::new(SOPS_CONFIG)?, config.into_bytes()));
    Ok(files)
}

fn key_file(class: Class, (name, keys): (&str, &[Recipient])) -> Result<(RepoPath, Vec<u8>)> {
    let principal = Principal::new(class, name)?;
    let line = |key: &Recipient| match key.comment() {
        Some(comment) => format!("{key} {comment}\n"),
        None => format!("{key}\n"),
    };
    let text: String = keys.iter().map(line).collect();
    if text.is_empty() {
        return Err(Error::usage(format!("{principal} has no key")));
    }
    Ok((RepoPath::new(&principal.path())?, text.into_bytes()))
}

const HEADER: &str = "\
# The fleet: its hosts, its people, and what they share. Keys are in keys/, encrypted values in secrets/; nothing
# secret is ever in this file. After a change: `uvars rules --write`, then `uvars sync`.
# `uvars schema` prints what every field may be.
version: 1
";

const HOSTS: &str = "
# A host reads what is encrypted for it with its ssh host key, keys/hosts/NAME.pub.
# uvars host add cinnabar platform=nixos tags=server
hosts: {}
#  cinnabar: { platform: nixos, tags: [server] }            # nixos, darwin or linux
#  rosegold: { platform: darwin, tags: [laptop], key: pending }   # no key yet: it reads nothing
";

const USERS: &str = "
# A user is placed on hosts by name and by tag (`all` is every host), and decrypts with keys/users/NAME.pub.
# uvars user add jon tags=server uid=1001
users: {}
#  jon:
#    tags: [server]
#    role: standard                  # admin: sudo on these hosts
#    uid: 1001
#    description: Jon Smith
#    groups_secondary: [video]
#    shell: /bin/bash
#    password: { prompt: true, share: true }   # `uvars generate jon` asks for it; false: none
#    on: { rosegold: { uid: 501, home_dir: /Users/jon } }   # what differs on one host
";

const SHARED: &str = "
# Files of secrets/shared/ and who reads them, beside admins and recovery keys.
shared: {}
#  wifi: { tags: [laptop], users: [], robots: [] }
";

/// Hand-written rules as they are taken over: the items of two lists.
#[derive(Default)]
struct Adopted {
    keys: String,
    rules: String,
}

fn rules_section(adopted: &Adopted) -> String {
    let comment = "
# Hand-written rules of sops: `before` ours, where they may not match a path of ours, and `after` ours.
rules:
";
    let list = |name: &str, items: &str| match items {
        "" if name == "keys" => String::new(),
        "" => format!("  {name}: []\n"),
        items => {
            let lines = items
                .lines()
                .map(|line| if line.trim().is_empty() { "\n".into() } else { format!("    {line}\n") });
            format!("  {name}:\n{}", lines.collect::<String>())
        }
    };
    format!("{comment}{}{}{}", list("keys", &adopted.keys), list("before", ""), list("after", &adopted.rules))
}

/// What a `.sops.yaml` has beside its rules, which is where anchors are, and the rules, as they stand there.
fn adopt(bytes: &[u8]) -> Result<Adopted> {
    SopsConfig::parse(Path::new(SOPS_CONFIG), bytes)?;
    let tree = Tree::parse(bytes).map_err(|error| Error::from(error).at(SOPS_CONFIG))?;
    let mut adopted = Adopted::default();
    let Some(root) = tree.documents().first().and_then(|document| tree.root(*document)) else {
        return Ok(adopted);
    };
    for (key, value) in tree.pairs(root) {
        let name = tree.node(key).text.as_ref();
        let refused = ["stores", "destination_rules"].contains(&name);
        if refused || tree.node(root).style == Style::Flow {
            return Err(Error::new(format!(
                "`{name}` cannot be taken over: the file is generated from now on"
            ))
            .at(SOPS_CONFIG)
            .position(tree.node(key).line, tree.node(key).column)
            .hint("keep it in another file, for `sops --config FILE`, or take it out"));
        }
        let (list, style) = (tree.node(value).kind == Kind::Sequence, tree.node(value).style);
        match name {
            "creation_rules" | "keys" => {
                let into = if name == "keys" { &mut adopted.keys } else { &mut adopted.rules };
                match (list, style) {
                    (true, Style::Flow) => into.push_str(&flow(&tree, value, bytes)),
                    (true, _) => into.push_str(&block(&tree, value, bytes)),
                    (false, _) if tree.children(value).next().is_some() => {
                        into.push_str(&item(&tree, key, value, bytes));
                    }
                    (false, _) => {}
                }
            }
            _ => adopted.keys.push_str(&item(&tree, key, value, bytes)),
        }
    }
    Ok(adopted)
}

/// A field as one item of a list: `- hosts:` and the lines below it.
fn item(tree: &Tree<'_>, key: NodeId, value: NodeId, source: &[u8]) -> String {
    let (start, end) = (tree.node(key).start as usize, tree.node(value).end as usize);
    let rest = source.get(end..).unwrap_or_default();
    let end = end + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
    let text = String::from_utf8_lossy(source.get(start..end).unwrap_or_default());
    let mut lines = String::new();
    for (number, line) in text.lines().enumerate() {
        lines.push_str(if number == 0 { "- " } else { "  " });
        lines.push_str(line);
        lines.push('\n');
    }
    lines
}
