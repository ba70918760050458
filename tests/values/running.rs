//! exec: values as variables and as files, and how the child's end becomes ours.

use super::started::{Place, Started};
use super::{SECRET, feed, mira, refused};
use crate::sample_fleet::{Fleet, said};
use rustix::process::{Signal, kill_process};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

/// A fleet whose hosts/marble holds values that can be variables.
fn flat(fleet: &Fleet) {
    let json = r#"{"TOKEN": "Zxqvj-s3same-Hünd", "PORT": 5432, "ON": true, "RATIO": 1.5, "TEXT": "two\nlines", "EMPTY": ""}"#;
    let values: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    for (name, value) in values {
        let said = feed(fleet, &["set", "hosts/marble", &name, "--json"], &value.to_string());
        assert_eq!(said.code, 0, "{}", said.err);
    }
}

/// Variables that carry keys, passwords and settings to us.
fn with_ours(command: &mut Command) -> &mut Command {
    for name in [
        "SOPS_AGE_KEY",
        "SOPS_AGE_KEY_FILE",
        "SOPS_AGE_RECIPIENTS",
        "SOPS_ANYTHING",
        "UVARS_PASSWORD_JON",
        "UVARS_X",
    ] {
        command.env(name, "/nonexistent");
    }
    command.env_remove("SOPS_AGE_KEY").env("OTHER", "kept").env("PORT", "overridden")
}

#[test]
fn values_are_variables_and_ours_are_not() {
    let fleet = Fleet::copy();
    flat(&fleet);
    let ran =
        said(&with_ours(&mut mira(&fleet, &["exec", "hosts/marble", "--", "env", "-0"])).output().unwrap());
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let mut all: Vec<_> = ran.out.split_terminator('\0').filter(|line| !line.starts_with("PATH=")).collect();
    all.sort_unstable();
    let token = format!("TOKEN={SECRET}");
    let expected = [
        "EMPTY=",
        "HOME=/nonexistent",
        "ON=true",
        "OTHER=kept",
        "PORT=5432",
        "RATIO=1.5",
        "TEXT=two\nlines",
        &token,
    ];
    assert_eq!(all, expected);
    let pristine = &["exec", "--pristine", "hosts/marble", "--", "/usr/bin/env", "-0"];
    let ran = said(&with_ours(&mut mira(&fleet, pristine)).output().unwrap());
    let mut all: Vec<_> = ran.out.split_terminator('\0').collect();
    all.sort_unstable();
    assert_eq!(all, ["EMPTY=", "ON=true", "PORT=5432", "RATIO=1.5", "TEXT=two\nlines", &token]);
}

#[test]
fn the_program_takes_our_place() {
    let place = Place::new();
    flat(&place.fleet);
    let mut started = Started::alone(
        place.command(&[], &["exec", "hosts/marble", "--", "sh", "-c", "echo $$ > \"$TELL\"; exec sleep 60"]),
    );
    assert_eq!(place.wait_until_told(), started.pid().to_string());
    started.signal(Signal::TERM);
    assert_eq!(started.ends().signal(), Some(Signal::TERM.as_raw()));
    for (script, code) in [("exit 0", 0), ("exit 3", 3), ("exit 77", 77)] {
        assert_eq!(feed(&place.fleet, &["exec", "hosts/marble", "--", "sh", "-c", script], "").code, code);
        assert_eq!(
            feed(&place.fleet, &["exec", "--files", "hosts/marble", "--", "sh", "-c", script], "").code,
            code
        );
    }
    let echoed = feed(&place.fleet, &["exec", "hosts/marble", "--", "cat"], "through");
    assert_eq!(echoed.out, "through");
    place.is_clean();
}

