//! Recipients, identities and the registry, held against age, ssh-keygen and sops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod peers;
mod stub_plugin;

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use stub_plugin::Stub;
use uvars::error::Kind;
use uvars::keys::{
    Ask, IdentitySources, Keyring, Programs, Recipient, Wrapped, convert_private, convert_public,
    generate_hybrid,
};
use uvars::secret::Secret;

const DATA_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// A throw-away private key in a file, and its public half.
struct Pair {
    file: PathBuf,
    public: String,
}

impl Pair {
    fn secret(&self) -> Secret {
        Secret::new(std::fs::read(&self.file).unwrap())
    }

    fn wrap(&self) -> String {
        Recipient::parse(&self.public).unwrap().wrap(DATA_KEY).unwrap()
    }
}

/// Made by the real age-keygen.
fn age_key(dir: &Path, name: &str) -> Option<Pair> {
    let text = peers::succeed(&mut peers::command("age-keygen")?);
    let text = String::from_utf8(text).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    Some(Pair { file, public })
}

/// Made by the real ssh-keygen.
fn ssh_key(dir: &Path, name: &str, arguments: &[&str], passphrase: &str) -> Option<Pair> {
    let file = dir.join(name);
    let mut keygen = peers::command("ssh-keygen")?;
    keygen
        .args(["-q", "-a", "1", "-N", passphrase, "-C", "jon@cinnabar"])
        .args(arguments)
        .arg("-f")
        .arg(&file);
    peers::succeed(&mut keygen);
    let public = std::fs::read_to_string(dir.join(format!("{name}.pub"))).unwrap();
    Some(Pair { file, public: public.trim().to_owned() })
}

fn named(files: &[&Path]) -> IdentitySources {
    IdentitySources {
        files: files.iter().map(|file| file.to_path_buf()).collect(),
        ..IdentitySources::default()
    }
}

fn open(sources: IdentitySources, recipient: &str, enc: &str) -> uvars::Result<Secret> {
    Keyring::new(sources).unwrap(&[Wrapped { recipient, enc }])
}

fn opens(sources: IdentitySources, recipient: &str, enc: &str) {
    match open(sources, recipient, enc) {
        Ok(secret) => assert_eq!(secret.expose(), DATA_KEY),
        Err(error) => panic!("{error}\n{:#?}", error.hints()),
    }
}

/// Answers every question for a passphrase with the next of its words, and counts them.
struct Answers(Vec<&'static str>, AtomicUsize);

impl Answers {
    fn new(words: &[&'static str]) -> Arc<Self> {
        Arc::new(Self(words.to_vec(), AtomicUsize::new(0)))
    }

    fn asked(&self) -> usize {
        self.1.load(Ordering::SeqCst)
    }
}

impl Ask for Answers {
    fn passphrase(&self, _what: &str) -> Option<Secret> {
        let number = self.1.fetch_add(1, Ordering::SeqCst);
        self.0.get(number).map(|word| Secret::from(*word))
    }
}

fn asking(mut sources: IdentitySources, answers: &Arc<Answers>) -> IdentitySources {
    sources.programs.ask = Some(Arc::clone(answers) as Arc<dyn Ask>);
    sources
}

fn with_path(folders: &[&Path]) -> Programs {
    let path =
        std::env::join_paths(folders.iter().copied().chain([Path::new("/usr/bin"), Path::new("/bin")]))
            .unwrap();
    Programs { environment: vec![(OsString::from("PATH"), path)], ask: None }
}

#[test]
fn age_opens_what_we_wrap_and_we_open_what_age_wraps() {
    let dir = tempfile::tempdir().unwrap();
    let Some(native) = age_key(dir.path(), "key") else { return };
    let Some(ed25519) = ssh_key(dir.path(), "ed25519", &["-t", "ed25519"], "") else { return };
    let Some(rsa) = ssh_key(dir.path(), "rsa", &["-t", "rsa", "-b", "2048"], "") else { return };
    let Some(pem) = ssh_key(dir.path(), "pem", &["-t", "rsa", "-b", "3072", "-m", "PEM"], "") else { return };
    let Some(hybrid) = hybrid_key(dir.path(), "hybrid") else { return };
    for pair in [native, ed25519, rsa, pem, hybrid] {
        let ours = pair.wrap();
        let Some(mut age) = peers::command("age") else { return };
        let plain = peers::succeed_with(age.arg("--decrypt").arg("-i").arg(&pair.file), ours.as_bytes());
        assert_eq!(plain, DATA_KEY, "{}", pair.public);

        let Some(mut age) = peers::command("age") else { return };
        let theirs = peers::succeed_with(age.args(["--armor", "-r", &pair.public]), DATA_KEY);
        let theirs = String::from_utf8(theirs).unwrap();
        for enc in [&theirs, &ours, &ours.replace('\n', "\r\n"), &format!("\n{ours}\n\n")] {
            opens(named(&[&pair.file]), &pair.public, enc);
        }
        // the same shape: as many lines, as wide, one stanza, a line feed at the end
        let shape = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(&theirs), shape(&ours), "{theirs}{ours}");
        if let Some(mut inspect) = peers::command("age-inspect") {
            let report = peers::succeed_with(inspect.arg("--json"), ours.as_bytes());
            let report: serde_json::Value = serde_json::from_slice(&report).unwrap();
            assert_eq!(report["stanza_types"].as_array().unwrap().len(), 1, "{report}");
        }
    }
}

#[test]
fn data_keys_and_shares_of_every_length_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let recipient = Recipient::parse(&pair.public).unwrap();
    let keyring = Keyring::new(named(&[&pair.file]));
    for length in [0, 1, 16, 32, 33, 48, 1000] {
        let data_key: Vec<u8> = (0..length).map(|byte| u8::try_from(byte % 251).unwrap()).collect();
        let enc = recipient.wrap(&data_key).unwrap();
        let opened = keyring.unwrap(&[Wrapped { recipient: &pair.public, enc: &enc }]).unwrap();
        assert_eq!(opened.expose(), data_key);
    }
    assert!(recipient.wrap(&vec![0; 70_000]).is_err());
}

