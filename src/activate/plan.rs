//! What a generation is to hold: manifest, decrypted files and the last generation go in, a tree comes out.
//!
//! Pure but for the making of a hash out of a plaintext password. One item that fails never stops another: it
//! keeps its last good state and is listed.

use super::account;
use super::capped::Capped;
use super::clash::{self, Claim, Source};
use super::hash;
use super::lookup::Lookup;
use super::manifest::{Install, Manifest, Personal, Phase, Policy};
use super::names;
use super::report::{Failure, Kept, Problem};
use super::tree::{Leaf, Tree};
use crate::fs::RepoPath;
use crate::secret::Secret;
use crate::sops::{BINDING_KEY, KeyPath, Plain, Step, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The decrypted files of a manifest, or why each could not be.
pub(super) type Opened = BTreeMap<RepoPath, Result<Plain, Problem>>;

/// What a plan is made from.
pub(super) struct Known<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) opened: &'a Opened,
    /// The current generation, empty where there is none.
    pub(super) live: &'a Tree,
    pub(super) lookup: &'a Lookup,
    /// The password field that the host has for a user now.
    pub(super) shadow: &'a dyn Fn(&str) -> Option<Secret>,
}

/// What a generation is to hold, and what it could not be given.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) tree: Tree,
    pub(super) failures: Vec<Failure>,
    /// Whether several values want one place.
    pub(super) is_contested: bool,
    places: names::Places,
}

/// The name of an account's hash below its folder.
pub(super) const HASH: &str = "password_hash";

/// The tree `/run/uvars-users`: hashes, and installs that are needed before there are accounts.
pub(super) fn users(known: &Known) -> Plan {
    let mut plan = Plan::default();
    for account in &known.manifest.accounts {
        let Some(from) = account.from.as_ref().filter(|_| account.policy != Policy::Absent) else { continue };
        let name = format!("{}/{HASH}", account.user);
        let last = known.live.0.get(&name).map(|leaf| &leaf.content);
        let shadow = (known.shadow)(&account.user);
        let hash = file(known.opened, from).and_then(|plain| {
            let at_hand = [last, shadow.as_ref()];
            account::hash(account, plain, &at_hand, &known.manifest.settings)
        });
        let (line, source) = hash::offer(account.policy, hash.as_ref().ok(), last, shadow.as_ref());
        if let Err(problem) = &hash {
            plan.failures.push(Failure::new(&name, problem, Kept::of_hash(source)));
        }
        plan.put(name, Leaf { content: line, uid: 0, gid: 0, mode: 0o400 });
    }
    plan.installs(known, Phase::Users);
    plan
}

/// The users tree when the manifest itself cannot be used and there is no generation yet: every password that
/// the host has, as it stands.
pub(super) fn rescue(shadow: &[(String, Secret)]) -> Tree {
    let mut tree = Tree::default();
    for (user, field) in shadow {
        if names::user(user).is_ok() && hash::is_field(field) {
            let leaf = Leaf { content: field.clone(), uid: 0, gid: 0, mode: 0o400 };
            tree.add(format!("{user}/{HASH}"), leaf);
        }
    }
    tree
}

/// The tree `/run/uvars`: installs, and the values of integrated users.
pub(super) fn services(known: &Known) -> Plan {
    let mut plan = Plan::default();
    plan.installs(known, Phase::Services);
    let mut claims = Vec::new();
    for personal in &known.manifest.personal {
        let folder = format!("{}/{}", names::HOME, personal.user);
        let login = known.lookup.login(&personal.user);
        if login.is_none() {
            let problem = Problem::new(format!("the host knows no user {}", personal.user));
            plan.failures.push(Failure::new(&folder, &problem, Kept::Closed));
        }
        let owner = login.map_or((0, 0), |login| (login.uid, login.gid));
        claims.extend(plan.personal(known, personal, &folder, owner));
    }
    plan.settle(known, &claims);
    plan
}

/// A person's own tree; everything in it belongs to them.
pub(super) fn person(known: &Known, owner: (u32, u32)) -> Plan {
    let mut plan = Plan::default();
    let mut claims = Vec::new();
    for personal in &known.manifest.personal {
        claims.extend(plan.personal(known, personal, "", owner));
    }
    plan.settle(known, &claims);
    plan
}

impl Plan {
    /// A plan that has no more to say than a tree.
    pub(super) fn of(tree: Tree) -> Self {
        Self { tree, ..Self::default() }
    }

