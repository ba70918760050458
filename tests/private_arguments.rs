//! A private key given as an argument, in every place of every command line: nothing of it is seen again.
//!
//! The verbs and their options are those that `--help` names, so that a new one is tried without being listed here.

#![cfg(target_os = "linux")]
#![allow(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

mod peers;
mod scratch;

use scratch::Scratch;
use std::path::Path;

/// A verb with the words before it, and its options that want a value.
struct Verb {
    words: Vec<String>,
    options: Vec<String>,
}

fn help(scratch: &Scratch, words: &[String]) -> String {
    let mut command = scratch.uvars(words);
    scratch::ran(command.arg("--help"), b"").code(0).out
}

/// The verbs below these words.
fn verbs(scratch: &Scratch, words: &[String], found: &mut Vec<Verb>) {
    let text = help(scratch, words);
    let (_, commands) = text.split_once("Commands:\n").unwrap_or_default();
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ").filter(|rest| !rest.starts_with(' ')));
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    for name in &names {
        let deeper: Vec<String> = words.iter().cloned().chain([(*name).to_owned()]).collect();
        verbs(scratch, &deeper, found);
    }
    if names.is_empty() {
        let own = text.split("Global options:").next().unwrap_or_default();
        let option = |line: &str| {
            let line = line.trim_start();
            let line = line
                .get(4..)
                .filter(|_| line.starts_with('-') && line.get(2..3) == Some(","))
                .unwrap_or(line);
            line.split_once(" <").map(|(name, _)| name.to_owned()).filter(|name| name.starts_with("--"))
        };
        let options = own.lines().filter_map(option).collect();
        // As root it would activate the machine that this runs on.
        let dry = words.iter().any(|word| word == "activate").then(|| "--dry-run".to_owned());
        let words: Vec<String> = words.iter().cloned().chain(dry).collect();
        if own.lines().any(|line| line.trim() == "--json") {
            let words = words.iter().cloned().chain(["--json".to_owned()]).collect();
            found.push(Verb { words, options: Vec::new() });
        }
        found.push(Verb { words, options });
    }
}

/// Every command line of a verb that has the key somewhere.
fn lines(verb: &Verb, key: &str) -> Vec<Vec<String>> {
    let inventory = ["user", "host"].iter().any(|word| verb.words.first().is_some_and(|first| first == word));
    let fillers =
        if inventory { ["jon", "uid=1005", "shell=/bin/sh"] } else { ["users/jon", "db.password", "x"] };
    let mut lines = Vec::new();
    for place in 0..fillers.len() {
        let typed: Vec<&str> = fillers.iter().take(place).copied().chain([key]).collect();
        lines.push(typed.clone());
        lines.push([&["--"], typed.as_slice()].concat());
        lines.push([typed.as_slice(), fillers.get(place + 1..).unwrap_or_default()].concat());
    }
    let joined = format!("description={key}");
    lines.push(vec!["jon", &joined]);
    let given: Vec<String> = verb.options.iter().map(|option| format!("{option}={key}")).collect();
    for (option, given) in verb.options.iter().zip(&given) {
        lines.push(vec![option, key, "users/jon", "db.password"]);
        lines.push(vec![given, "users/jon"]);
    }
    let words =
        |line: Vec<&str>| verb.words.iter().map(String::as_str).chain(line).map(str::to_owned).collect();
    lines.into_iter().map(words).collect()
}

#[test]
fn no_private_key_is_seen_again() {
    let scratch = Scratch::new();
    let mut all = Vec::new();
    verbs(&scratch, &[], &mut all);
    assert!(all.len() > 35 && all.iter().map(|verb| verb.options.len()).sum::<usize>() > 15, "{}", all.len());
    let pem = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/throw-away-forms/ed25519"),
    )
    .unwrap();
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let [first, second, ..] = body.as_slice() else { panic!("no key") };
    let age = std::fs::read_to_string(scratch.private("users/raquel")).unwrap();
    let age = age.lines().find(|line| line.starts_with("AGE-")).unwrap();
    let forms = [
        age.to_owned(),
        format!("{age}.yaml"),
        pem.clone(),
        (*first).to_owned(),
        (*second).to_owned(),
        body.join("\n"),
        format!(
            "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\nPrivate-Lines: 1\n{second}\nPrivate-MAC: 00\n"
        ),
    ];
    // what every key begins with tells nothing
    let pieces: Vec<String> = [age, second]
        .iter()
        .flat_map(|line| [16, 26, 36, 46].map(|at| line.get(at..at + 10).unwrap().to_lowercase()))
        .collect();
    let mut lines: Vec<_> =
        forms.iter().flat_map(|key| all.iter().flat_map(|verb| lines(verb, key))).collect();
    for key in &forms {
        for option in ["-C", "--identity", "--color", "--unknown"] {
            lines.push(["get", option, key, "users/jon", "a"].map(str::to_owned).to_vec());
            lines.push([option, key].map(str::to_owned).to_vec());
        }
        lines.push(vec![key.clone()]);
    }
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut failures = Vec::new();
                    while let Some(line) = lines.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
                    {
                        let mut command = scratch.uvars(line);
                        // an editor that is there and has no terminal would wait for ever
                        let mut command = scratch::without_terminal(command.env("EDITOR", "true"));
                        let said = scratch::ran(&mut command, b"").all();
                        if pieces.iter().any(|piece| said.to_lowercase().contains(piece)) {
                            failures.push(format!("{line:?}\n{said}"));
                        }
                    }
                    failures
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert!(failures.is_empty(), "{} of {}:\n{}", failures.len(), lines.len(), failures.join("\n"));
    assert_eq!(holding(&scratch.root(), &pieces), Vec::<String>::new());
}