#[test]
fn identities_are_found_in_every_place_that_sops_knows() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "") else { return };
    let enc = pair.wrap();
    let none = IdentitySources::default;

    opens(IdentitySources { key_text: Some(pair.secret()), ..none() }, &pair.public, &enc);
    opens(IdentitySources { key_file: Some(pair.file.clone()), ..none() }, &pair.public, &enc);
    let config = dir.path().join("config");
    std::fs::create_dir_all(config.join("sops/age")).unwrap();
    std::fs::copy(&pair.file, config.join("sops/age/keys.txt")).unwrap();
    opens(IdentitySources { config_dir: Some(config), ..none() }, &pair.public, &enc);
    let command = format!("cat '{}' # the key", pair.file.display());
    let sources = IdentitySources { key_command: Some(command), programs: with_path(&[]), ..none() };
    opens(sources, &pair.public, &enc);

    let home = dir.path().join("home");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::copy(&ssh.file, home.join(".ssh/id_ed25519")).unwrap();
    let converted = Recipient::parse(&ssh.public).unwrap().converted().unwrap();
    let command = format!("cat {}", ssh.file.display());
    for sources in [
        IdentitySources { home: Some(home), ..none() },
        IdentitySources { ssh_key_file: Some(ssh.file.clone()), ..none() },
        IdentitySources { ssh_key_command: Some(command), programs: with_path(&[]), ..none() },
        named(&[&ssh.file]),
    ] {
        opens(sources.clone(), &ssh.public, &ssh.wrap());
        opens(sources, converted.as_str(), &converted.wrap(DATA_KEY).unwrap());
    }
}

#[test]
fn a_command_is_told_the_recipient_and_sees_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let script = dir.path().join("give key");
    let text = format!(
        "#!/bin/sh\n[ \"$SOPS_AGE_RECIPIENT\" = '{}' ] || exit 3\nenv | grep -q HUNTER2 && exit 4\ncat '{}'\n",
        pair.public,
        pair.file.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let sources = |command: &str| IdentitySources {
        key_command: Some(command.to_owned()),
        programs: with_path(&[dir.path()]),
        ..IdentitySources::default()
    };
    opens(sources(r"give\ key"), &pair.public, &pair.wrap());
    opens(sources(&format!("\"{}\"", script.display())), &pair.public, &pair.wrap());

    let error = open(sources("'give key'"), "age1other", &pair.wrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    assert!(
        error.hints().iter().any(|hint| hint.contains("SOPS_AGE_KEY_CMD: failed with exit status: 3")),
        "{error:?}"
    );
    for (command, reason) in [
        ("", "set to nothing"),
        ("# x", "set to nothing"),
        ("no-such-program", "not on PATH"),
        ("'open", "a quote is not closed"),
    ] {
        let error = open(sources(command), &pair.public, &pair.wrap()).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.contains(reason)), "{command}: {error:?}");
    }
}