    /// Adds a file, unless its place is taken.
    fn put(&mut self, name: String, leaf: Leaf) {
        match self.places.take(&name) {
            Ok(()) => drop(self.tree.add(name, leaf)),
            Err(error) => {
                let problem = Problem::new(error.to_string());
                self.failures.push(Failure::new(name, &problem, Kept::Nothing));
            }
        }
    }

    fn installs(&mut self, known: &Known, phase: Phase) {
        for install in known.manifest.installs.iter().filter(|install| install.phase == phase) {
            let value = file(known.opened, &install.from).and_then(|plain| value(plain, install));
            let last = known.live.0.get(&install.name).map(|leaf| leaf.content.clone());
            let content = match value {
                Ok(content) => Some(content),
                Err(problem) => {
                    let kept = if last.is_some() { Kept::Last } else { Kept::Nothing };
                    self.failures.push(Failure::new(&install.name, &problem, kept));
                    last
                }
            };
            let Some(content) = content else { continue };
            let numbers = known.lookup.numbers(&install.owner, install.group.as_deref());
            let ((uid, gid), mode) = match numbers {
                Ok(numbers) => (numbers, install.mode),
                Err(unknown) => {
                    self.failures.push(Failure::new(&install.name, &Problem::new(unknown), Kept::Closed));
                    ((0, 0), 0o400)
                }
            };
            self.put(install.name.clone(), Leaf { content, uid, gid, mode });
        }
    }

    /// Every value of a personal file, one file each, in `base` and the folder that the entry names.
    fn personal(
        &mut self,
        known: &Known,
        personal: &Personal,
        base: &str,
        (uid, gid): (u32, u32),
    ) -> Vec<Claim> {
        let parts = [base, personal.into.as_deref().unwrap_or("")];
        let folder: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        let prefix = if folder.is_empty() { String::new() } else { format!("{}/", folder.join("/")) };
        let leaf = |content: Secret| Leaf { content, uid, gid, mode: 0o400 };
        let whose = if base.is_empty() { personal.user.as_str() } else { base };
        let claim = |place: String, source: Source, content: Secret| Claim {
            whose: whose.to_owned(),
            place,
            source,
            leaf: leaf(content),
        };
        let mut claims = Vec::new();
        match file(known.opened, &personal.from) {
            Ok(plain) => {
                let mut nameless = Capped::default();
                for Single { name, path, content } in flat(plain) {
                    let place = format!("{prefix}{name}");
                    if names::is_file_name(&name) {
                        claims.push(claim(place, Source::of(&personal.from, path), content));
                    } else {
                        let problem = || Problem::new("is not a name that a file can have");
                        nameless.add(&mut self.failures, &place, Kept::Nothing, problem);
                    }
                }
                let why = "is not called as a file can be";
                nameless.end(&mut self.failures, personal.from.as_str(), why);
            }
            Err(problem) => {
                let last =
                    known.live.0.iter().filter(|(name, _)| {
                        name.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('/'))
                    });
                for (place, old) in last {
                    let source = Source::as_it_was(&personal.from);
                    claims.push(claim(place.clone(), source, old.content.clone()));
                }
                let kept = if claims.is_empty() { Kept::Nothing } else { Kept::Last };
                let item = if prefix.is_empty() { personal.from.to_string() } else { folder.join("/") };
                self.failures.push(Failure::new(item, &problem, kept));
            }
        }
        claims
    }

    /// Gives each value its place. Where several want one, or one wants for a file what another wants for a folder,
    /// none of them gets it, since anybody can add an empty value to a file: what was there stays.
    fn settle(&mut self, known: &Known, claims: &[Claim]) {
        let rivals = clash::rivals(claims);
        let mut contested: BTreeMap<&str, Capped> = BTreeMap::new();
        let mut seen = BTreeSet::new();
        let mut clashes = Vec::new();
        for claim in claims {
            let Claim { place, leaf, .. } = claim;
            match rivals.get(place.as_str()).filter(|rivals| rivals.len() > 1) {
                None => self.put(place.clone(), leaf.clone()),
                Some(rivals) if seen.insert(place) => {
                    clashes.push((claim, rivals, known.live.0.get(place)));
                }
                Some(_) => {}
            }
        }
        self.is_contested |= !clashes.is_empty();
        // a value that stays as it was is told before any number of others that somebody may have planted
        clashes.sort_by_key(|(_, _, last)| last.is_none());
        for (Claim { whose, place, leaf, .. }, rivals, last) in clashes {
            let kept = if last.is_some() { Kept::Last } else { Kept::Nothing };
            let problem = || clash::problem(place, rivals, known.opened);
            contested.entry(whose).or_default().add(&mut self.failures, place, kept, problem);
            if let Some(last) = last {
                self.put(place.clone(), Leaf { content: last.content.clone(), ..*leaf });
            }
        }
        for (whose, rest) in contested {
            rest.end(&mut self.failures, whose, "wants a place that others want");
        }
    }
}