/// What below a folder holds one of these, in its name or in its text.
fn holding(folder: &Path, pieces: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = if path.is_dir() {
            found.extend(holding(&path, pieces));
            String::new()
        } else {
            String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned()
        };
        let all = format!("{} {text}", path.display()).to_lowercase();
        if pieces.iter().any(|piece| all.contains(piece)) {
            found.push(path.display().to_string());
        }
    }
    found
}

/// Private keys as somebody may paste them, and pieces by which they are found again.
fn pasted(scratch: &Scratch) -> (Vec<String>, Vec<String>) {
    let pem = std::fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/throw-away-forms/ed25519"),
    )
    .unwrap();
    let body: Vec<&str> = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let age = std::fs::read_to_string(scratch.private("users/raquel")).unwrap();
    let age = age.lines().find(|line| line.starts_with("AGE-")).unwrap();
    let second = body.get(1).unwrap();
    let pieces =
        [age, second].iter().map(|line| line.get(26..46).unwrap().to_lowercase()).collect::<Vec<_>>();
    let flat = pem.trim_end().replace('\n', " ");
    (vec![age.to_owned(), age.to_lowercase(), flat, body.concat(), pem], pieces)
}

#[test]
fn no_private_key_comes_into_the_repository_in_clear() {
    let scratch = Scratch::new();
    let (keys, pieces) = pasted(&scratch);
    let old = scratch.read("keys/users/raquel.pub").unwrap();
    let [one, two, three] = [0; 3].map(|_| uvars::keys::generate("now").unwrap().recipient.to_string());
    drop(scratch.feed("set hosts/cinnabar there", b"x").code(0));
    for key in &keys {
        let said = format!("was {key}");
        let json = format!("{{\"a\": {{\"x\": [{{{said:?}: 1}}]}}}}");
        let clear = format!("{{\"a_unencrypted\": [{said:?}]}}");
        let yaml = format!("a:\n  ? {said:?}\n  : x\n");
        let comment = format!("a_unencrypted:\n  # {}\n  b: x\n", said.replace('\n', "\n  # "));
        let bracketed = format!("[\"{said}\"]");
        let key_file = format!("# {}\n{three}\n", said.replace('\n', "\n# "));
        let described = format!("description={said}");
        let lines: &[(&[&str], &str)] = &[
            (&["key", "add", "users/raquel", "--comment", &said, &one], ""),
            (&["key", "add", "users/raquel", "-"], &key_file),
            (&["key", "rotate", "users/raquel", &two, "--why", &said], ""),
            (&["set", "hosts/cinnabar", key], "x"),
            (&["set", "hosts/galena", &bracketed], "x"),
            (&["set", "hosts/galena", "--json", "a"], &json),
            (&["set", "hosts/galena", "--json", "a"], &clear),
            (&["set", "hosts/galena", "a_unencrypted"], &said),
            (&["encrypt", "-", "--out", "hosts/galena"], &yaml),
            (&["encrypt", "-", "--out", "hosts/galena"], &comment),
            (&["encrypt", "-", "--out", "hosts/galena"], &clear),
            (&["user", "set", "jon", &described], ""),
            (&["user", "set", "jon", "modules+=./a.nix", &format!("shell=/{key}")], ""),
        ];
        for (line, input) in lines {
            let ran = scratch::ran(&mut scratch::without_terminal(&scratch.uvars(*line)), input.as_bytes());
            assert!(matches!(ran.code, 1 | 2), "{line:?} {input:?} {}", ran.all());
            let said = ran.all().to_lowercase();
            assert!(!pieces.iter().any(|piece| said.contains(piece)), "{line:?}\n{said}");
        }
    }
    assert_eq!(holding(&scratch.root(), &pieces), Vec::<String>::new());
    assert_eq!(scratch.read("keys/users/raquel.pub").unwrap(), old);
    // encrypted it is welcome, and so is what only speaks of keys
    for key in &keys {
        drop(scratch.feed("set hosts/galena deploy", key.as_bytes()).code(0));
        std::fs::remove_file(scratch.root().join("secrets/hosts/galena.sops.yaml")).unwrap();
    }
    let about = "the PRIVATE KEY (AGE-SECRET-KEY-1…) is in the safe";
    drop(
        scratch::ran(&mut scratch.uvars(["key", "add", "users/raquel", "--comment", about, &one]), b"")
            .code(0),
    );
}

