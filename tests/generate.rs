//! `uvars generate` and `uvars receive`, driven as a person drives them: what is written, who can read it, what is
//! said, and that nothing is written when anything is wrong.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking"
)]

mod peers;
mod scratch;

use scratch::{INVENTORY, Ran, Scratch, ran, without_terminal};
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use uvars::password;
use uvars::secret::Secret;

const JON: &str = "secrets/accounts/jon.sops.yaml";
const HANDOVER: &str = "secrets/handover/tara/password.sops.yaml";

/// A password that stands nowhere else, so that it can be looked for.
const SECRET: &str = "Zxqvj-Hünd-42";

fn opens(password: &str, hash: &str) -> bool {
    password::verify(&Secret::from(password), hash).unwrap()
}

fn hash_of(scratch: &Scratch, file: &str) -> String {
    scratch.value("admins/ann", file, "password_hash").unwrap()
}

#[test]
fn one_password_from_standard_input() {
    let scratch = Scratch::new();
    let ran = scratch.feed("generate jon --password-stdin", format!("{SECRET}\n").as_bytes()).code(0);
    assert!(!ran.all().contains(SECRET), "{}", ran.all());
    let ran = ran.says("create secrets/accounts/jon.sops.yaml").says("+ hosts/cinnabar").says("+ admins/ann");
    ran.says("no file for jon on rosegold: crypt hashes mean nothing on Darwin").says("1 file written");
    assert_eq!(scratch.secrets().keys().collect::<Vec<_>>(), [JON]);
    assert!(opens(SECRET, &hash_of(&scratch, "accounts/jon")));
    assert!(!opens("Zxqvj", &hash_of(&scratch, "accounts/jon")));
    // the host can read it; its owner, another user, another host cannot
    assert!(scratch.value("hosts/cinnabar", "accounts/jon", "password_hash").is_some());
    for other in ["users/jon", "users/raquel", "hosts/galena", "hosts/rosegold"] {
        assert_eq!(scratch.value(other, "accounts/jon", "password_hash"), None, "{other}");
    }
}

#[test]
fn sops_itself_reads_what_was_written() {
    let Some(mut sops) = peers::command("sops") else { return };
    let scratch = Scratch::new();
    scratch.feed("generate jon --password-stdin", SECRET.as_bytes()).code(0);
    sops.args(["decrypt", "--output-type", "json", JON]).current_dir(scratch.root());
    sops.env("SOPS_AGE_KEY_FILE", scratch.private("hosts/cinnabar"));
    let plain: serde_json::Value = serde_json::from_slice(&peers::succeed(&mut sops)).unwrap();
    let names: Vec<_> = plain.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(names, ["changed", "pair_unencrypted", "password_hash", "user", "uvars_path"]);
    assert_eq!(plain["user"], "jon");
    assert_eq!(plain["uvars_path"], JON);
    assert!(opens(SECRET, plain["password_hash"].as_str().unwrap()));
    assert!(plain["changed"].as_str().unwrap().starts_with("20"));
    let text = scratch.read(JON).unwrap();
    assert!(text.contains(&format!("pair_unencrypted: {}", plain["pair_unencrypted"].as_str().unwrap())));
}

#[test]
fn running_it_again_changes_nothing() {
    let scratch = Scratch::new();
    scratch.feed("generate jon --password-stdin", SECRET.as_bytes()).code(0);
    scratch.feed("generate tara", b"").code(0);
    let before = scratch.secrets();
    let inode = fs::metadata(scratch.root().join(JON)).unwrap().ino();
    for line in
        ["generate jon", "generate jon --password-stdin", "generate jon tara", "generate jon --random"]
    {
        scratch.feed(line, b"another\n").code(0).says("nothing to generate");
    }
    assert_eq!(scratch.secrets(), before);
    assert_eq!(fs::metadata(scratch.root().join(JON)).unwrap().ino(), inode);
}

#[test]
fn a_made_password_waits_for_its_owner_alone() {
    let scratch = Scratch::new();
    let ran = scratch.run("generate tara").code(0);
    let ran = ran.says("six random words").says("+ users/tara").says("2 files written");
    let ran = ran.says("waits for its owner: uvars receive");
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    assert_eq!(made.split('-').count().clamp(6, 12), made.split('-').count(), "{made}");
    assert!(!ran.all().contains(&made));
    assert!(opens(&made, &hash_of(&scratch, "accounts/tara")));
    for other in ["admins/ann", "hosts/cinnabar", "users/jon"] {
        assert_eq!(scratch.value(other, "handover/tara/password", "password"), None, "{other}");
    }
    let pair = |file: &str, who: &str| scratch.value(who, file, "pair_unencrypted").unwrap();
    assert_eq!(pair("accounts/tara", "admins/ann"), pair("handover/tara/password", "users/tara"));
}

#[test]
fn each_host_gets_its_own_answer() {
    let scratch = Scratch::new();
    let answers = scratch.private_file("a.yaml", "raquel:\n  cinnabar: for-cinnabar\n  '*': for-the-rest\n");
    scratch.run(&format!("generate raquel --answers {}", answers.display())).code(0).says("2 files written");
    assert!(opens("for-cinnabar", &hash_of(&scratch, "accounts/raquel@cinnabar")));
    assert!(opens("for-the-rest", &hash_of(&scratch, "accounts/raquel@galena")));
    assert_eq!(scratch.value("admins/ann", "accounts/raquel@galena", "host").as_deref(), Some("galena"));
    assert_eq!(scratch.value("hosts/galena", "accounts/raquel@cinnabar", "host"), None);
}