fn file<'a>(opened: &'a Opened, path: &RepoPath) -> Result<&'a Plain, Problem> {
    match opened.get(path) {
        Some(Ok(plain)) => Ok(plain),
        Some(Err(problem)) => Err(problem.clone()),
        None => Err(Problem::new(format!("{path} was not opened"))),
    }
}

/// The one value that an install names.
fn value(plain: &Plain, install: &Install) -> Result<Secret, Problem> {
    let Install { from, key, .. } = install;
    let path = KeyPath::parse(key).map_err(|error| Problem::of(&error.at(from.as_str())))?;
    let found = if *key == BINDING_KEY { None } else { plain.get(&path) };
    let Some(found) = found else { return Err(Problem::new(format!("{from} has no value {key}"))) };
    found
        .to_bytes()
        .ok_or_else(|| Problem::new(format!("{from}: {key} is {}, and must be one value", found.kind())))
}

/// A single value of a file.
struct Single {
    /// What its file is to be called: `db.password`, which is also what a value is called that has such a name.
    name: String,
    path: KeyPath,
    content: Secret,
}

/// Every single value with its name: `db.password` for what is nested, `list.0` in lists. The binding and
/// what is null are left out.
fn flat(plain: &Plain) -> Vec<Single> {
    let mut all = Vec::new();
    for entry in plain.to_map().entries().iter().filter(|entry| entry.key != BINDING_KEY) {
        let path = KeyPath::of_keys([entry.key.as_str()]);
        flatten(&entry.value, entry.key.clone(), path, &mut all);
    }
    all
}

fn flatten(value: &Value, name: String, path: KeyPath, all: &mut Vec<Single>) {
    match value {
        Value::Map(map) => {
            for entry in map.entries() {
                let path = path.clone().then(Step::Key(entry.key.clone()));
                flatten(&entry.value, format!("{name}.{}", entry.key), path, all);
            }
        }
        Value::List(list) => {
            for (at, item) in list.iter().enumerate() {
                flatten(item, format!("{name}.{at}"), path.clone().then(Step::Index(at)), all);
            }
        }
        single => all.extend(single.to_bytes().map(|content| Single { name, path, content })),
    }
}

#[cfg(test)]
mod tests {
    use super::super::manifest::{Account, Format, Settings, Whose};
    use super::*;
    use crate::password;
    use crate::sops::Map;

    const HASH_A: &str = "$y$j9T$aaaaaaaaaaaa$bbbbbbbbbbbb";
    const HASH_B: &str = "$6$saltsalt$cccccccccccccccc";

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    fn manifest() -> Manifest {
        Manifest {
            of: Whose::Host("a".into()),
            files: Vec::new(),
            accounts: Vec::new(),
            installs: Vec::new(),
            personal: Vec::new(),
            settings: Settings::default(),
        }
    }

    fn account(user: &str, policy: Policy) -> Account {
        let from = Some(path(&format!("secrets/accounts/{user}.sops.yaml")));
        Account { user: user.into(), policy, from, ..Account::default() }
    }

    fn install(name: &str, key: &str) -> Install {
        Install {
            name: name.into(),
            from: path("secrets/hosts/a.sops.yaml"),
            key: key.into(),
            owner: "postgres".into(),
            group: Some("postgres".into()),
            mode: 0o440,
            phase: Phase::Services,
        }
    }

    fn lost() -> Result<Plain, Problem> {
        Err(Problem::new("no key"))
    }

    fn leaf(content: &str) -> Leaf {
        Leaf { content: Secret::from(content), uid: 0, gid: 0, mode: 0o400 }
    }

    fn live(files: &[(&str, &str)]) -> Tree {
        Tree(files.iter().map(|(name, content)| ((*name).to_owned(), leaf(content))).collect())
    }