#[test]
fn nobody_having_a_key_is_told_readers_and_places() {
    let dir = tempfile::tempdir().unwrap();
    let Some(reader) = age_key(dir.path(), "reader") else { return };
    let Some(other) = age_key(dir.path(), "other") else { return };
    let Some(third) = age_key(dir.path(), "third") else { return };
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "word") else { return };
    let two = dir.path().join("two");
    std::fs::write(&two, [other.secret().expose(), third.secret().expose()].concat()).unwrap();
    let bad = dir.path().join("bad");
    std::fs::write(&bad, "# mine\n\nAGE-SECRET-KEY-1HUNTER2\n").unwrap();
    let home = dir.path().join("home");
    std::fs::create_dir_all(home.join(".ssh")).unwrap();
    std::fs::copy(&ssh.file, home.join(".ssh/id_ed25519")).unwrap();
    let sources = IdentitySources {
        files: vec![two.clone(), bad.clone(), dir.path().to_path_buf()],
        key_text: Some(Secret::from("")),
        key_file: Some(PathBuf::new()),
        home: Some(home.clone()),
        ..IdentitySources::default()
    };
    let enc = reader.wrap();
    let name = |recipient: &str| (recipient == reader.public).then(|| "users/jon".to_owned());
    let entries = [Wrapped { recipient: &reader.public, enc: &enc }];
    let error = Keyring::new(sources).unwrap_named(&entries, &name).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    assert_eq!(error.to_string(), "none of the keys at hand opens this");
    let shown = error.hints().join("\n");
    for line in [
        format!("it can be read by users/jon ({})", reader.public),
        format!("looked in {}: 2 keys, none of them a reader", two.display()),
        format!("looked in {}: line 3, column 1: malformed identity: its checksum", bad.display()),
        format!("looked in {}: is a directory, not a file", dir.path().display()),
        "looked in SOPS_AGE_KEY: no key in it".to_owned(),
        "looked in SOPS_AGE_KEY_FILE (): set to nothing".to_owned(),
        format!(
            "looked in {}: 1 key behind a passphrase, not a reader",
            home.join(".ssh/id_ed25519").display()
        ),
        format!("looked in {}: not there", home.join(".ssh/id_rsa").display()),
        "not set: SOPS_AGE_KEY_CMD, SOPS_AGE_SSH_PRIVATE_KEY_FILE, SOPS_AGE_SSH_PRIVATE_KEY_CMD".to_owned(),
    ] {
        assert!(shown.contains(&line), "{line}\nis not in\n{shown}");
    }
    assert!(!format!("{error:?}").contains("HUNTER2"));

    let error = Keyring::new(IdentitySources::default()).unwrap(&[]).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);

    let asked = || Programs { ask: Some(Answers::new(&[]) as Arc<dyn Ask>), ..Programs::default() };
    let hints = |sources: IdentitySources| {
        let error = Keyring::new(sources).unwrap_named(&entries, &name).unwrap_err();
        error.hints().join("\n")
    };
    let files = vec![two];
    let known = IdentitySources { files: files.clone(), programs: asked(), ..IdentitySources::default() };
    let neither = "HOME is not set, so nothing was looked for in ~/.ssh and ~/.config/sops/age";
    assert!(hints(known.clone()).contains(neither), "{}", hints(known));
    let shown = hints(IdentitySources { config_dir: Some(home.clone()), ..known.clone() });
    assert!(shown.contains("HOME is not set, so nothing was looked for in ~/.ssh\n"), "{shown}");
    assert!(!hints(IdentitySources { home: Some(home), ..known }).contains("HOME"));
    // a host has no home, and looks for none
    assert!(!hints(IdentitySources { files, ..IdentitySources::default() }).contains("HOME"));
}

#[test]
fn a_recipients_text_that_lies_keeps_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let Some(other) = age_key(dir.path(), "other") else { return };
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "") else { return };
    for recipient in [other.public.as_str(), "", "age1nonsense", ssh.public.as_str()] {
        opens(named(&[&pair.file]), recipient, &pair.wrap());
        opens(named(&[&ssh.file]), recipient, &ssh.wrap());
    }
    // what stands for our own key is encrypted to another one
    let error = open(named(&[&pair.file]), &pair.public, &other.wrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    assert!(error.hints().iter().any(|hint| hint.contains("is encrypted to another key")), "{error:?}");
}