#[test]
fn an_editor_puts_no_private_key_into_the_repository_in_clear() {
    let scratch = Scratch::new();
    let (keys, pieces) = pasted(&scratch);
    drop(scratch.feed("set hosts/cinnabar there", b"x").code(0));
    let before = scratch.secrets();
    for (number, text) in keys.iter().enumerate() {
        for (form, text) in
            [format!("there: x\n? {text:?}\n: x\n"), format!("there: x\na_unencrypted: {text:?}\n")]
                .iter()
                .enumerate()
        {
            let typed = scratch.private_file(&format!("typed{number}{form}"), text);
            let mut command = scratch.uvars(["edit", "hosts/cinnabar"]);
            command.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/cinnabar"));
            command.env("EDITOR", format!("cp {}", typed.display()));
            let ran = scratch::ran(&mut scratch::without_terminal(&command), b"").code(1);
            let ran = ran.says("in clear; nothing was written");
            let said = ran.all().to_lowercase();
            assert!(!pieces.iter().any(|piece| said.contains(piece)), "{said}");
        }
    }
    assert_eq!(scratch.secrets(), before);
}

#[test]
fn a_private_key_that_is_there_in_clear_is_named_by_its_place_and_can_be_taken_out() {
    let scratch = Scratch::new();
    let (keys, pieces) = pasted(&scratch);
    let key = keys.first().unwrap();
    let public = scratch.read("keys/users/raquel.pub").unwrap();
    for (file, text, place) in [
        ("keys/users/raquel.pub", format!("{public}# was {key}\n"), "keys/users/raquel.pub:2:1: "),
        ("keys/ledger.yaml", format!("keys: []\n# {key}\n"), "keys/ledger.yaml:2:1: "),
        (
            "keys/ledger.yaml",
            format!(
                "keys:\n  - {{recipient: {}, whose: users/jon, state: revoked, since: 2026-01-01T00:00:00Z, why: {key}}}\n",
                public.trim()
            ),
            "keys/ledger.yaml:2:",
        ),
        ("uvars.yaml", format!("{}# {key}\n", scratch::INVENTORY), "uvars.yaml:11:1: "),
    ] {
        let there = scratch.read(file);
        scratch.write(file, &text);
        for line in ["rules --check", "sync"] {
            let ran = scratch.run(line).code(1).says(place).says("a private key");
            let said = ran.all().to_lowercase();
            assert!(!pieces.iter().any(|piece| said.contains(piece)), "{said}");
        }
        match there {
            Some(text) => scratch.write(file, &text),
            None => std::fs::remove_file(scratch.root().join(file)).unwrap(),
        }
    }
    // what another sops has written so goes out with one command, and stands in the way of no other
    let plain = format!("{key}: x\na: x\n");
    let parsed = uvars::sops::Plain::parse(plain.as_bytes(), uvars::sops::Format::Yaml).unwrap();
    let mut bound = parsed.clone();
    let path = uvars::fs::RepoPath::new("secrets/hosts/cinnabar.sops.yaml").unwrap();
    bound.bind(&path).unwrap();
    let reader = uvars::keys::Recipient::parse(&scratch.read("keys/hosts/cinnabar.pub").unwrap()).unwrap();
    let file = uvars::sops::Encrypted::create(
        &bound,
        &[reader],
        &uvars::sops::Rules::default(),
        std::time::SystemTime::now(),
        uvars::sops::Format::Yaml,
        &uvars::keys::Programs::default(),
    );
    scratch.write(path.as_str(), &String::from_utf8(file.unwrap().emit().unwrap()).unwrap());
    drop(scratch.run_as("hosts/cinnabar", "unset hosts/cinnabar a").code(0));
    let mut command = scratch.uvars(["unset", "hosts/cinnabar", key]);
    command.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/cinnabar"));
    drop(scratch::ran(&mut scratch::without_terminal(&command), b"").code(0));
    assert_eq!(holding(&scratch.root(), &pieces), Vec::<String>::new());
}