    struct Made {
        plan: Plan,
    }

    impl Made {
        fn content(&self, name: &str) -> Option<&str> {
            self.plan.tree.0.get(name).and_then(|leaf| leaf.content.expose_str())
        }

        fn failed(&self) -> Vec<(&str, Kept)> {
            self.plan.failures.iter().map(|failure| (failure.item.as_str(), failure.kept)).collect()
        }
    }

    fn make(
        which: fn(&Known) -> Plan,
        manifest: &Manifest,
        opened: impl Into<Opened>,
        live: &Tree,
        shadow: &[(&str, &str)],
    ) -> Made {
        let passwd = b"postgres:x:70:71::/:/\njon:x:1001:100::/home/jon:/bin/sh\n";
        let opened = opened.into();
        let known = Known {
            manifest,
            opened: &opened,
            live,
            lookup: &Lookup::new(passwd, b"postgres:x:71:\n", None),
            shadow: &|user| {
                shadow.iter().find(|(name, _)| *name == user).map(|(_, field)| Secret::from(*field))
            },
        };
        Made { plan: which(&known) }
    }

    #[test]
    fn hashes_by_policy() {
        let mut manifest = manifest();
        manifest.accounts = [
            ("jon", Policy::Present),
            ("loc", Policy::Locked),
            ("abs", Policy::Absent),
            ("bad", Policy::Present),
        ]
        .map(|(user, policy)| account(user, policy))
        .into();
        manifest.accounts.push(Account { user: "none".into(), ..Account::default() });
        let file = |user: &str, hash: &str| {
            let map = Map::new().with("user", user).with("password_hash", hash).with(BINDING_KEY, "x");
            (path(&format!("secrets/accounts/{user}.sops.yaml")), Ok(Plain::new(map)))
        };
        let opened = [file("jon", HASH_A), file("loc", HASH_A), file("abs", HASH_A), file("bad", "!")];
        let made = make(users, &manifest, opened, &Tree::default(), &[("bad", HASH_B), ("abs", HASH_B)]);
        assert_eq!(made.content("jon/password_hash"), Some(HASH_A));
        assert_eq!(made.content("loc/password_hash"), Some(format!("!{HASH_A}").as_str()));
        assert_eq!(made.content("bad/password_hash"), Some(HASH_B));
        assert_eq!(made.plan.tree.0.len(), 3);
        assert_eq!(made.failed(), [("bad/password_hash", Kept::Shadow)]);
        assert!(made.plan.tree.0.values().all(|leaf| (leaf.uid, leaf.gid, leaf.mode) == (0, 0, 0o400)));
    }

    #[test]
    fn no_hash_is_ever_missing() {
        let mut manifest = manifest();
        manifest.accounts = ["jon", "ann", "new"].map(|user| account(user, Policy::Present)).into();
        let opened: Opened =
            manifest.accounts.iter().filter_map(|account| Some((account.from.clone()?, lost()))).collect();
        let last = live(&[("jon/password_hash", HASH_A)]);
        let shadow = [("jon", HASH_B), ("ann", HASH_B)];
        let made = make(users, &manifest, opened, &last, &shadow);
        assert_eq!(made.content("jon/password_hash"), Some(HASH_A));
        assert_eq!(made.content("ann/password_hash"), Some(HASH_B));
        assert_eq!(made.content("new/password_hash"), Some("!"));
        let kept = [Kept::Last, Kept::Shadow, Kept::Nobody];
        assert_eq!(made.failed().into_iter().map(|(_, kept)| kept).collect::<Vec<_>>(), kept);
        let shadow: Vec<_> = [("jon", HASH_A), ("root", "!"), ("free", ""), ("x y", HASH_B)]
            .map(|(user, field)| (user.to_owned(), Secret::from(field)))
            .into();
        assert_eq!(rescue(&shadow), live(&[("jon/password_hash", HASH_A), ("root/password_hash", "!")]));
    }

    #[test]
    fn a_file_for_another_user_is_refused() {
        let mut manifest = manifest();
        manifest.accounts = vec![account("jon", Policy::Present)];
        let map = Map::new().with("user", "ann").with("password_hash", HASH_A);
        let opened = [(path("secrets/accounts/jon.sops.yaml"), Ok(Plain::new(map)))];
        let made = make(users, &manifest, opened, &Tree::default(), &[]);
        assert_eq!(made.failed(), [("jon/password_hash", Kept::Nobody)]);
    }