#[test]
fn damage_is_told_from_a_missing_key() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let Some(other) = age_key(dir.path(), "other") else { return };
    let whole = pair.wrap();
    let lines: Vec<_> = whole.lines().collect();
    let changed = |number: usize| {
        let mut lines: Vec<_> = lines.iter().map(|line| (*line).to_owned()).collect();
        let flipped = if lines[number].starts_with('A') { "B" } else { "A" };
        lines[number].replace_range(..1, flipped);
        lines.join("\n")
    };
    let last = lines.len() - 2;
    for enc in [String::new(), "hunter2".into(), lines[..3].join("\n"), changed(last), changed(last - 1)] {
        let error = open(named(&[&pair.file]), &pair.public, &enc).unwrap_err();
        assert_eq!(error.kind(), Kind::Failed, "{error}");
        assert!(
            error.to_string().starts_with(&format!("{}: the encrypted data key is", pair.public)),
            "{error}"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
        // another entry that is whole opens all the same
        let opened = Keyring::new(named(&[&pair.file])).unwrap(&[
            Wrapped { recipient: &pair.public, enc: &enc },
            Wrapped { recipient: &other.public, enc: &whole },
        ]);
        assert!(opened.is_ok());
    }
}

#[test]
fn a_passphrase_is_asked_once_and_only_for_a_reader() {
    let dir = tempfile::tempdir().unwrap();
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "word") else { return };
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let converted = Recipient::parse(&ssh.public).unwrap().converted().unwrap();

    let answers = Answers::new(&["wrong", "word"]);
    let keyring = Keyring::new(asking(named(&[&ssh.file, &pair.file]), &answers));
    let (by_age, by_ssh, by_converted) = (pair.wrap(), ssh.wrap(), converted.wrap(DATA_KEY).unwrap());
    keyring.unwrap(&[Wrapped { recipient: &pair.public, enc: &by_age }]).unwrap();
    assert_eq!(answers.asked(), 0);
    keyring.unwrap(&[Wrapped { recipient: &ssh.public, enc: &by_ssh }]).unwrap();
    keyring.unwrap(&[Wrapped { recipient: converted.as_str(), enc: &by_converted }]).unwrap();
    assert_eq!(answers.asked(), 2);
    assert!(keyring.recipients().contains(&Recipient::parse(&ssh.public).unwrap()));

    let answers = Answers::new(&["a", "b", "c", "word"]);
    let error = open(asking(named(&[&ssh.file]), &answers), &ssh.public, &by_ssh).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("the passphrase is wrong")), "{error:?}");
    assert_eq!(answers.asked(), 3);
    let error = open(named(&[&ssh.file]), &ssh.public, &by_ssh).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.contains("nobody can be asked")), "{error:?}");
}

#[test]
fn ssh_keys_under_every_cipher_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    for cipher in [
        "aes256-ctr",
        "aes256-cbc",
        "aes128-ctr",
        "aes192-ctr",
        "aes128-cbc",
        "aes256-gcm@openssh.com",
        "aes128-gcm@openssh.com",
        "chacha20-poly1305@openssh.com",
    ] {
        let name = cipher.replace('@', "-");
        let Some(pair) = ssh_key(dir.path(), &name, &["-t", "ed25519", "-Z", cipher], "word") else {
            return;
        };
        let answers = Answers::new(&["word"]);
        opens(asking(named(&[&pair.file]), &answers), &pair.public, &pair.wrap());
    }
    let Some(rsa) = ssh_key(dir.path(), "rsa", &["-t", "rsa", "-b", "2048"], "word") else {
        return;
    };
    opens(asking(named(&[&rsa.file]), &Answers::new(&["word"])), &rsa.public, &rsa.wrap());
}

/// `age --passphrase` asks on a terminal; script gives it one.
fn protect(file: &Path, armor: bool) -> Option<Vec<u8>> {
    let age = peers::find("age")?;
    let out = file.with_extension(if armor { "armored" } else { "binary" });
    let flag = if armor { "--armor" } else { "" };
    let command = format!("{} --passphrase {flag} -o {} {}", age.display(), out.display(), file.display());
    let script = format!(
        "set timeout 20\nspawn -noecho {command}\nexpect \"passphrase\"\nsend \"word\\r\"\nexpect \"onfirm\"\nsend \"word\\r\"\nexpect eof\n"
    );
    peers::succeed(peers::command("expect")?.args(["-c", &script]));
    Some(std::fs::read(out).unwrap())
}