#[test]
fn a_value_that_its_name_leaves_in_clear_is_warned_of() {
    let scratch = Scratch::new();
    let warns = |ran: scratch::Ran| {
        assert!(!ran.all().contains("hunter2"), "{}", ran.all());
        ran.all().contains("stands in clear")
    };
    assert!(warns(scratch.feed("set hosts/galena token_unencrypted", b"hunter2").code(0)));
    assert!(warns(scratch.feed("set hosts/cinnabar --dry-run a_unencrypted.b", b"hunter2").code(0)));
    assert!(!warns(scratch.feed("set hosts/cinnabar token", b"hunter2").code(0)));
    let as_host = |line: &str, input: &[u8]| {
        let mut command = scratch.uvars(line.split_whitespace());
        command.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/galena"));
        scratch::ran(&mut scratch::without_terminal(&command), input).code(0)
    };
    assert!(!warns(as_host("set hosts/galena other", b"hunter2")));
    assert!(warns(as_host("set hosts/galena --json n", b"{\"x_unencrypted\": 5}")));
    assert!(warns(as_host("set hosts/galena token_unencrypted", b"hunter22")));
    assert!(!warns(as_host("unset hosts/galena other", b"")));
}

#[test]
fn what_is_typed_behind_the_key_of_set_is_never_shown() {
    let scratch = Scratch::new();
    for line in [
        "set hosts/cinnabar db.password hunter2",
        "set hosts/cinnabar db.password -hunter2",
        "set hosts/cinnabar db.password --hunter2",
        "set hosts/cinnabar db.password --json hunter2",
        "set hosts/cinnabar db.password hunter2 hunter2",
        "set hosts/cinnabar db.password=hunter2",
        "set hosts/cinnabar a=b.hunter2",
    ] {
        let ran = scratch.feed(line, b"x\n").code(2).says("uvars set hosts/cinnabar ");
        assert!(!ran.all().contains("hunter2"), "{line}: {}", ran.all());
        assert!(scratch.secrets().is_empty(), "{line}");
    }
    // options keep their meaning in front of it and behind it, and brackets may hold any name
    drop(
        scratch.feed("set hosts/cinnabar db.password --dry-run", b"x\n").code(0).says("create secrets/hosts"),
    );
    drop(scratch.feed("set --json hosts/cinnabar [\"a=b\"]", b"5").code(0));
    assert_eq!(scratch.value("hosts/cinnabar", "hosts/cinnabar", "[\"a=b\"]").as_deref(), Some("5"));
    let help = scratch.run("set --help").code(0);
    assert!(help.out.contains("\nUsage: uvars set [OPTIONS] <FILE> <KEY>\n"), "{}", help.out);
}

#[test]
fn an_argument_of_several_lines_is_quoted_by_nothing() {
    let scratch = Scratch::new();
    for line in [&["hunter2\nhunter2"][..], &["get", "users/jon", "a", "hunter2\rhunter2"]] {
        let ran = scratch::ran(&mut scratch.uvars(line), b"").code(2).says("may be secret");
        assert!(!ran.all().contains("hunter2"), "{}", ran.all());
    }
}

#[test]
fn a_private_key_that_is_a_value_is_given_to_whoever_asks_for_it() {
    let scratch = Scratch::new();
    let key = std::fs::read_to_string(scratch.private("users/tara")).unwrap();
    let key = key.lines().find(|line| line.starts_with("AGE-")).unwrap();
    drop(scratch.feed("set hosts/cinnabar deploy.key", key.as_bytes()).code(0));
    for line in
        ["get hosts/cinnabar deploy.key", "get --json hosts/cinnabar deploy", "decrypt hosts/cinnabar"]
    {
        drop(scratch.run_as("hosts/cinnabar", line).code(0).says(key));
    }
    // and a name in a file is given as it is, whatever it looks like
    let name = "aB3".repeat(22);
    let file = "secrets/hosts/galena.sops.yaml";
    scratch.write(file, &format!("{name}: x\n"));
    drop(scratch.run(&format!("encrypt -i {file}")).code(0));
    drop(scratch.run("get --json hosts/galena").code(0).says(&format!("\"{name}\"")));
}