    #[test]
    fn a_plaintext_password_keeps_the_hash_that_fits() {
        let method = password::Method::parse("sha512-crypt", None, Some(1000)).unwrap();
        let hash = password::hash(&Secret::from("hunter2"), &method).unwrap();
        let mut manifest = manifest();
        manifest.settings = Settings { hash_kind: Some("sha512-crypt".into()), hash_cost: Some(1000) };
        manifest.accounts = vec![Account { format: Format::Plaintext, ..account("jon", Policy::Present) }];
        let opened = || -> Opened {
            let map = Map::new().with("user", "jon").with("password", "hunter2");
            [(path("secrets/accounts/jon.sops.yaml"), Ok(Plain::new(map)))].into()
        };
        for (last, shadow) in [(hash.as_str(), "*"), ("!", hash.as_str()), (&format!("!{hash}"), HASH_B)] {
            let made =
                make(users, &manifest, opened(), &live(&[("jon/password_hash", last)]), &[("jon", shadow)]);
            assert_eq!(made.content("jon/password_hash"), Some(hash.as_str()));
            assert!(made.failed().is_empty());
        }
        let made = make(users, &manifest, opened(), &Tree::default(), &[("jon", HASH_B)]);
        let new = made.content("jon/password_hash").unwrap();
        assert!(new.starts_with("$6$rounds=1000$") && new != hash, "{new}");
        assert!(password::verify(&Secret::from("hunter2"), new).unwrap());
    }

    #[test]
    fn installs_take_owner_and_mode_from_the_manifest() {
        let mut manifest = manifest();
        manifest.installs = vec![
            install("db/password", "db.password"),
            install("port", "db.port"),
            install("second", "list.1"),
            Install { owner: "nobody-here".into(), ..install("orphan", "db.password") },
            install("missing", "db.none"),
            install("map", "db"),
            install("binding", BINDING_KEY),
        ];
        let db = Map::new().with("password", "s3cret").with("port", Value::Int(5432));
        let map = Map::new()
            .with("db", db)
            .with("list", Value::List(vec!["a".into(), Value::Bool(true)]))
            .with(BINDING_KEY, "secrets/hosts/a.sops.yaml");
        let opened: Opened = [(path("secrets/hosts/a.sops.yaml"), Ok(Plain::new(map)))].into();
        let last = live(&[("missing", "old"), ("gone", "old")]);
        let made = make(services, &manifest, opened, &last, &[]);
        let leaf = made.plan.tree.0.get("db/password").unwrap();
        assert_eq!((leaf.uid, leaf.gid, leaf.mode), (70, 71, 0o440));
        assert_eq!(made.content("db/password"), Some("s3cret"));
        assert_eq!(made.content("port"), Some("5432"));
        assert_eq!(made.content("second"), Some("true"));
        let orphan = made.plan.tree.0.get("orphan").unwrap();
        assert_eq!((orphan.uid, orphan.gid, orphan.mode), (0, 0, 0o400));
        assert_eq!(made.content("missing"), Some("old"));
        assert_eq!(made.content("gone"), None);
        assert_eq!(
            made.failed(),
            [
                ("orphan", Kept::Closed),
                ("missing", Kept::Last),
                ("map", Kept::Nothing),
                ("binding", Kept::Nothing),
            ]
        );
    }

    #[test]
    fn personal_values_land_one_file_each() {
        let mut manifest = manifest();
        let from = path("secrets/users/jon.sops.yaml");
        manifest.personal = vec![Personal { user: "jon".into(), from: from.clone(), into: None }];
        let map = Map::new()
            .with("token", "t")
            .with(".netrc", "n")
            .with("db", Map::new().with("password", "p").with("no", Value::Null))
            .with("db.password", "twice")
            .with("list", Value::List(vec![Value::Int(1)]))
            .with("a/b", "slash")
            .with("..", "up")
            .with(BINDING_KEY, "x");
        let made = make(services, &manifest, [(from.clone(), Ok(Plain::new(map)))], &Tree::default(), &[]);
        let names: Vec<_> = made.plan.tree.0.keys().map(String::as_str).collect();
        assert_eq!(names, ["home/jon/.netrc", "home/jon/list.0", "home/jon/token"]);
        assert!(made.plan.tree.0.values().all(|leaf| (leaf.uid, leaf.gid, leaf.mode) == (1001, 100, 0o400)));
        let nothing = Kept::Nothing;
        assert_eq!(
            made.failed(),
            [("home/jon/a/b", nothing), ("home/jon/..", nothing), ("home/jon/db.password", nothing)]
        );
        // What cannot be opened stays, all of it, and with its owner of now.
        let last = live(&[
            ("home/jon/token", "old"),
            ("home/jon/shared/x", "not of this file"),
            ("home/ann/token", "a"),
        ]);
        let made = make(services, &manifest, [(from, lost())], &last, &[]);
        assert_eq!(made.plan.tree.0.keys().collect::<Vec<_>>(), ["home/jon/token"]);
        assert_eq!(made.plan.tree.0.values().next().unwrap().uid, 1001);
        assert_eq!(made.failed(), [("home/jon", Kept::Last)]);
    }