#[test]
fn answers_come_in_many_ways() {
    let both = "jon: pw-jon\nraquel: pw-raquel\n";
    let check = |scratch: &Scratch, ran: Ran| {
        ran.code(0).says("3 files written");
        assert!(opens("pw-jon", &hash_of(scratch, "accounts/jon")));
        assert!(opens("pw-raquel", &hash_of(scratch, "accounts/raquel@galena")));
    };
    let scratch = Scratch::new();
    let yaml = scratch.private_file("a.yaml", both);
    check(&scratch, scratch.run(&format!("generate jon raquel --answers {}", yaml.display())));
    let scratch = Scratch::new();
    let json = scratch.private_file("a.json", r#"{"jon": "pw-jon", "raquel": {"*": "pw-raquel"}}"#);
    check(&scratch, scratch.run(&format!("generate jon raquel --answers {}", json.display())));
    let scratch = Scratch::new();
    check(&scratch, scratch.feed("generate jon raquel --answers -", both.as_bytes()));
    let scratch = Scratch::new();
    let mut command = scratch.uvars(["generate", "jon", "raquel"]);
    command.env("UVARS_PASSWORD_JON", "pw-jon").env("UVARS_PASSWORD_RAQUEL", "pw-raquel");
    check(&scratch, ran(&mut without_terminal(&command), b""));
}

#[test]
fn answers_in_a_pipe_of_the_shell() {
    let scratch = Scratch::new();
    let mut bash = std::process::Command::new("bash");
    let line = format!("{} generate jon --answers <(echo 'jon: pw-jon')", env!("CARGO_BIN_EXE_uvars"));
    bash.args(["-c", &line]).current_dir(scratch.root());
    ran(&mut bash, b"").code(0);
    assert!(opens("pw-jon", &hash_of(&scratch, "accounts/jon")));
}

#[test]
fn answers_in_a_sops_file() {
    let Some(mut sops) = peers::command("sops") else { return };
    let scratch = Scratch::new();
    let clear = scratch.private_file("clear.yaml", "jon: pw-jon\n");
    let recipient = scratch.read("keys/admins/ann.pub").unwrap();
    sops.args(["encrypt", "--age", recipient.trim()]).arg(clear).current_dir(scratch.root());
    // readable by everybody and tracked by git: it is encrypted
    scratch.write("answers.sops.yaml", &String::from_utf8(peers::succeed(&mut sops)).unwrap());
    git(&scratch, &["init", "-q"]);
    git(&scratch, &["add", "answers.sops.yaml"]);
    scratch.run("generate jon --answers answers.sops.yaml").code(4);
    assert!(scratch.secrets().is_empty());
    scratch.run_as("admins/ann", "generate jon --answers answers.sops.yaml").code(0);
    assert!(opens("pw-jon", &hash_of(&scratch, "accounts/jon")));
}

#[test]
fn precedence_and_answers_that_nobody_wanted() {
    let scratch = Scratch::new();
    let answers = scratch.private_file("a.yaml", "jon: from-file\nraquel: unused\n");
    let line = format!("generate jon --answers {}", answers.display());
    let mut command = scratch.uvars(line.split(' '));
    command.env("UVARS_PASSWORD_JON", "from-environment").env("UVARS_PASSWORD_NOBODY", "x");
    let ran = ran(&mut without_terminal(&command), b"").code(0);
    let ran = ran.says("the answer for raquel in").says("was not needed");
    ran.says("UVARS_PASSWORD_JON was not needed").says("UVARS_PASSWORD_NOBODY was not needed");
    assert!(opens("from-file", &hash_of(&scratch, "accounts/jon")));
}

#[test]
fn wrong_answers_are_refused_and_nothing_is_written() {
    let scratch = Scratch::new();
    let long = format!("jon: fine\nraquel: {SECRET}{}\n", "x".repeat(512));
    let cases: [(&str, &[u8], &str); 14] = [
        ("jon raquel", long.as_bytes(), "raquel: the password has"),
        ("jon raquel", b"jno: a\n", "there is no user \"jno\" in the fleet"),
        ("jon raquel", b"jon: {cinnabar: a}\n", "jon.cinnabar: jon has one password for all hosts"),
        ("jon raquel", b"raquel: {rosegold: a}\n", "raquel.rosegold: raquel has no account on rosegold"),
        ("jon raquel", b"raquel: {galeena: a}\n", "there is no host \"galeena\" in the fleet"),
        ("jon", b"jon: 12345\n", "jon: a password is text, and this is a number"),
        ("jon", b"jon:\n", "jon: a password is text, and this is null"),
        ("jon", b"jon: ''\n", "jon: the password is empty"),
        ("jon", b"jon: [a]\n", "jon: a password is text, and this is a list"),
        ("jon", "jon: \"Zxqvj-Hünd-42\\n\\nmore\"\n".as_bytes(), "a line break, which no login can type"),
        ("jon", "Zxqvj-Hünd-42".as_bytes(), "is no YAML or JSON map from users to passwords"),
        ("jon", "jon: \"Zxqvj-Hünd-42".as_bytes(), "is no YAML or JSON map from users to passwords"),
        ("jon", b"jon: \"\xff\"\n", "is not UTF-8"),
        ("tara", b"tara: given\n", "an answer is given, but this password is generated"),
    ];
    for (names, text, message) in cases {
        let answers = scratch.private_file("a.yaml", text);
        let ran = scratch.run(&format!("generate {names} --answers {}", answers.display())).code(1);
        let ran = ran.says(message);
        assert!(!ran.all().contains("Zxqvj"), "{}", ran.all());
        assert!(scratch.secrets().is_empty(), "{message}");
    }
    scratch.run("generate jon --answers nowhere.yaml").code(1).says("there is no such file");
}

#[test]
fn standard_input_is_for_one_answer() {
    let scratch = Scratch::new();
    let feed = |line: &str, input: &[u8]| {
        let ran = scratch.feed(line, input);
        assert!(scratch.secrets().is_empty());
        ran
    };
    let ran = feed("generate --password-stdin", b"a\n").code(2);
    ran.says("--password-stdin gives one password, and 3 are wanted")
        .says("raquel on galena")
        .says("--answers FILE");
    feed("generate tara --password-stdin", b"a\n").code(2).says("no password is to be typed here");
    feed("generate jon --password-stdin", b"a\nb\n").code(1).says("holds more than one line");
    feed("generate jon --password-stdin", b"").code(1).says("the password is empty");
    feed("generate jon --password-stdin --answers -", b"a").code(2).says("both want standard input");
}

#[test]
fn two_users_for_one_variable() {
    let inventory = INVENTORY.replace(
        "  tara:",
        "  jon-x: { hosts: [galena], password: {} }\n  jon.x: { hosts: [galena], password: {} }\n  tara:",
    );
    let scratch = Scratch::with(&inventory);
    let mut command = scratch.uvars(["generate", "jon"]);
    command.env("UVARS_PASSWORD_JON_X", "a").env("UVARS_PASSWORD_JON", "b");
    let ran = ran(&mut without_terminal(&command), b"").code(1);
    ran.says("UVARS_PASSWORD_JON_X could be for jon-x or for jon.x");
    assert!(scratch.secrets().is_empty());
}

#[test]
fn files_of_answers_that_others_could_read() {
    let scratch = Scratch::new();
    let answers = scratch.private_file("a.yaml", "jon: pw\n");
    let line = format!("generate jon --answers {}", answers.display());
    fs::set_permissions(&answers, fs::Permissions::from_mode(0o640)).unwrap();
    scratch.run(&line).code(1).says("in a file that others can read").says("chmod 600");
    fs::set_permissions(&answers, fs::Permissions::from_mode(0o600)).unwrap();
    git(&scratch, &["init", "-q"]);
    let inside = scratch.root().join("a.yaml");
    fs::rename(&answers, &inside).unwrap();
    git(&scratch, &["add", "a.yaml"]);
    scratch.run("generate jon --answers a.yaml").code(1).says("in clear in a file that git tracks");
    assert!(scratch.secrets().is_empty());
    git(&scratch, &["rm", "-q", "--cached", "a.yaml"]);
    scratch.run("generate jon --answers a.yaml").code(0);
}

#[test]
fn without_a_terminal_the_other_ways_are_named() {
    let scratch = Scratch::new();
    let ran = scratch.run("generate jon").code(1).says("there is no terminal to ask on");
    ran.says("--password-stdin").says("--answers FILE").says("UVARS_PASSWORD_JON").says("--random");
    assert!(scratch.secrets().is_empty());
}

#[test]
fn a_dry_run_asks_and_writes_nothing() {
    let scratch = Scratch::new();
    let ran =
        scratch.run("generate --dry-run").code(0).says("create secrets/accounts/raquel@galena.sops.yaml");
    ran.says("create secrets/handover/tara/password.sops.yaml").says("would ask for the password of jon");
    assert!(scratch.secrets().is_empty());
    assert!(!scratch.root().join(".uvars").exists());
    scratch.run("generate tara").code(0);
    let before = scratch.secrets();
    let ran =
        scratch.run("generate tara --regenerate --dry-run").code(0).says("change secrets/accounts/tara");
    ran.says("replaces one that was not received yet").says("= hosts/cinnabar");
    assert_eq!(scratch.secrets(), before);
}

#[test]
fn regenerating_needs_no_private_key() {
    let scratch = Scratch::new();
    scratch.run("generate tara").code(0);
    let (account, first) = (scratch.secrets(), hash_of(&scratch, "accounts/tara"));
    let ran =
        scratch.run("generate tara --regenerate").code(0).says("replaces one that was not received yet");
    drop(ran);
    assert_ne!(hash_of(&scratch, "accounts/tara"), first);
    assert_ne!(scratch.secrets()[HANDOVER], account[HANDOVER]);
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    assert!(opens(&made, &hash_of(&scratch, "accounts/tara")));
}

#[test]
fn a_typed_password_takes_the_waiting_one_away() {
    let scratch = Scratch::new();
    scratch.run("generate jon --random").code(0);
    assert!(scratch.read("secrets/handover/jon/password.sops.yaml").is_some());
    let ran = scratch.feed("generate jon --regenerate --password-stdin", b"typed\n").code(0);
    ran.says("remove secrets/handover/jon/password.sops.yaml").says("will no longer be the right one");
    assert_eq!(scratch.read("secrets/handover/jon/password.sops.yaml"), None);
    assert!(opens("typed", &hash_of(&scratch, "accounts/jon")));
}

#[test]
fn one_host_of_several() {
    let scratch = Scratch::new();
    scratch.feed("generate raquel@galena --password-stdin", b"one\n").code(0).says("1 file written");
    scratch.feed("generate raquel --password-stdin", b"two\n").code(0).says("1 file written");
    let kept = hash_of(&scratch, "accounts/raquel@cinnabar");
    scratch.feed("generate accounts/raquel@galena --regenerate --password-stdin", b"three\n").code(0);
    assert!(opens("three", &hash_of(&scratch, "accounts/raquel@galena")));
    assert_eq!(hash_of(&scratch, "accounts/raquel@cinnabar"), kept);
    assert!(opens("two", &kept));
}

#[test]
fn names_that_nobody_has() {
    let scratch = Scratch::new();
    scratch.run("generate jno").code(2).says("there is no user \"jno\"").says("did you mean jon?");
    scratch.run("generate zzzzzz").code(2).says("uvars user list");
    scratch.run("generate raquel@galenna").code(2).says("did you mean galena?");
    scratch.run("generate raquel@rosegold").code(2).says("raquel has no account on rosegold");
    scratch.run("generate jon@cinnabar").code(2).says("one password for all hosts").says("write jon alone");
    scratch.run("generate --regenerate").code(2).says("wants to be told whose");
    assert!(scratch.secrets().is_empty());
}

#[test]
fn a_user_without_a_key_is_an_error_before_the_first_question() {
    let scratch = Scratch::new();
    fs::remove_file(scratch.root().join("keys/users/tara.pub")).unwrap();
    // no terminal here: had anything been asked first, that would be the error
    let ran = scratch.run("generate").code(1).says("tara has no key");
    ran.says("uvars key add users/tara FILE");
    assert!(scratch.secrets().is_empty());
    fs::remove_file(scratch.root().join("keys/users/jon.pub")).unwrap();
    scratch.run("generate jon --random").code(1).says("jon has no key");
    scratch.feed("generate jon --password-stdin", b"typed\n").code(0);
}

#[test]
fn keep_hands_a_typed_password_over_too() {
    let inventory = INVENTORY.replace("{ share: true } }", "{ share: true, keep: true } }");
    let scratch = Scratch::with(&inventory);
    scratch.feed("generate jon --password-stdin", SECRET.as_bytes()).code(0).says("2 files written");
    assert_eq!(scratch.value("users/jon", "handover/jon/password", "password").as_deref(), Some(SECRET));
    assert_eq!(scratch.value("admins/ann", "handover/jon/password", "password"), None);
}

#[test]
fn plaintext_is_for_hosts_that_hash_themselves() {
    let inventory = INVENTORY.replace("{ share: true } }", "{ share: true, format: plaintext } }");
    let scratch = Scratch::with(&inventory);
    let ran =
        scratch.feed("generate jon --password-stdin", SECRET.as_bytes()).code(0).says("the plaintext of");
    ran.says("+ hosts/rosegold");
    assert_eq!(scratch.value("hosts/rosegold", "accounts/jon", "password").as_deref(), Some(SECRET));
    // the inventory changes its mind: said, and mended only when asked for
    scratch.write("uvars.yaml", INVENTORY);
    let before = scratch.secrets();
    let ran = scratch.run("generate jon").code(0).says("does not hold a hash, as uvars.yaml says now");
    ran.says("--regenerate");
    assert_eq!(scratch.secrets(), before);
    let ran = scratch.feed("generate jon --regenerate --password-stdin", b"new\n").code(0);
    ran.says("- age1").says("keys/ and uvars.yaml no longer name it");
    assert!(opens("new", &hash_of(&scratch, "accounts/jon")));
    assert_eq!(scratch.value("hosts/rosegold", "accounts/jon", "password_hash"), None);
}

#[test]
fn policies_and_pending_hosts() {
    let inventory = "\
version: 1
settings: { password_hash: { kind: bcrypt, cost: 4 } }
hosts:
  cinnabar: { platform: nixos }
  galena: { platform: nixos }
  zinc: { platform: linux, key: pending }
users:
  gone: { hosts: [cinnabar], policy: absent, password: {} }
  jon: { hosts: [cinnabar, galena, zinc], password: {}, on: { galena: { policy: absent } } }
  none: { hosts: [cinnabar], password: false }
  raquel: { hosts: [cinnabar], policy: locked, password: {} }
";
    let scratch = Scratch::with(inventory);
    let ran = scratch.run("generate gone none").code(0).says("nothing for none: password: false");
    ran.says("nothing for gone").says("nothing to generate");
    let answers = scratch.private_file("a.yaml", "jon: pw\nraquel: pw\n");
    let ran = scratch.run(&format!("generate --answers {}", answers.display())).code(0);
    ran.says("secrets/accounts/jon@zinc.sops.yaml leaves out hosts/zinc");
    assert_eq!(
        scratch.secrets().keys().collect::<Vec<_>>(),
        [
            "secrets/accounts/jon@cinnabar.sops.yaml",
            "secrets/accounts/jon@zinc.sops.yaml",
            "secrets/accounts/raquel@cinnabar.sops.yaml"
        ]
    );
    assert!(hash_of(&scratch, "accounts/jon@zinc").starts_with("$2b$04$"));
    let long = scratch.private_file("b.yaml", format!("jon: {}\n", "x".repeat(73)));
    let ran = scratch.run(&format!("generate jon --regenerate --answers {}", long.display())).code(1);
    ran.says("of which bcrypt would use 72");
}

#[test]
fn nobody_to_read_it_is_an_error() {
    let inventory = "\
version: 1
hosts:
  zinc: { platform: linux, key: pending }
users:
  jon: { hosts: [zinc], password: {} }
";
    let scratch = Scratch::with(inventory);
    fs::remove_dir_all(scratch.root().join("keys/admins")).unwrap();
    fs::remove_dir_all(scratch.root().join("keys/hosts")).unwrap();
    fs::remove_dir_all(scratch.root().join("keys/users")).unwrap();
    let ran = scratch.run("generate jon").code(1).says("secrets/accounts/jon@zinc.sops.yaml");
    drop(ran.says("hint:"));
    assert!(scratch.secrets().is_empty());
}

#[test]
fn a_file_that_holds_more_than_ours_is_never_replaced() {
    let Some(mut sops) = peers::command("sops") else { return };
    let scratch = Scratch::new();
    scratch.feed("generate jon --password-stdin", b"a\n").code(0);
    sops.args(["set", JON, r#"["token"]"#, r#""x""#]).current_dir(scratch.root());
    peers::succeed(sops.env("SOPS_AGE_KEY_FILE", scratch.private("admins/ann")));
    let before = scratch.secrets();
    let ran = scratch.feed("generate jon --regenerate --password-stdin", b"b\n").code(1);
    ran.says("accounts/jon.sops.yaml: token: is no part of an account, and would be lost");
    assert_eq!(scratch.secrets(), before);
    scratch.write(JON, "user: jon\n");
    scratch.feed("generate jon --password-stdin", b"b\n").code(1).says(JON);
    assert_eq!(scratch.read(JON).as_deref(), Some("user: jon\n"));
}

#[test]
fn what_lies_where_share_was_changed_is_named() {
    let scratch = Scratch::new();
    scratch.feed("generate jon --password-stdin", b"a\n").code(0);
    scratch.write("uvars.yaml", &INVENTORY.replace("{ share: true } }\n  raquel", "{} }\n  raquel"));
    let ran = scratch.feed("generate jon --password-stdin", b"b\n").code(0);
    ran.says("accounts/jon.sops.yaml is used no longer")
        .says("create secrets/accounts/jon@cinnabar.sops.yaml");
}

#[test]
fn received_once_by_its_owner() {
    let scratch = Scratch::new();
    scratch.run("generate tara").code(0);
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    let before = scratch.secrets();
    scratch.run_as("users/jon", "receive").code(0).says("nothing waits for you");
    scratch.run_as("users/jon", "receive tara").code(4);
    scratch.run("receive tara").code(4);
    scratch.run_as("users/tara", "receive --dry-run").code(0).says(HANDOVER);
    assert_eq!(scratch.secrets(), before);
    let ran = scratch.run_as("users/tara", "receive").code(0);
    assert_eq!(ran.out, format!("{made}\n"));
    drop(ran.says("deleted secrets/handover/tara/password.sops.yaml"));
    assert!(!scratch.root().join("secrets/handover").exists());
    scratch.run_as("users/tara", "receive").code(0).says("nothing waits for you");
    scratch.run_as("users/tara", "receive tara").code(1).says("nothing called tara waits");
}

#[test]
fn received_into_a_file_that_only_its_owner_reads() {
    let scratch = Scratch::new();
    scratch.run("generate tara").code(0);
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    let taken = scratch.private_file("taken", "mine");
    scratch.run_as("users/tara", &format!("receive --out {}", taken.display())).code(1);
    assert_eq!(fs::read(&taken).unwrap(), b"mine");
    assert!(scratch.read(HANDOVER).is_some(), "nothing is deleted that has not arrived");
    let out = scratch.beside("out");
    let ran = scratch.run_as("users/tara", &format!("receive tara/password --out {}", out.display())).code(0);
    assert!(!ran.all().contains(&made));
    assert_eq!(fs::read_to_string(&out).unwrap(), format!("{made}\n"));
    assert_eq!(fs::metadata(&out).unwrap().mode() & 0o777, 0o600);
    assert_eq!(scratch.read(HANDOVER), None);
}

#[test]
fn nothing_is_deleted_that_did_not_arrive_nor_shown_that_cannot_be_deleted() {
    let scratch = Scratch::new();
    scratch.run("generate raquel --random").code(0);
    let before = scratch.secrets();
    // a file holds one value
    let out = scratch.beside("out");
    scratch.run_as("users/raquel", &format!("receive --out {}", out.display())).code(2).says("2 values wait");
    assert!(!out.exists());
    // nobody gets what goes to a full disk
    let mut full = scratch.uvars(["receive"]);
    full.env("SOPS_AGE_KEY_FILE", scratch.private("users/raquel"));
    full.stdout(fs::File::options().write(true).open("/dev/full").unwrap())
        .stderr(std::process::Stdio::null());
    assert_eq!(full.status().unwrap().code(), Some(1));
    assert_eq!(scratch.secrets(), before);
    // a link is never removed
    scratch.run("generate tara").code(0);
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    fs::rename(scratch.root().join(HANDOVER), scratch.root().join("kept.yaml")).unwrap();
    std::os::unix::fs::symlink("../../../kept.yaml", scratch.root().join(HANDOVER)).unwrap();
    let ran = scratch.run_as("users/tara", "receive").code(1);
    assert!(!ran.all().contains(&made), "{}", ran.all());
    drop(ran.says("is a link; uvars removes files only"));
    assert!(scratch.read("kept.yaml").is_some());
}

#[test]
fn what_was_changed_after_it_was_opened_is_not_deleted() {
    use uvars::{fs::Root, keys, vars};
    let scratch = Scratch::new();
    scratch.run("generate tara").code(0);
    let root = Root::open(&scratch.root()).unwrap();
    let keyring = keys::Keyring::new(keys::IdentitySources {
        files: vec![scratch.private("users/tara")],
        ..keys::IdentitySources::default()
    });
    let received: Vec<_> = vars::waiting(&root, None)
        .unwrap()
        .0
        .into_iter()
        .map(|item| item.open(&keyring, &|_| None).unwrap())
        .collect();
    assert_eq!(received.len(), 1);
    scratch.run("generate tara --regenerate").code(0);
    let newer = scratch.read(HANDOVER);
    let lock = root.lock(std::time::Duration::ZERO).unwrap();
    let error = vars::take(&received).commit(&lock).unwrap_err().to_string();
    assert!(error.contains("was changed by somebody else meanwhile"), "{error}");
    assert_eq!(scratch.read(HANDOVER), newer);
}

#[test]
fn received_as_json() {
    let scratch = Scratch::new();
    scratch.run("generate raquel --random").code(0);
    let ran = scratch.run_as("users/raquel", "receive --json").code(0);
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list.as_array().unwrap().len(), 2);
    assert_eq!(list[0]["item"], "password@cinnabar");
    assert!(opens(list[1]["value"].as_str().unwrap(), &hash_of(&scratch, "accounts/raquel@galena")));
    let ran = scratch.run_as("users/raquel", "receive --json").code(0);
    assert_eq!(ran.out, "[]\n");
}

#[test]
fn what_waits_as_json() {
    let scratch = Scratch::new();
    let dry = |who| {
        let ran = scratch.run_as(who, "receive --json --dry-run").code(0);
        serde_json::from_str::<serde_json::Value>(&ran.out).unwrap()
    };
    assert_eq!(dry("users/tara"), serde_json::json!([]));
    scratch.run("generate tara").code(0);
    let expected = serde_json::json!([{ "path": HANDOVER, "user": "tara", "item": "password" }]);
    assert_eq!(dry("users/tara"), expected);
    assert_eq!(dry("users/tara"), expected, "nothing was deleted");
    assert_eq!(dry("users/jon"), serde_json::json!([]));
}

#[test]
fn what_waits_for_others_is_received_by_name_alone() {
    let scratch = Scratch::with(&INVENTORY.replace("cost: 1 } }", "cost: 1 }, recovery_personal: true }"));
    scratch.give_key("recovery/safe");
    scratch.run("generate tara raquel --random").code(0);
    let before = scratch.secrets();
    let named = |ran: Ran, item: &str| {
        ran.says(&format!(
            "secrets/handover/{item}.sops.yaml waits for {}, and stays; by name it can be opened: uvars receive {item}",
            item.split('/').next().unwrap()
        ))
    };
    for line in
        ["receive", "receive --store", "receive --dry-run", "receive --json", "receive --dry-run --json"]
    {
        let ran = scratch.run_as("recovery/safe", line).code(0);
        assert_eq!(ran.out, if line.contains("json") { "[]\n" } else { "" }, "{line}");
        let ran = named(ran, "tara/password");
        drop(named(named(ran, "raquel/password@galena"), "raquel/password@cinnabar"));
        assert_eq!(scratch.secrets(), before, "{line}");
    }
    // beside one's own
    let both = format!("--identity {} receive", scratch.private("users/tara").display());
    let made = scratch.value("users/tara", "handover/tara/password", "password").unwrap();
    let ran = named(scratch.run_as("recovery/safe", &both).code(0), "raquel/password@galena");
    assert_eq!(ran.out, format!("{made}\n"));
    assert_eq!(scratch.read(HANDOVER), None);
    // by name
    let made = scratch.value("users/raquel", "handover/raquel/password@galena", "password").unwrap();
    let ran = scratch.run_as("recovery/safe", "receive raquel/password@galena").code(0);
    assert_eq!(ran.out, format!("{made}\n"));
    // whom one's key is registered for as an admin too makes no difference
    scratch.write("keys/admins/tara.pub", &scratch.read("keys/users/tara.pub").unwrap());
    scratch.run("generate tara --random --regenerate").code(0);
    let ran = scratch.run_as("users/tara", "receive").code(0).says("deleted");
    assert_eq!(ran.out.lines().count(), 1);
}

#[test]
fn what_waits_for_a_second_login_is_its_owners() {
    let second = "  tara-ops: { hosts: [galena], key: tara, password: { prompt: false, share: true } }\n";
    // whoever has the name of a login, and not its key, does not own what waits for it
    let other = "  raquel-ops: { hosts: [galena], key: raquel, password: { prompt: false, share: true } }\n";
    let scratch = Scratch::with(&format!("{INVENTORY}{second}{other}"));
    scratch.write("keys/users/raquel-ops.pub", &scratch.read("keys/users/tara.pub").unwrap());
    scratch.run("generate tara tara-ops raquel-ops").code(0).says("waits for its owner: uvars receive");
    let item = "secrets/handover/tara-ops/password.sops.yaml";
    let ran = scratch.run_as("users/tara", "receive --dry-run").code(0);
    assert_eq!(ran.out, format!("{item}\n{HANDOVER}\n"));
    assert!(!ran.err.contains("by name"), "{}", ran.err);
    let ran = scratch.run_as("users/tara", "receive").code(0);
    assert_eq!(ran.out.lines().count(), 2);
    let ran = scratch.run_as("users/raquel", "receive --dry-run").code(0);
    assert_eq!(ran.out, "secrets/handover/raquel-ops/password.sops.yaml\n");
    // a login that has left the inventory is known by its name alone
    scratch.write("uvars.yaml", &INVENTORY.replace("raquel: {", "rachel: { key: raquel,"));
    let ran = scratch.run_as("users/raquel", "receive --dry-run").code(0);
    assert_eq!(ran.out, "");
    drop(ran.says("waits for raquel-ops, and stays"));
    scratch.run("generate tara --regenerate").code(0);
    let left = INVENTORY.lines().filter(|line| !line.contains("tara:")).collect::<Vec<_>>().join("\n");
    scratch.write("uvars.yaml", &left);
    let ran = scratch.run_as("users/tara", "receive --dry-run").code(0);
    assert_eq!(ran.out, format!("{HANDOVER}\n"));
}

#[test]
fn stored_in_the_owners_file() {
    let scratch = Scratch::new();
    scratch.run("generate raquel --random").code(0);
    let made = scratch.value("users/raquel", "handover/raquel/password@galena", "password").unwrap();
    let ran = scratch.run_as("users/raquel", "receive raquel/password@galena --store").code(0);
    assert!(!ran.all().contains(&made), "{}", ran.all());
    let get = |key: &str| {
        let mut command = scratch.uvars(["get", "users/raquel", key]);
        command.env("SOPS_AGE_KEY_FILE", scratch.private("users/raquel"));
        scratch::ran(&mut command, b"")
    };
    assert_eq!(get(r#"["received"]["password@galena"]"#).code(0).out.trim_end(), made);
    // into the file that is there now, which keeps its other values
    scratch.run_as("users/raquel", "receive --store").code(0);
    assert_eq!(get(r#"["received"]["password@galena"]"#).code(0).out.trim_end(), made);
    drop(get(r#"["received"]["password@cinnabar"]"#).code(0));
    assert_eq!(
        scratch.secrets().keys().filter(|path| !path.contains("accounts")).collect::<Vec<_>>(),
        ["secrets/users/raquel.sops.yaml"]
    );
    assert_eq!(scratch.value("admins/ann", "users/raquel", "uvars_path"), None);
}

#[test]
fn a_host_that_reads_the_owners_file_must_not_learn_the_password() {
    let inventory = INVENTORY.replace("  tara: { hosts", "  tara: { integrated: [cinnabar], hosts");
    let scratch = Scratch::with(&inventory);
    scratch.run("generate tara").code(0);
    let before = scratch.secrets();
    let ran = scratch.run_as("users/tara", "receive --store").code(1);
    drop(ran.says("the host cinnabar reads this file, and would learn the password").says("--out FILE"));
    assert_eq!(scratch.secrets(), before);
}

fn git(scratch: &Scratch, arguments: &[&str]) {
    let mut git = std::process::Command::new("git");
    git.args(arguments).current_dir(scratch.root()).env("GIT_CONFIG_GLOBAL", "/dev/null");
    assert!(git.status().unwrap().success());
}

#[test]
fn every_kind_of_hash_takes_the_longest_password_and_no_longer_one() {
    for (settings, start, longest) in [
        ("{ kind: yescrypt, cost: 1 }", "$y$", 511),
        ("{ kind: sha512-crypt, rounds: 1000 }", "$6$", 511),
        ("{ kind: bcrypt, cost: 4 }", "$2b$", 72),
    ] {
        let scratch = Scratch::with(&INVENTORY.replace("{ kind: yescrypt, cost: 1 }", settings));
        // non-ASCII, and exactly as many bytes
        let whole = format!("{}{}", "ü".repeat(longest / 2), "x".repeat(longest % 2));
        assert_eq!(whole.len(), longest);
        let refused = scratch.feed("generate jon --password-stdin", format!("{whole}x\n").as_bytes()).code(1);
        let refused = refused.says(&format!("{} bytes", longest + 1)).says(&longest.to_string());
        assert!(!refused.all().contains("üü"));
        scratch.feed("generate jon --password-stdin", b"a\0b\n").code(1).says("NUL");
        assert!(scratch.secrets().is_empty());
        scratch.feed("generate jon --password-stdin", whole.as_bytes()).code(0);
        let hash = hash_of(&scratch, "accounts/jon");
        assert!(hash.starts_with(start), "{hash}");
        assert!(opens(&whole, &hash) && !opens(&whole.replacen('ü', "", 1), &hash));
        // login programs ask libcrypt
        let Some(mut python) = peers::command("python3") else { return };
        let script = "import ctypes, ctypes.util, os; lib = ctypes.CDLL(ctypes.util.find_library('crypt') or 'libcrypt.so.1'); lib.crypt.restype = ctypes.c_char_p; stored = os.environb[b'HASH']; print(lib.crypt(os.environb[b'PASSWORD'], stored) == stored)";
        let said = peers::succeed(python.args(["-c", script]).env("HASH", &hash).env("PASSWORD", &whole));
        assert_eq!(String::from_utf8(said).unwrap(), "True\n");
    }
}

#[test]
fn answers_in_the_environment_reach_no_child() {
    let scratch = Scratch::new();
    let told = scratch.beside("told");
    let script = scratch.private_file(
        "key",
        format!("#!/bin/sh\nenv > {}\ncat {}\n", told.display(), scratch.private("admins/ann").display()),
    );
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    // answers in a sops file of ann's, whose key a program prints
    let inventory = INVENTORY.replace("users:", "shared: { answers: {} }\nusers:");
    scratch.write("uvars.yaml", &inventory);
    ran(scratch.uvars(["encrypt", "-", "--out", "shared/answers"]).env("X", "1"), b"raquel: pw-raquel\n")
        .code(0);
    let mut command =
        scratch.uvars(["generate", "jon", "raquel", "--answers", "secrets/shared/answers.sops.yaml"]);
    command.env("UVARS_PASSWORD_JON", SECRET).env("SOPS_AGE_KEY_CMD", &script);
    ran(&mut without_terminal(&command), b"").code(0);
    let told = fs::read_to_string(told).unwrap();
    assert!(told.contains("PATH=") && !told.contains("UVARS_") && !told.contains(SECRET), "{told}");
    assert!(opens(SECRET, &hash_of(&scratch, "accounts/jon")));
}

#[test]
fn git_is_asked_without_answers_and_keys_in_its_environment() {
    let scratch = Scratch::new();
    let programs = scratch.beside("programs");
    fs::create_dir(&programs).unwrap();
    fs::write(programs.join("git"), "#!/bin/sh\nexport -p > \"${0%/*}/told\"\nexit 1\n").unwrap();
    fs::set_permissions(programs.join("git"), fs::Permissions::from_mode(0o700)).unwrap();
    git(&scratch, &["init", "-q"]);
    fs::write(scratch.root().join("a.yaml"), "jon: pw\n").unwrap();
    fs::set_permissions(scratch.root().join("a.yaml"), fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = scratch.uvars(["generate", "jon", "--answers", "a.yaml"]);
    command.env("UVARS_PASSWORD_RAQUEL", SECRET).env("SOPS_AGE_KEY", SECRET).env("GIT_DIR", "/elsewhere");
    command.env("PATH", format!("{}:/usr/bin:/bin", programs.display()));
    ran(&mut without_terminal(&command), b"").code(0);
    let told = fs::read_to_string(programs.join("told")).unwrap();
    assert!(told.contains("PATH=") && !told.contains(SECRET) && !told.contains("GIT_DIR"), "{told}");
}

#[test]
fn files_of_answers_of_somebody_else() {
    let scratch = Scratch::new();
    let answers = scratch.private_file("a.yaml", "jon: pw\n");
    // only root can give a file away
    if std::os::unix::fs::chown(&answers, Some(4242), None).is_err() {
        return;
    }
    let ran = scratch.run(&format!("generate jon --answers {}", answers.display())).code(1);
    assert!(ran.err.contains("belongs to"), "{}", ran.err);
    assert!(scratch.secrets().is_empty());
}

#[test]
fn one_line_end_is_no_part_of_a_password_and_others_are_refused() {
    for (input, kept) in [
        ("a\r\n", Some("a")),
        ("a\n", Some("a")),
        ("a", Some("a")),
        ("a\r", None),
        ("a\r\r\n", None),
        ("a\rb\n", None),
        ("a\n\n", None),
    ] {
        let check = |scratch: &Scratch, ran: Ran, from: &str| {
            let ran = ran.code(i32::from(kept.is_none()));
            if let Some(kept) = kept {
                assert!(opens(kept, &hash_of(scratch, "accounts/jon")), "{from}: {input:?}");
            } else {
                let said = ["line break", "more than one line"].iter().any(|what| ran.err.contains(what));
                assert!(said && scratch.secrets().is_empty(), "{from}: {input:?}: {}", ran.err);
            }
        };
        let scratch = Scratch::new();
        check(&scratch, scratch.feed("generate jon --password-stdin", input.as_bytes()), "standard input");
        let scratch = Scratch::new();
        let answers = scratch.private_file("answers.json", serde_json::json!({ "jon": input }).to_string());
        check(&scratch, scratch.run(&format!("generate jon --answers {}", answers.display())), "a file");
        let scratch = Scratch::new();
        let mut command = scratch.uvars(["generate", "jon"]);
        command.env("UVARS_PASSWORD_JON", input);
        check(&scratch, ran(&mut without_terminal(&command), b""), "the environment");
    }
}

#[test]
fn what_is_good_is_received_beside_what_is_not() {
    let scratch = Scratch::new();
    drop(scratch.run("generate raquel --random").code(0));
    let planted = "secrets/handover/raquel/password@galena.sops.yaml";
    let good = "secrets/handover/raquel/password@cinnabar.sops.yaml";
    scratch.write(planted, &scratch.read(good).unwrap());
    scratch.write("secrets/handover/raquel/note.sops.yaml", "a: 1\n");
    let value = scratch.value("users/raquel", "handover/raquel/password@cinnabar", "password").unwrap();
    // what is wrong alone is named, and stays
    let ran = scratch.run_as("users/raquel", "receive raquel/password@galena").code(1);
    assert!(ran.out.is_empty() && ran.err.contains(planted), "{}", ran.all());
    let ran = scratch.run_as("users/raquel", "receive").code(1);
    assert_eq!(ran.out.trim_end(), value);
    for said in [
        "password@galena.sops.yaml: uvars_path: this file was not written for",
        "note.sops.yaml: this is not an encrypted file",
        "deleted secrets/handover/raquel/password@cinnabar.sops.yaml",
    ] {
        assert!(ran.err.contains(said), "{said}: {}", ran.err);
    }
    let left = scratch.secrets();
    assert!(left.contains_key(planted) && !left.contains_key(good));
    // what is not for the keys at hand is nobody's error, unless it is named
    drop(scratch.run("generate tara").code(0));
    let ran = scratch.run_as("users/tara", "receive --json").code(1);
    let list: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(list.as_array().map(Vec::len), Some(1), "{}", ran.out);
    drop(scratch.run("generate tara --regenerate").code(0));
    let ran = scratch.run_as("users/raquel", "receive tara").code(4);
    assert!(ran.out.is_empty() && ran.err.contains("none of the keys at hand opens this"), "{}", ran.all());
}