#[test]
fn identity_files_behind_a_passphrase_are_opened() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let Some(armored) = protect(&pair.file, true) else { return };
    let Some(binary) = protect(&pair.file, false) else { return };
    let enc = pair.wrap();
    let answers = Answers::new(&["word", "word", "wrong", "wrong", "wrong"]);
    let text = IdentitySources { key_text: Some(Secret::new(armored)), ..IdentitySources::default() };
    opens(asking(text.clone(), &answers), &pair.public, &enc);
    opens(asking(named(&[&pair.file.with_extension("binary")]), &answers), &pair.public, &enc);
    assert!(binary.starts_with(b"age-encryption.org/"));
    let error = open(asking(text, &answers), &pair.public, &enc).unwrap_err();
    assert!(
        error.hints().iter().any(|hint| hint.contains("SOPS_AGE_KEY: the passphrase is wrong")),
        "{error:?}"
    );
    // what a command prints may be such a file too
    let command = format!("cat {}", pair.file.with_extension("armored").display());
    let command = IdentitySources {
        key_command: Some(command),
        programs: with_path(&[]),
        ..IdentitySources::default()
    };
    let answers = Answers::new(&["wrong", "word"]);
    let keyring = Keyring::new(asking(command, &answers));
    for _ in 0..2 {
        let wrapped = ["age1other", &pair.public].map(|recipient| Wrapped { recipient, enc: &enc });
        assert_eq!(keyring.unwrap(&wrapped).unwrap().expose(), DATA_KEY);
    }
    assert_eq!(answers.asked(), 2);
}

#[test]
fn no_passphrase_is_asked_for_again_where_none_would_do() {
    let dir = tempfile::tempdir().unwrap();
    let Some(pair) = age_key(dir.path(), "key") else { return };
    let Some(armored) = protect(&pair.file, true) else { return };
    let armored = String::from_utf8(armored).unwrap();
    let other = pair.wrap();
    // to a key and not behind a passphrase, cut off, and with keys that are none
    std::fs::write(&pair.file, "no key\n").unwrap();
    let Some(garbage) = protect(&pair.file, true) else { return };
    let garbage = String::from_utf8(garbage).unwrap();
    for (file, said) in [
        (other.as_str(), "not an age file that a passphrase protects"),
        (&armored[..armored.len() / 2], "not an age file that a passphrase protects"),
        (&garbage, "line 1, column 1: this is not an identity"),
    ] {
        let answers = Answers::new(&["word"; 3]);
        let sources = IdentitySources { key_text: Some(Secret::from(file)), ..IdentitySources::default() };
        let error = open(asking(sources, &answers), &pair.public, &other).unwrap_err();
        assert!(error.hints().iter().any(|hint| hint.contains(said)), "{said}: {error:?}");
        assert_eq!(answers.asked(), 1, "{said}");
    }
}

#[test]
fn a_converted_ssh_key_is_the_age_key_that_age_itself_knows() {
    let dir = tempfile::tempdir().unwrap();
    for (name, passphrase) in [("plain", ""), ("protected", "word")] {
        let Some(ssh) = ssh_key(dir.path(), name, &["-t", "ed25519"], passphrase) else { return };
        let converted = convert_private(&ssh.secret(), || Some(Secret::from("word"))).unwrap();
        let from_public = convert_public(ssh.public.as_bytes()).unwrap();
        assert_eq!(from_public.to_text(), format!("# jon@cinnabar\n{}\n", converted.recipient));
        assert_eq!(converted.ssh, Recipient::parse(&ssh.public).unwrap());
        let Some(mut keygen) = peers::command("age-keygen") else { return };
        let public = peers::succeed_with(keygen.arg("-y"), converted.identity.expose());
        assert_eq!(String::from_utf8(public).unwrap().trim(), converted.recipient.as_str());
    }
    let Some(protected) = ssh_key(dir.path(), "again", &["-t", "ed25519"], "word") else { return };
    for passphrase in [None, Some("wrong")] {
        let error = convert_private(&protected.secret(), || passphrase.map(Secret::from)).unwrap_err();
        assert!(error.to_string().contains("passphrase"), "{error}");
    }
    for arguments in
        [&["-t", "ecdsa"][..], &["-t", "rsa", "-b", "2048"], &["-t", "rsa", "-b", "2048", "-m", "PEM"]]
    {
        let Some(other) = ssh_key(dir.path(), &arguments.concat(), arguments, "") else { return };
        let error = convert_private(&other.secret(), || None).unwrap_err();
        assert_eq!(error.to_string(), "only ssh-ed25519 keys have an age form");
    }
}