    #[test]
    fn a_value_that_was_added_takes_no_place_of_another() {
        let mut manifest = manifest();
        let from = path("secrets/users/jon.sops.yaml");
        manifest.personal = vec![Personal { user: "jon".into(), from: from.clone(), into: None }];
        let good = Map::new().with("db", Map::new().with("password", "good"));
        let before = make(services, &manifest, [(from.clone(), Ok(Plain::new(good)))], &Tree::default(), &[]);
        for first in [true, false] {
            let db = Map::new().with("password", "newer");
            let map = if first {
                Map::new().with("db.password", "").with("db", db)
            } else {
                Map::new().with("db", db).with("db.password", "")
            };
            let made =
                make(services, &manifest, [(from.clone(), Ok(Plain::new(map)))], &before.plan.tree, &[]);
            assert_eq!(made.plan.tree, before.plan.tree);
            assert_eq!(made.failed(), [("home/jon/db.password", Kept::Last)]);
            let both = "secrets/users/jon.sops.yaml: [\"db.password\"] and secrets/users/jon.sops.yaml: db.password want the same place";
            assert_eq!(made.plan.failures.first().unwrap().message, both);
        }
    }

    #[test]
    fn of_many_that_fail_a_few_are_told_and_named() {
        let mut manifest = manifest();
        let own = path("secrets/users/jon.sops.yaml");
        let deploy = path("secrets/shared/deploy.sops.yaml");
        manifest.personal = vec![
            Personal { user: "jon".into(), from: own.clone(), into: None },
            Personal { user: "jon".into(), from: deploy.clone(), into: Some("shared/deploy".into()) },
        ];
        for (count, rest, more) in [
            (9, "", None),
            (10, " and 1 more", Some("1 more value wants a place that others want")),
            (10_000, " and 9991 more", Some("each of 9991 more values wants a place that others want")),
        ] {
            let many = (0..count).fold(Map::new(), |map, at| map.with(format!("x{at}"), "v"));
            let opened = || -> Opened {
                let own_values = Map::new().with("shared", "");
                [(own.clone(), Ok(Plain::new(own_values))), (deploy.clone(), Ok(Plain::new(many.clone())))]
                    .into()
            };
            let as_jon = |known: &Known| person(known, (1001, 100));
            for (which, whose) in [(as_jon as fn(&Known) -> Plan, "jon"), (services, "home/jon")] {
                let made = make(which, &manifest, opened(), &Tree::default(), &[]);
                assert!(made.plan.is_contested && made.plan.tree.0.is_empty());
                let failures = &made.plan.failures;
                let first = &failures.first().unwrap().message;
                assert!(first.starts_with("secrets/shared/deploy.sops.yaml: x0 and "), "{first}");
                let end = format!("secrets/users/jon.sops.yaml: shared{rest} want the same place");
                assert!(first.ends_with(&end), "{first}");
                assert_eq!(failures.len(), 10 + usize::from(more.is_some()));
                let last =
                    failures.get(10).map(|last| (last.item.as_str(), last.message.as_str(), last.kept));
                assert_eq!(last, more.map(|more| (whose, more, Kept::Nothing)));
            }
            // names that are none
            let map = (0..count).fold(Map::new(), |map, at| map.with(format!("/{at}"), ""));
            let opened = [(own.clone(), Ok(Plain::new(map))), (deploy.clone(), Ok(Plain::new(Map::new())))];
            let made = make(services, &manifest, opened, &Tree::default(), &[]);
            assert_eq!(made.plan.failures.len(), count.min(10 + usize::from(count > 10)), "{count}");
        }
    }

