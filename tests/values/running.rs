//! exec: values as variables and as files, and how the child's end becomes ours.

use super::started::{Place, Started};
use super::{SECRET, done, feed, mira, refused};
use crate::sample_fleet::{Fleet, said};
use rustix::process::{Signal, kill_process};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Command;

const DEPLOY: &str = "secrets/shared/deploy.sops.yaml";

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

/// Puts a line on top of a file, as somebody without any key does it.
fn plant(fleet: &Fleet, file: &str, line: &str) {
    let text = fleet.read(file);
    fs::write(fleet.path(file), format!("{line}\n{text}")).unwrap();
}

/// A program in the fleet's folder that tells what it was given.
fn evil(fleet: &Fleet, name: &str) {
    fs::write(fleet.path(name), "#!/bin/sh\n/bin/echo \"PWNED $token\"\n").unwrap();
    fs::set_permissions(fleet.path(name), fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn a_value_that_anybody_may_have_planted_steers_no_program() {
    for name in
        ["PATH", "LD_LIBRARY_PATH", "BASH_ENV", "ENV", "IFS", "CDPATH", "GIT_DIR", "PYTHONPATH", "HOME"]
    {
        let fleet = Fleet::copy();
        evil(&fleet, "make");
        plant(&fleet, DEPLOY, &format!("{name}: \"\""));
        let why =
            "is in clear in the file, where anybody may have put it, and it would say what programs run";
        let error = format!("uvars: error: {DEPLOY}: {name}: {why}");
        let hint =
            format!("uvars: hint: if nobody of you did, take it out: uvars unset shared/deploy {name}");
        let said = [error.as_str(), &hint, "uvars: hint: give the values as files: uvars exec --files …"];
        refused(&fleet, &["exec", "shared/deploy", "--", "make", "deploy"], "", 1, &said);
        let shell = ["exec", "shared/deploy", "--pristine", "--", "/bin/sh", "-c", "make deploy"];
        refused(&fleet, &shell, "", 1, &said);
        done(&fleet, &["exec", "--files", "shared/deploy", "--", "sh", "-c", "echo $0"], "", "sh\n");
    }
    // a value of ours is not taken away either; where there is none, an empty one is no harm
    let fleet = Fleet::copy();
    plant(&fleet, DEPLOY, "MINE: \"\"");
    let why = "is in clear in the file, where anybody may have put it, and it would take the place of a variable of yours";
    let run = ["exec", "shared/deploy", "--", "sh", "-c", "echo \"<$MINE>\""];
    let ran = said(&mira(&fleet, &run).env("MINE", "guarded").output().unwrap());
    assert_eq!((ran.code, ran.out.as_str()), (1, ""));
    assert!(ran.err.starts_with(&format!("uvars: error: {DEPLOY}: MINE: {why}\n")), "{}", ran.err);
    done(&fleet, &run, "", "<>\n");
    let pristine = ["exec", "--pristine", "shared/deploy", "--", "sh", "-c", "echo \"<$MINE>\""];
    let ran = said(&mira(&fleet, &pristine).env("MINE", "guarded").output().unwrap());
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (0, "<>\n", ""));
}

#[test]
fn the_name_of_a_value_in_clear_steers_no_program() {
    // outside of a fleet a rule may leave values in clear, and the MAC does not cover their names
    let fleet = Fleet::copy();
    let recipient = fleet.read("keys/users/mira.pub");
    let recipient = recipient.lines().find(|line| line.starts_with("age1")).unwrap();
    let rules = format!("creation_rules:\n    - encrypted_regex: ^token$\n      age: {recipient}\n");
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join(".sops.yaml"), rules).unwrap();
    let file = outside.path().join("plain.yaml");
    fs::write(&file, "token: x\nregion: .\nNODE_ENV: production\n").unwrap();
    let uvars = |arguments: &[&str]| said(&mira(&fleet, arguments).current_dir(&outside).output().unwrap());
    assert_eq!(uvars(&["encrypt", "-i", "plain.yaml"]).code, 0);
    let run = ["exec", "plain.yaml", "--", "sh", "-c", "echo $region $NODE_ENV"];
    assert_eq!(uvars(&run).out, ". production\n");
    let good = fs::read_to_string(&file).unwrap();
    for name in
        ["PATH", "NODE_OPTIONS", "LESSOPEN", "RUSTC_WRAPPER", "SSH_ASKPASS", "ZDOTDIR", "OPENSSL_CONF"]
    {
        fs::write(&file, good.replace("region:", &format!("{name}:"))).unwrap();
        let ran = uvars(&run);
        assert_eq!((ran.code, ran.out.as_str()), (1, ""), "{name}");
        assert!(ran.err.contains(&format!("plain.yaml: {name}: is in clear in the file")), "{}", ran.err);
    }
}

#[test]
fn a_program_that_may_not_be_run_is_told_from_one_that_is_not_there() {
    let fleet = Fleet::copy();
    fs::write(fleet.path("no-program"), "#!/bin/sh\n").unwrap();
    let path = format!("{}:{}", fleet.dir().display(), std::env::var("PATH").unwrap());
    for (program, why) in
        [("no-program", "Permission denied"), ("no-such-program", "No such file or directory")]
    {
        let run = ["exec", "--pristine", "shared/deploy", "--", program];
        let ran = said(&mira(&fleet, &run).env("PATH", &path).output().unwrap());
        assert_eq!((ran.code, ran.out.as_str()), (1, ""));
        let error = format!("uvars: error: cannot start {program}: {why}");
        assert!(ran.err.starts_with(&error), "{}", ran.err);
    }
}

#[test]
fn a_path_of_the_file_is_for_the_program_and_not_for_finding_it() {
    let fleet = Fleet::copy();
    evil(&fleet, "env");
    let here = fleet.dir().to_str().unwrap().to_owned();
    assert_eq!(feed(&fleet, &["set", "hosts/marble", "PATH"], &here).code, 0);
    for line in
        [&["exec", "hosts/marble", "--", "env"][..], &["exec", "--pristine", "hosts/marble", "--", "env"]]
    {
        let ran = feed(&fleet, line, "");
        assert!(ran.out.contains(&format!("PATH={here}\n")) && !ran.out.contains("PWNED"), "{}", ran.out);
    }
    // a program of a folder is the one of the folder that it runs in
    let out = feed(&fleet, &["-C", &here, "exec", "hosts/marble", "--", "./env"], "").out;
    assert_eq!(out, "PWNED \n");
    // and its name is as it was typed
    done(&fleet, &["exec", "hosts/marble", "--", "sh", "-c", "echo $0"], "", "sh\n");
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
