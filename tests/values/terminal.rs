//! What a terminal is shown of values that anybody with write access may have written.

use super::started::{Place, Started};
use super::{BASALT, feed, mira};
use crate::sample_fleet::{Fleet, key, said};
use std::fs;
use std::process::Command;
use std::time::SystemTime;
use uvars::fs::RepoPath;
use uvars::keys::{Programs, Recipient};
use uvars::sops::{Encrypted, Format, Map, Plain, Rules, Value};

const EVIL: &str = "evil\u{1b}]0;pwned\u{7}\u{1b}[2J\r\nuvars: all is well\u{9b}2J\u{202e}\u{7f}\tend";
const SHOWN: &str = r"evil\u{1b}]0;pwned\u{7}\u{1b}[2J\u{d}⏎uvars: all is well\u{9b}2J\u{202e}\u{7f}→end";
const NOTE: &str = "characters that could drive the terminal are shown by their number";
const WAITS: &str = "secrets/handover/noor/password.sops.yaml";

/// Writes a file as somebody does who has public keys alone.
fn plant(fleet: &Fleet, file: &str, reader: &str, name: &str, value: &str) {
    let keys = fleet.read(&format!("keys/{reader}.pub"));
    let recipient = keys.lines().find_map(|line| Recipient::parse(line).ok()).unwrap();
    let path = RepoPath::new(file).unwrap();
    let mut plain = Plain::new(Map::new().with(name, Value::from(value)));
    plain.bind(&path).unwrap();
    let rules = Rules::default();
    let sealed = Encrypted::create(
        &plain,
        &[recipient],
        &rules,
        SystemTime::now(),
        Format::Yaml,
        &Programs::default(),
    )
    .unwrap();
    let place = fleet.path(file);
    fs::create_dir_all(place.parent().unwrap()).unwrap();
    fs::write(place, sealed.emit().unwrap()).unwrap();
}

/// What a terminal of its own shows of a run, with lines that end in LF, and the exit code.
#[track_caller]
fn on_a_terminal(place: &Place, who: &str, arguments: &[&str]) -> (String, i32) {
    let mut command: Command = place.command(&["--ctty", "--wait"], &[]);
    command.env("NO_COLOR", "1").arg("--identity").arg(key(who)).args(arguments);
    let mut started = Started::on_a_terminal(command);
    let (seen, status) = started.screen();
    (seen.replace("\r\n", "\n"), status.code().unwrap())
}

#[track_caller]
fn is_harmless(seen: &str) {
    assert!(
        !seen.contains(|c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}'),
        "{seen:?}"
    );
}

#[test]
fn a_value_cannot_drive_the_terminal() {
    let place = Place::new();
    plant(&place.fleet, BASALT, "users/mira", "motd", EVIL);
    let text = SHOWN.replace('⏎', "\n").replace('→', "\t");
    let (seen, code) = on_a_terminal(&place, super::MIRA, &["get", "hosts/basalt", "motd"]);
    let how = "the bytes as they are go to a pipe or file: uvars get … > FILE";
    assert_eq!((seen.as_str(), code), (format!("{text}\n{NOTE}\n{how}\n").as_str(), 0));
    // where no terminal is, every byte is as it is
    assert_eq!(feed(&place.fleet, &["get", "hosts/basalt", "motd"], "").out, EVIL);
    for line in [
        &["decrypt", "hosts/basalt"][..],
        &["get", "hosts/basalt", "motd", "--json"],
        &["decrypt", "hosts/basalt", "--json"],
    ] {
        let (seen, code) = on_a_terminal(&place, super::MIRA, line);
        assert_eq!(code, 0, "{line:?}");
        is_harmless(&seen);
        if line.contains(&"--json") {
            let json: serde_json::Value = serde_json::from_str(&seen).unwrap();
            let value = if line[0] == "get" { &json } else { &json["motd"] };
            assert_eq!(value.as_str(), Some(EVIL));
        } else {
            assert!(seen.contains(NOTE) && seen.ends_with("uvars decrypt … --out FILE\n"), "{seen}");
        }
        let piped = feed(&place.fleet, line, "").out;
        assert!(piped.contains('\u{202e}'), "{piped:?}");
    }
    // what drives nothing is as it is, and nothing is said of it
    assert_eq!(feed(&place.fleet, &["set", "hosts/marble", "x"], "a\tHünd\nb").code, 0);
    let (seen, code) = on_a_terminal(&place, super::MIRA, &["get", "hosts/marble", "x"]);
    assert_eq!((seen.as_str(), code), ("a\tHünd\nb\n", 0));
}

#[test]
fn a_password_cannot_drive_the_terminal_and_stays_until_it_has_arrived() {
    let noor = "users/noor.txt";
    let place = Place::new();
    plant(&place.fleet, WAITS, "users/noor", "password", EVIL);
    let (seen, code) = on_a_terminal(&place, noor, &["receive"]);
    assert_eq!(code, 1, "{seen}");
    is_harmless(&seen);
    let line = SHOWN.replace('⏎', r"\u{a}").replace('→', "\t");
    assert!(seen.starts_with(&format!("password of noor:\n{line}\n")), "{seen}");
    assert!(seen.contains(&format!("uvars: error: {WAITS}: {NOTE}, so that")), "{seen}");
    assert!(
        seen.contains("hint: uvars receive noor/password --out FILE") && !seen.contains("deleted"),
        "{seen}"
    );
    assert!(place.fleet.path(WAITS).exists());
    // as JSON it arrives
    let (seen, code) = on_a_terminal(&place, noor, &["receive", "--json"]);
    is_harmless(&seen);
    let (json, rest) = seen.rsplit_once("]\n").unwrap();
    let json: serde_json::Value = serde_json::from_str(&format!("{json}]")).unwrap();
    assert_eq!((json[0]["value"].as_str(), code), (Some(EVIL), 0));
    assert_eq!(rest, format!("deleted {WAITS}\n"));
    assert!(!place.fleet.path(WAITS).exists());
    // and so it does through a pipe
    plant(&place.fleet, WAITS, "users/noor", "password", EVIL);
    let ran =
        said(&mira(&place.fleet, &["--identity", key(noor).to_str().unwrap(), "receive"]).output().unwrap());
    assert_eq!((ran.code, ran.out), (0, format!("{EVIL}\n")));
    assert!(!place.fleet.path(WAITS).exists());
    // a second line would be taken for something that uvars says
    plant(&place.fleet, WAITS, "users/noor", "password", "one\nuvars: all is well");
    let (seen, code) = on_a_terminal(&place, noor, &["receive"]);
    assert!(code == 1 && seen.contains("\none\\u{a}uvars: all is well\n"), "{seen}");
    // what drives nothing is shown and deleted
    plant(&place.fleet, WAITS, "users/noor", "password", "a Hünd\tb");
    let (seen, code) = on_a_terminal(&place, noor, &["receive"]);
    assert_eq!((seen, code), (format!("password of noor:\na Hünd\tb\ndeleted {WAITS}\n"), 0));
}