/// Answers all that a plugin asks.
struct Holder;

impl Ask for Holder {
    fn passphrase(&self, what: &str) -> Option<Secret> {
        (what == "PIN").then(|| Secret::from("1234"))
    }

    fn message(&self, text: &str) {
        assert_eq!(text, "touch it");
    }

    fn confirm(&self, question: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        Some((question, yes, no) == ("sure?", "yes", Some("no")))
    }

    fn line(&self, question: &str) -> Option<String> {
        (question == "name").then(|| "jon".to_owned())
    }
}

#[test]
fn a_plugin_that_a_command_names_for_every_reader_is_tried_on_each_once() {
    let stub = Stub::new();
    let programs = with_path(&[stub.folder()]);
    let keyring = Keyring::new(IdentitySources {
        key_command: Some(format!("echo {}", stub_plugin::IDENTITY)),
        programs,
        ..IdentitySources::default()
    });
    let [a, b] = ["1", "2"].map(|_| uvars::keys::generate("now").unwrap().recipient);
    let (for_a, for_b) = (a.wrap(DATA_KEY).unwrap(), b.wrap(DATA_KEY).unwrap());
    let readers = [(&a, &for_a), (&b, &for_b)];
    let wrapped = readers.map(|(recipient, enc)| Wrapped { recipient: recipient.as_str(), enc });
    keyring.unwrap(&wrapped).unwrap_err();
    assert_eq!(stub.opens(), 2);
}

#[test]
fn plugins_wrap_and_open() {
    let recipient = stub_plugin::RECIPIENT;
    let stub = Stub::new();
    let file = stub.folder().join("identity");
    std::fs::write(&file, format!("{}\n", stub_plugin::IDENTITY)).unwrap();
    let programs = with_path(&[stub.folder()]);
    let parsed = Recipient::parse(recipient).unwrap();
    assert_eq!(parsed.plugin(), Some("uvarstest"));
    let wrapped = parsed.wrap_with(DATA_KEY, &programs).unwrap();
    let with = |programs: &Programs| IdentitySources { programs: programs.clone(), ..named(&[&file]) };
    opens(with(&programs), recipient, &wrapped);
    // a plugin may hold keys of other types, so that it is tried on them in the end
    opens(with(&programs), "age1another", &wrapped);

    // the real age speaks to the same plugin
    if let Some(age) = peers::find("age") {
        let run = |arguments: &[&str], input: &[u8]| {
            let mut command = std::process::Command::new(&age);
            command.env_clear().envs(programs.environment.iter().map(|(key, value)| (key, value)));
            peers::succeed_with(command.args(arguments), input)
        };
        let file = file.to_str().unwrap();
        assert_eq!(run(&["--decrypt", "-i", file], wrapped.as_bytes()), DATA_KEY);
        let theirs = String::from_utf8(run(&["--armor", "-r", recipient], DATA_KEY)).unwrap();
        opens(with(&programs), recipient, &theirs);
    }

    stub.turn("asks", "");
    let asked = Programs { ask: Some(Arc::new(Holder)), ..programs.clone() };
    let wrapped = parsed.wrap_with(DATA_KEY, &asked).unwrap();
    opens(with(&asked), recipient, &wrapped);
    assert!(parsed.wrap_with(DATA_KEY, &programs).is_err(), "nobody was there to be asked");
    stub.calm("asks");

    // words of the plugin's own reach the person; a private key among them does not
    for (mood, text, said) in [
        ("fails", "bm8gZGV2aWNl", "the plugin says: no device"),
        ("fails", "QUdFLVBMVUdJTi1VVkFSU1RFU1QtMUhVTlRFUjI", "its message holds a private key"),
        ("dies", "", "the plugin ended before it was done"),
        ("babbles", "", "the plugin does not speak the protocol"),
    ] {
        stub.turn(mood, text);
        let error = parsed.wrap_with(DATA_KEY, &programs).unwrap_err();
        let broken = error.to_string().contains("Broken pipe");
        assert!(error.to_string().contains(said) || broken, "{error}");
        let error = open(with(&programs), recipient, &wrapped).unwrap_err();
        assert_eq!(error.kind(), Kind::NoKey);
        let shown = error.hints().join("\n");
        assert!((shown.contains(said) || broken) && !shown.contains("HUNTER2"), "{shown}");
        stub.calm(mood);
    }
    stub.turn("fails", "bm8gZGV2aWNl");
    stub.turn("quits", "");
    let error = parsed.wrap_with(DATA_KEY, &programs).unwrap_err();
    assert_eq!(error.to_string(), "the plugin says: no device");
    stub.calm("fails");
    stub.calm("quits");
    let missing = "this key needs the program age-plugin-uvarstest, which is not on PATH";
    assert_eq!(parsed.wrap(DATA_KEY).unwrap_err().to_string(), missing);
    let error = open(named(&[&file]), recipient, &wrapped).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint == missing), "{error:?}");
}