#[test]
fn a_file_that_is_to_be_made_in_a_folder_that_is_there_has_any_name() {
    let scratch = Scratch::new();
    drop(scratch.feed("set hosts/cinnabar a", b"x").code(0));
    std::fs::create_dir(scratch.root().join("new")).unwrap();
    let name = "aB3".repeat(22);
    let out =
        |place: &str| scratch.run_as("hosts/cinnabar", &format!("decrypt hosts/cinnabar --out {place}"));
    drop(out(&format!("new/{name}")).code(0));
    assert!(scratch.read(&format!("new/{name}")).unwrap().starts_with("a: x\n"));
    for place in [name.clone(), format!("/{name}"), format!("none/{name}")] {
        drop(out(&place).code(2).says("may be a line of a private key"));
    }
}

#[test]
fn what_only_speaks_of_keys_stops_nothing() {
    let scratch = Scratch::new();
    let about =
        "never put \"-----BEGIN OPENSSH PRIVATE KEY-----\" here; PuTTY-User-Key-File-3 is what PuTTY writes";
    let public = scratch.read("keys/users/jon.pub").unwrap();
    let there = scratch.read("uvars.yaml").unwrap();
    scratch.write("uvars.yaml", &format!("# {about}\n{there}# -----BEGIN RSA PRIVATE KEY-----\n"));
    scratch.write("keys/users/jon.pub", &format!("# {about}\n# -----BEGIN PRIVATE KEY-----\n{public}"));
    scratch.write("keys/ledger.yaml", &format!("# {about}\nkeys: []\n"));
    scratch
        .write("keys/README.md", &format!("{about}\n-----BEGIN RSA PRIVATE KEY-----\nis how one begins\n"));
    for line in ["user list", "sync", "rules --check"] {
        drop(scratch.run(line).code(0));
    }
    let clear = format!("{{\"note_unencrypted\": {about:?}}}");
    drop(scratch.feed("set hosts/galena --json a", clear.as_bytes()).code(0));
    // and of a key that has no mark in its lines all of them together are one
    let body = "MC4CAQAwBQYDK2VwBCIEIJ/wAiA0bzZ2lq3fJGZ4TEwUn0m7bq2q5jLdYx1mQ0aB";
    let key = format!("# -----BEGIN PRIVATE KEY-----\n# {body}\n# -----END PRIVATE KEY-----\n");
    let key_lines = key.replace("# ", "  # ");
    for (file, text, place) in [
        ("keys/users/jon.pub", format!("# {about}\n{key}{public}"), "keys/users/jon.pub:2:1: "),
        ("keys/ledger.yaml", format!("# {about}\nkeys: []\n{key}"), "keys/ledger.yaml:3:1: "),
        ("uvars.yaml", format!("# {about}\n{there}{key}"), "uvars.yaml:12:1: "),
    ] {
        let before = scratch.read(file).unwrap();
        scratch.write(file, &text);
        drop(scratch.run("sync").code(1).says(place).says("a private key"));
        scratch.write(file, &before);
    }
    let yaml = format!("a_unencrypted:\n{key_lines}  b: x\n");
    drop(
        scratch
            .feed("encrypt - --out hosts/cinnabar", yaml.as_bytes())
            .code(1)
            .says("a comment here holds a private key"),
    );
}

#[test]
fn a_name_that_is_long_is_no_private_key() {
    let scratch = Scratch::new();
    let reader = scratch.read("keys/hosts/galena.pub").unwrap();
    let folder = scratch.beside("Build1/0123456789abcdef0123456789abcdef01234567/src/fleet");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(".sops.yaml"), format!("creation_rules:\n  - age: {}\n", reader.trim()))
        .unwrap();
    let file = folder.join("secretfile.yaml");
    std::fs::write(&file, "a: x\n").unwrap();
    drop(scratch.run(&format!("encrypt -i {}", file.display())).code(0));
    drop(scratch.feed(&format!("set {} a", folder.join("another.yaml").display()), b"x").code(0));
    // what set --json takes as a name, set takes as one
    let name = "aB3d".repeat(16);
    drop(scratch.feed("set hosts/galena --json fp", format!("{{\"{name}\": 1}}").as_bytes()).code(0));
    let mut command = scratch.uvars(["set", "hosts/galena", &format!("fp.{name}")]);
    command.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/galena"));
    drop(scratch::ran(&mut scratch::without_terminal(&command), b"x").code(0));
    for key in
        [format!("x.AGE-SECRET-KEY-1{}", "Q".repeat(58)), "x.b3BlbnNzaC1rZXktdjEAAAAABG5vbmU".to_owned()]
    {
        drop(scratch.feed(&format!("set hosts/galena {key}"), b"x").code(2).says("holds a private key"));
    }
}