#[test]
fn values_are_files_and_gone_afterwards() {
    let place = Place::new();
    flat(&place.fleet);
    let nested = r#"{"password": "a", "list": ["x", {"y": 2}], "none": null}"#;
    assert_eq!(feed(&place.fleet, &["set", "hosts/marble", "db.new", "--json"], nested).code, 0);
    let script = "cd \"$UVARS_FILES\" && echo \"$UVARS_FILES\" > \"$TELL\" && find . -printf '%P %m %s\\n' | sort && cat TOKEN; env | grep -c '^UVARS_\\|^SOPS_'";
    let mut command =
        place.command(&["--wait"], &["exec", "--files", "hosts/marble", "--", "sh", "-c", script]);
    let ran = said(&with_ours(&mut command).output().unwrap());
    assert_eq!(ran.err, "");
    let listing = "\
 700 320
EMPTY 400 0
ON 400 4
PORT 400 4
RATIO 400 3
TEXT 400 9
TOKEN 400 18
db 700
db/new 700
db/new/list 700
db/new/list/0 400 1
db/new/list/1 700
db/new/list/1/y 400 1
db/new/none 400 0
db/new/password 400 1
";
    let shown: String = ran
        .out
        .lines()
        .take_while(|line| !line.starts_with(SECRET))
        .map(|line| match line.split(' ').collect::<Vec<_>>()[..] {
            [name, "700", _] if !name.is_empty() => format!("{name} 700\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let listing = listing.split_once('\n').unwrap().1;
    assert_eq!(shown.split_once('\n').unwrap().1, listing);
    assert!(ran.out.ends_with(&format!("{SECRET}1\n")), "{}", ran.out);
    let folder = place.wait_until_told();
    assert!(folder.starts_with(place.runtime.path().to_str().unwrap()));
    std::fs::remove_file(place.path("tell")).unwrap();
    place.is_clean();
}

#[test]
fn files_are_gone_however_the_child_ends() {
    for (script, signal) in
        [("kill -KILL $$", 137), ("kill -TERM $$", 143), ("rm -r \"$UVARS_FILES\"; exit 5", 5)]
    {
        let place = Place::new();
        flat(&place.fleet);
        let ran = said(
            &place
                .command(&["--wait"], &["exec", "--files", "hosts/marble", "--", "sh", "-c", script])
                .output()
                .unwrap(),
        );
        assert_eq!((ran.code, ran.err.as_str()), (signal, ""), "{script}");
        place.is_clean();
    }
    let place = Place::new();
    let ran = said(
        &place
            .command(&["--wait"], &["exec", "--files", "hosts/basalt", "--", "/nonexistent/program"])
            .output()
            .unwrap(),
    );
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with("uvars: error: cannot start /nonexistent/program: "), "{}", ran.err);
    place.is_clean();
}

#[test]
fn a_signal_to_us_is_handed_to_the_child_and_its_end_is_ours() {
    for signal in [Signal::TERM, Signal::HUP, Signal::INT, Signal::QUIT] {
        let number = signal.as_raw();
        for (script, code) in [
            (format!("trap 'exit 9' {number}; echo > \"$TELL\"; while :; do sleep 0.1; done"), 9),
            ("echo > \"$TELL\"; exec sleep 60".to_owned(), 128 + number),
        ] {
            let place = Place::new();
            let command = place.command(&[], &["exec", "--files", "hosts/basalt", "--", "sh", "-c", &script]);
            let mut started = Started::alone(command);
            place.wait_until_told();
            started.signal(signal);
            let status = started.ends();
            assert_eq!(status.code(), Some(code), "{signal:?} {status} {}", started.complaint());
            place.is_clean();
        }
    }
}

#[test]
fn ctrl_c_is_the_child_s_affair() {
    let place = Place::new();
    let script = "trap 'echo ouch' INT; echo > \"$TELL\"; sleep 1; sleep 1; exit 6";
    let command = place.command(&["--ctty"], &["exec", "--files", "hosts/basalt", "--", "sh", "-c", script]);
    let mut started = Started::on_a_terminal(command);
    place.wait_until_told();
    started.types("\u{3}");
    assert_eq!(started.ends().code(), Some(6));
    place.is_clean();
}

#[test]
fn a_child_that_is_killed_by_others_takes_its_files_with_it() {
    let place = Place::new();
    let script = "echo $$ > \"$TELL\"; exec sleep 60";
    let mut started =
        Started::alone(place.command(&[], &["exec", "--files", "hosts/basalt", "--", "sh", "-c", script]));
    let child: i32 = place.wait_until_told().parse().unwrap();
    kill_process(rustix::process::Pid::from_raw(child).unwrap(), Signal::KILL).unwrap();
    assert_eq!(started.ends().code(), Some(137));
    place.is_clean();
}

#[test]
fn what_cannot_be_a_variable_is_named() {
    let fleet = Fleet::copy();
    let hint = "uvars: hint: give the values as files: uvars exec --files …";
    refused(
        &fleet,
        &["exec", "hosts/basalt", "--", "env"],
        "",
        1,
        &["uvars: error: secrets/hosts/basalt.sops.yaml: db: a map cannot be a variable", hint],
    );
    for (name, json, why) in [
        ("a-b", "1", "a-b: is no name for a variable"),
        ("1a", "1", "1a: is no name for a variable"),
        ("X", "null", "X: null cannot be a variable"),
        ("X", "[]", "X: a list cannot be a variable"),
        ("X", "\"a\\u0000b\"", "X: a variable cannot hold a NUL byte"),
    ] {
        let fleet = Fleet::copy();
        assert_eq!(feed(&fleet, &["set", "hosts/marble", name, "--json"], json).code, 0);
        let error = format!("uvars: error: secrets/hosts/marble.sops.yaml: {why}");
        refused(&fleet, &["exec", "hosts/marble", "--", "env"], "", 1, &[&error, hint]);
    }
    for name in ["..", "a/b", "."] {
        let fleet = Fleet::copy();
        assert_eq!(feed(&fleet, &["set", "hosts/marble", &format!("[\"{name}\"]")], "x").code, 0);
        let ran = feed(&fleet, &["exec", "--files", "hosts/marble", "--", "env"], "");
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{name}");
        assert!(ran.err.contains("is no name for a file"), "{}", ran.err);
    }
}