/// Made by the real age-keygen; nothing where it is too old for such keys.
fn hybrid_key(dir: &Path, name: &str) -> Option<Pair> {
    let text = String::from_utf8(peers::succeed(peers::command("age-keygen")?.arg("-pq"))).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    Some(Pair { file, public })
}

#[test]
fn hybrid_keys_of_age_and_ours_are_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let Some(theirs) = hybrid_key(dir.path(), "theirs") else { return };
    let recipient = Recipient::parse(&theirs.public).unwrap();
    assert_eq!((recipient.as_str(), recipient.plugin()), (theirs.public.as_str(), None));
    assert_eq!(Keyring::new(named(&[&theirs.file])).recipients(), [recipient]);

    let ours = generate_hybrid("2026-01-01T00:00:00Z").unwrap();
    let file = dir.path().join("ours");
    std::fs::write(&file, ours.text.expose()).unwrap();
    let Some(mut keygen) = peers::command("age-keygen") else { return };
    let public = peers::succeed(keygen.arg("-y").arg(&file));
    assert_eq!(String::from_utf8(public).unwrap().trim(), ours.recipient.as_str());
    let cut = &theirs.public[..theirs.public.len() - 1];
    assert!(Recipient::parse(cut).is_err());
}

#[test]
fn the_key_that_fits_is_found_among_others_of_every_type() {
    let dir = tempfile::tempdir().unwrap();
    let Some(native) = age_key(dir.path(), "native") else { return };
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "") else { return };
    let Some(hybrid) = hybrid_key(dir.path(), "hybrid") else { return };
    let Some(stranger) = hybrid_key(dir.path(), "stranger") else { return };
    let pairs = [&native, &ssh, &hybrid];
    for pair in pairs {
        opens(named(&[&stranger.file, &native.file, &ssh.file, &hybrid.file]), &pair.public, &pair.wrap());
        // the recipient's text proves nothing: it may be that of another key, of another type
        for other in pairs {
            opens(named(&[&hybrid.file, &ssh.file, &native.file]), &other.public, &pair.wrap());
        }
    }
    let error = open(named(&[&stranger.file]), &hybrid.public, &hybrid.wrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::NoKey);
    let shown = error.hints().join("\n");
    assert!(shown.contains("it can be read by age1pq1…"), "{shown}");
    assert!(
        !shown.contains(&hybrid.public) && shown.contains(&hybrid.public[hybrid.public.len() - 12..]),
        "{shown}"
    );
    // what says that it is for this key and is not, and what is for it and damaged
    let error = open(named(&[&stranger.file]), &stranger.public, &hybrid.wrap()).unwrap_err();
    assert!(error.hints().iter().any(|hint| hint.ends_with("is encrypted to another key")), "{error:?}");
    let wrapped = hybrid.wrap();
    let lines: Vec<&str> = wrapped.lines().collect();
    let line = lines[lines.len() - 3];
    let other = if line.starts_with('A') { "B" } else { "A" };
    let damaged = wrapped.replace(line, &format!("{other}{}", &line[1..]));
    let error = open(named(&[&hybrid.file]), &hybrid.public, &damaged).unwrap_err();
    assert_eq!(error.kind(), Kind::Failed);
}