    #[test]
    fn what_has_a_value_to_lose_is_told_before_what_was_planted() {
        let mut manifest = manifest();
        let from = path("secrets/users/jon.sops.yaml");
        manifest.personal = vec![Personal { user: "jon".into(), from: from.clone(), into: None }];
        let as_jon = |known: &Known| person(known, (1001, 100));
        let wants = "wants a place that others want";
        for (planted, real, more) in [
            (12, 1, vec![(format!("each of 3 more values {wants}"), Kept::Nothing)]),
            (
                5,
                12,
                vec![
                    (format!("each of 2 more values {wants}"), Kept::Last),
                    (format!("each of 5 more values {wants}"), Kept::Nothing),
                ],
            ),
        ] {
            let clash = |map: Map, name: &str| {
                map.with(format!("{name}.x"), "").with(name, Map::new().with("x", "new"))
            };
            let map = (0..planted).fold(Map::new(), |map, at| clash(map, &format!("a{at}")));
            let map = (0..real).fold(map, |map, at| clash(map, &format!("z{at}")));
            for (which, base, whose) in
                [(as_jon as fn(&Known) -> Plan, "", "jon"), (services, "home/jon/", "home/jon")]
            {
                let names: Vec<_> = (0..real).map(|at| format!("{base}z{at}.x")).collect();
                let last = live(&names.iter().map(|name| (name.as_str(), "good")).collect::<Vec<_>>());
                let opened = [(from.clone(), Ok(Plain::new(map.clone())))];
                let made = make(which, &manifest, opened, &last, &[]);
                assert_eq!(made.plan.tree.0.len(), real);
                assert!(names.iter().all(|name| made.content(name) == Some("good")));
                let failed = made.failed();
                let told: Vec<_> = names.iter().take(10).map(|name| (name.as_str(), Kept::Last)).collect();
                assert_eq!(failed.get(..told.len()), Some(told.as_slice()));
                let rest = made.plan.failures.get(10..).unwrap().iter();
                let rest: Vec<_> = rest.map(|failure| (failure.message.clone(), failure.kept)).collect();
                assert_eq!(rest, more);
                assert!(failed.get(10..).unwrap().iter().all(|(item, _)| *item == whose));
            }
        }
    }

    #[test]
    fn a_person_has_their_own_and_what_they_share() {
        let mut manifest = manifest();
        manifest.of = Whose::User("jon".into());
        let own = path("secrets/users/jon.sops.yaml");
        let wifi = path("secrets/shared/wifi.sops.yaml");
        manifest.personal = vec![
            Personal { user: "jon".into(), from: own.clone(), into: None },
            Personal { user: "jon".into(), from: wifi.clone(), into: Some("shared/wifi".into()) },
        ];
        let opened: Opened = [
            (own.clone(), Ok(Plain::new(Map::new().with("token", "t").with("shared", "clash")))),
            (wifi.clone(), Ok(Plain::new(Map::new().with("psk", "w")))),
        ]
        .into();
        let as_jon = |known: &Known| person(known, (1001, 100));
        let last = live(&[("shared/wifi/psk", "before")]);
        let made = make(as_jon, &manifest, opened, &last, &[]);
        assert_eq!(made.plan.tree.0.keys().collect::<Vec<_>>(), ["shared/wifi/psk", "token"]);
        assert_eq!(made.content("shared/wifi/psk"), Some("before"));
        assert_eq!(made.failed(), [("shared/wifi/psk", Kept::Last), ("shared", Kept::Nothing)]);
        let both =
            "secrets/shared/wifi.sops.yaml: psk and secrets/users/jon.sops.yaml: shared want the same place";
        assert!(made.plan.failures.iter().all(|failure| failure.message == both), "{:?}", made.plan.failures);
        let opened: Opened = [(own, lost()), (wifi, lost())].into();
        let last = live(&[("token", "t"), ("shared/wifi/psk", "w")]);
        let made = make(as_jon, &manifest, opened, &last, &[]);
        assert_eq!(made.plan.tree.0.keys().collect::<Vec<_>>(), ["shared/wifi/psk", "token"]);
        assert_eq!(made.failed(), [("secrets/users/jon.sops.yaml", Kept::Last), ("shared/wifi", Kept::Last)]);
    }
}