/// A file of the real sops, with one value, for one recipient.
fn sops_file(recipient: &str) -> Option<serde_json::Value> {
    let mut sops = peers::command("sops")?;
    // away from the rules of the sample fleet, which have none for this
    sops.current_dir("/");
    sops.args(["encrypt", "--age", recipient, "--input-type", "json", "--output-type", "json", "/dev/stdin"]);
    let file = peers::succeed_with(&mut sops, br#"{"a": "b"}"#);
    Some(serde_json::from_slice(&file).unwrap())
}

#[test]
fn sops_opens_what_we_wrap_and_we_open_what_sops_wraps() {
    let dir = tempfile::tempdir().unwrap();
    let Some(native) = age_key(dir.path(), "key") else { return };
    let Some(ssh) = ssh_key(dir.path(), "ssh", &["-t", "ed25519"], "") else { return };
    let Some(rsa) = ssh_key(dir.path(), "rsa", &["-t", "rsa", "-b", "2048"], "") else { return };
    let Some(hybrid) = hybrid_key(dir.path(), "hybrid") else { return };
    for (pair, variable) in [
        (native, "SOPS_AGE_KEY_FILE"),
        (hybrid, "SOPS_AGE_KEY_FILE"),
        (ssh, "SOPS_AGE_SSH_PRIVATE_KEY_FILE"),
        (rsa, "SOPS_AGE_SSH_PRIVATE_KEY_FILE"),
    ] {
        let Some(mut file) = sops_file(&pair.public) else { return };
        let entry = &mut file["sops"]["age"][0];
        let enc = entry["enc"].as_str().unwrap().to_owned();
        let wrapped = Wrapped { recipient: entry["recipient"].as_str().unwrap(), enc: &enc };
        let data_key = Keyring::new(named(&[&pair.file])).unwrap(&[wrapped]).unwrap();
        assert_eq!(data_key.len(), 32);

        let recipient = Recipient::parse(&pair.public).unwrap();
        entry["enc"] = recipient.wrap(data_key.expose()).unwrap().into();
        entry["recipient"] = recipient.as_str().into();
        let path = dir.path().join("file.json");
        std::fs::write(&path, file.to_string()).unwrap();
        let Some(mut sops) = peers::command("sops") else { return };
        let plain =
            peers::succeed(sops.env(variable, &pair.file).env("HOME", dir.path()).arg("decrypt").arg(&path));
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&plain).unwrap(),
            serde_json::json!({"a": "b"})
        );
    }
}

#[test]
fn files_of_hybrid_readers_go_to_sops_and_come_from_it_in_every_format() {
    let dir = tempfile::tempdir().unwrap();
    let Some(hybrid) = hybrid_key(dir.path(), "hybrid") else { return };
    let Some(native) = age_key(dir.path(), "native") else { return };
    let both = format!("{},{}", native.public, hybrid.public);
    std::fs::write(dir.path().join(".sops.yaml"), format!("creation_rules:\n  - age: {both}\n")).unwrap();
    let uvars = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_uvars"));
        command.env_clear().env("HOME", "/nonexistent").env("SOPS_AGE_KEY_FILE", &hybrid.file);
        peers::succeed(command.current_dir(dir.path()).args(arguments))
    };
    let sops = |arguments: &[&str]| {
        let mut command = peers::command("sops")?;
        command.env("HOME", "/nonexistent").env("SOPS_AGE_KEY_FILE", &hybrid.file);
        Some(peers::succeed(command.current_dir(dir.path()).args(arguments)))
    };
    for (name, plain) in [
        ("f.yaml", "a: one\n"),
        ("f.json", "{\n\t\"a\": \"one\"\n}\n"),
        ("f.env", "a=one\n"),
        ("f.ini", "[s]\na = one\n"),
        ("f.bin", "one"),
    ] {
        let file = dir.path().join(name);
        std::fs::write(&file, plain).unwrap();
        uvars(&["encrypt", "-i", name]);
        let ours = std::fs::read_to_string(&file).unwrap();
        assert!(ours.contains(&hybrid.public) && !ours.contains("one\n"), "{name}");
        let Some(printed) = sops(&["decrypt", name]) else { return };
        assert_eq!(String::from_utf8(printed).unwrap(), plain, "{name}");
        std::fs::write(&file, plain).unwrap();
        sops(&["encrypt", "-i", name]);
        assert_eq!(String::from_utf8(uvars(&["decrypt", name])).unwrap(), plain, "{name}");
        uvars(&["verify", name]);
    }
}
