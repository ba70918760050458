//! edit: whatever the editor does, and however it ends.

use super::started::{Place, Started};
use super::{BASALT, SECRET, by_sops, line};
use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

const CHANGED: &str = "change secrets/hosts/basalt.sops.yaml\n";

/// An editor that appends the secret.
fn appends() -> String {
    format!("printf 'added: {SECRET}\\n' >> \"$1\"")
}

#[test]
fn what_was_changed_is_encrypted_and_the_rest_keeps_its_ciphertext() {
    let place = Place::new();
    let before = place.fleet.read(BASALT);
    let script = format!(
        "cat \"$1\" > \"$TELL\"; stat -c %a \"$1\" \"$(dirname \"$1\")\" >> \"$TELL\"; {}",
        appends()
    );
    let said = place.edit("hosts/basalt", &script, "");
    assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, CHANGED, ""));
    // the binding is not shown, and nobody else can look
    assert_eq!(place.told().unwrap(), "db:\n    password: throw-away database password\n600\n700\n");
    let after = place.fleet.read(BASALT);
    assert_eq!(line(&before, "password:"), line(&after, "password:"));
    assert_eq!(line(&before, "uvars_path:"), line(&after, "uvars_path:"));
    if let Some(theirs) = by_sops(&place.fleet, BASALT) {
        assert!(theirs.contains(&format!("added: {SECRET}\n")), "{theirs}");
    }
    place.is_clean();
}

#[test]
fn comments_that_are_lost_are_told_of() {
    let place = Place::new();
    let script = "printf 'l:\\n  -\\n    # why\\n\\n    a:\\n      b: 1\\n    # c\\n\\n    # d\\n    e: 1\\n' >> \"$1\"";
    let said = place.edit("hosts/basalt", script, "");
    assert_eq!((said.code, said.out.as_str()), (0, CHANGED), "{}", said.err);
    let warning =
        "uvars: warning: secrets/hosts/basalt.sops.yaml: 1 comment is left out, with no value to stay with\n";
    assert!(said.err.starts_with(warning), "{}", said.err);
    let shown = place.fleet.must(super::MIRA, &["decrypt", BASALT]);
    assert_eq!(shown.matches('#').count(), 2, "{shown}");
}

#[test]
fn left_as_it_was_nothing_is_written() {
    let place = Place::new();
    for script in ["true", "touch \"$1\"", "cp \"$1\" \"$1.new\"; mv \"$1.new\" \"$1\""] {
        let said = place.edit("hosts/basalt", script, "");
        assert_eq!((said.code, said.out.as_str(), said.err.as_str()), (0, "", "nothing was changed\n"));
    }
    assert_eq!(place.fleet.status(), "");
    place.is_clean();
}

#[test]
fn broken_first_and_mended_the_second_time() {
    let place = Place::new();
    let script = format!(
        "if test -e \"$TELL\"; then cat \"$1\" >> \"$TELL\"; sed -i 's/\\[$//' \"$1\"; \
         else echo once > \"$TELL\"; printf 'added: {SECRET} [\\nbroken: [\\n' >> \"$1\"; fi"
    );
    let said = place.edit("hosts/basalt", &script, "\n");
    assert_eq!((said.code, said.out.as_str()), (0, CHANGED), "{}", said.err);
    assert!(said.err.starts_with("uvars: error: secrets/hosts/basalt.sops.yaml:"), "{}", said.err);
    assert!(said.err.ends_with("press Enter to edit it again, or Ctrl-C to give up what was typed\n"));
    assert!(!said.err.contains(SECRET));
    // the second time it opened what had been typed
    assert!(place.told().unwrap().contains("broken: ["));
    fs::remove_file(place.path("tell")).unwrap();
    place.is_clean();
}

#[test]
fn broken_and_nobody_to_ask() {
    let place = Place::new();
    let cases = [
        (format!("printf 'x: {SECRET} [\\ny: [\\n' >> \"$1\""), "secrets/hosts/basalt.sops.yaml:"),
        (format!("printf 'x: {SECRET}\\nx: 2\\n' >> \"$1\""), "secrets/hosts/basalt.sops.yaml:"),
        (
            format!("printf 'x: {SECRET}\\nuvars_path: secrets/hosts/quartz.sops.yaml\\n' >> \"$1\""),
            "secrets/hosts/basalt.sops.yaml: uvars_path: says where the file belongs",
        ),
        (
            format!("printf 'x: {SECRET}\\nsops: mine\\n' >> \"$1\""),
            "secrets/hosts/basalt.sops.yaml: sops: the name is where sops keeps its own data",
        ),
        (format!("printf '{SECRET}' > \"$1\""), "secrets/hosts/basalt.sops.yaml"),
        (": > \"$1\"".to_owned(), "secrets/hosts/basalt.sops.yaml"),
        (format!("printf 'x: {SECRET}\\377\\n' >> \"$1\""), "secrets/hosts/basalt.sops.yaml"),
    ];
    for (script, message) in cases {
        let said = place.edit("hosts/basalt", &script, "");
        assert_eq!((said.code, said.out.as_str()), (1, ""), "{script}: {}", said.err);
        assert!(said.err.starts_with(&format!("uvars: error: {message}")), "{script}: {}", said.err);
        let last =
            "uvars: error: the edited text cannot be kept, and nobody can be asked; nothing was written\n";
        assert!(said.err.ends_with(last), "{}", said.err);
        assert!(!said.err.contains(SECRET), "{}", said.err);
        assert_eq!(place.fleet.status(), "");
        place.is_clean();
    }
}

#[test]
fn the_editor_fails_or_takes_the_file_away() {
    let place = Place::new();
    let said = place.edit("hosts/basalt", &format!("{}; exit 3", appends()), "");
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("failed with exit status: 3; nothing was written"), "{}", said.err);
    let said = place.edit("hosts/basalt", "rm \"$1\"", "");
    assert_eq!(
        (said.code, said.err.as_str()),
        (1, "uvars: error: the editor left no file; nothing was written\n")
    );
    let mut none = place.command(&["--wait"], &["edit", "hosts/basalt"]);
    let said = crate::sample_fleet::said(&none.env("EDITOR", "/nonexistent/editor").output().unwrap());
    assert_eq!((said.code, said.out.as_str()), (1, ""));
    assert!(said.err.contains("uvars: hint: choose another one: EDITOR=… uvars edit …"), "{}", said.err);
    assert_eq!(place.fleet.status(), "");
    place.is_clean();
}

#[test]
fn the_editor_gets_no_keys_and_may_have_arguments() {
    let place = Place::new();
    place.script("editor", "printf '%s\\n' \"$#\" \"$1\" > \"$TELL\"; env >> \"$TELL\"");
    let mut command = place.command(&["--wait"], &["edit", "hosts/basalt"]);
    command.env("SOPS_EDITOR", format!("{} --wait", place.path("editor").display())).env("EDITOR", "false");
    command.env("SOPS_AGE_KEY", "AGE-SECRET-KEY-1X").env("UVARS_PASSWORD_JON", SECRET).env("OTHER", "kept");
    assert_eq!(crate::sample_fleet::said(&command.output().unwrap()).err, "nothing was changed\n");
    let told = place.told().unwrap();
    assert!(told.starts_with("2\n--wait\n"), "{told}");
    assert!(told.contains("OTHER=kept"));
    assert!(!told.contains("SOPS_") && !told.contains("UVARS_"), "{told}");
    place.is_clean();
}

#[test]
fn a_signal_ends_it_without_a_trace() {
    // one editor ends when it is asked, the other does not care and is left behind
    let (ours, of_sops) =
        (&["edit", "hosts/basalt"][..], &["sops", "edit", "secrets/hosts/basalt.sops.yaml"][..]);
    for (words, signal, cares) in [
        (ours, Signal::TERM, true),
        (ours, Signal::HUP, true),
        (ours, Signal::INT, true),
        (ours, Signal::QUIT, true),
        (ours, Signal::TERM, false),
        (of_sops, Signal::TERM, true),
        (of_sops, Signal::INT, true),
        (of_sops, Signal::TERM, false),
    ] {
        let place = Place::new();
        let trap = if cares { "" } else { "trap '' TERM;" };
        let pause = if cares { "exec sleep 60" } else { "for i in 1 2 3 4 5 6 7 8; do sleep 1; done" };
        let editor =
            place.script("editor", &format!("{trap} {}; echo \"$1\" > \"$TELL\"; {pause}", appends()));
        let mut command = place.command(&[], words);
        command.env("EDITOR", editor);
        let mut started = Started::alone(command);
        let file = place.wait_until_told();
        assert!(fs::read_to_string(&file).unwrap().contains(SECRET));
        assert!(file.starts_with(place.runtime.path().to_str().unwrap()), "{file}");
        started.signal(signal);
        let status = started.ends();
        assert_eq!(status.signal(), Some(signal.as_raw()), "{status}: {}", started.complaint());
        assert_eq!(place.fleet.status(), "");
        place.is_clean();
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next() {
    let place = Place::new();
    let stays = place.script("stays", "echo \"$$ $1\" > \"$TELL\"; exec sleep 60");
    let mut command = place.command(&[], &["edit", "hosts/basalt"]);
    command.env("EDITOR", stays);
    let mut started = Started::alone(command);
    let told = place.wait_until_told();
    let (editor, file) = told.split_once(' ').unwrap();
    let folder = Path::new(file).parent().unwrap();
    started.signal(Signal::KILL);
    started.ends();
    // its editor has it open still
    assert_eq!(place.edit("hosts/basalt", "exit 0", "").code, 0);
    assert!(folder.exists());
    kill_process(Pid::from_raw(editor.parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    while Path::new("/proc").join(editor).join("exe").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(place.edit("hosts/basalt", "exit 0", "").code, 0);
    assert!(!folder.exists());
    place.is_clean();
}

#[test]
fn what_a_killed_run_left_is_removed_from_other_places_and_by_exec() {
    let place = Place::new();
    let kills = place.script("kills", "echo \"$1\" > \"$TELL\"; kill -KILL $PPID");
    let mut command = place.command(&[], &["edit", "hosts/basalt"]);
    // without a folder for the session it is in /dev/shm
    command.env("EDITOR", kills).env_remove("XDG_RUNTIME_DIR");
    let mut started = Started::alone(command);
    let file = place.wait_until_told();
    assert_eq!(started.ends().signal(), Some(Signal::KILL.as_raw()));
    let folder = Path::new(&file).parent().unwrap();
    assert!(folder.starts_with("/dev/shm"), "{file}");
    // the editor may be about to end
    let gone = (0..100).any(|_| {
        let mut exec = place.command(&["--wait"], &["exec", "--files", "hosts/basalt", "--", "true"]);
        assert!(exec.status().unwrap().success());
        !folder.exists()
    });
    assert!(gone);
    place.is_clean();
}

#[test]
fn a_signal_while_it_asks_whether_to_edit_again() {
    let place = Place::new();
    let editor =
        place.script("editor", &format!("printf 'x: {SECRET}\\nx: [\\n' >> \"$1\"; echo > \"$TELL\""));
    for signal in [Signal::TERM, Signal::INT] {
        let mut command = place.command(&[], &["edit", "hosts/basalt"]);
        command.env("EDITOR", &editor);
        let mut started = Started::alone(command);
        place.wait_until_told();
        std::thread::sleep(std::time::Duration::from_millis(300));
        started.signal(signal);
        assert_eq!(started.ends().signal(), Some(signal.as_raw()));
        assert_eq!(place.fleet.status(), "");
        place.is_clean();
    }
}

#[test]
fn ctrl_c_is_the_editor_s_affair_while_it_runs() {
    // alone, and behind a shell that reads its words
    for shell in ["", "X='1' "] {
        let edit = |place: &Place, script: &str| {
            let editor = place.script("editor", script);
            let mut command = place.command(&["--ctty"], &["edit", "hosts/basalt"]);
            command.env("EDITOR", format!("{shell}{}", editor.display()));
            let mut started = Started::on_a_terminal(command);
            place.wait_until_told();
            started.types("\u{3}");
            started.ends()
        };
        // one goes on as editors do
        let place = Place::new();
        let lives = format!("trap : INT; echo > \"$TELL\"; sleep 1; sleep 1; {}", appends());
        let status = edit(&place, &lives);
        assert_eq!(status.code(), Some(0), "{status}");
        assert_eq!(place.fleet.run_as(super::MIRA, &["get", "hosts/basalt", "added"]).out, SECRET);
        place.is_clean();
        // the other ends of it
        let place = Place::new();
        let status = edit(&place, &format!("{}; echo > \"$TELL\"; exec sleep 60", appends()));
        assert_eq!(status.signal(), Some(Signal::INT.as_raw()), "{status}");
        assert_eq!(place.fleet.status(), "");
        place.is_clean();
    }
}

#[test]
fn ctrl_c_gives_up_what_was_typed_when_asked() {
    let place = Place::new();
    let editor = place.script("editor", &format!("printf 'x: {SECRET}\\nx: [\\n' >> \"$1\""));
    let mut command = place.command(&["--ctty"], &["edit", "hosts/basalt"]);
    command.env("EDITOR", editor);
    let mut started = Started::on_a_terminal(command);
    started.shows("press Enter to edit it again");
    started.types("\u{3}");
    assert_eq!(started.ends().signal(), Some(Signal::INT.as_raw()));
    assert_eq!(place.fleet.status(), "");
    place.is_clean();
}

#[test]
fn somebody_else_s_change_meanwhile_is_not_lost() {
    let place = Place::new();
    let program = env!("CARGO_BIN_EXE_uvars");
    let key = crate::sample_fleet::key(super::MIRA);
    let script = format!(
        "echo theirs | {program} --identity {} set hosts/basalt meanwhile > /dev/null; {}",
        key.display(),
        appends()
    );
    let said = place.edit("hosts/basalt", &script, "");
    assert_eq!((said.code, said.out.as_str()), (1, ""), "{}", said.err);
    assert!(said.err.starts_with("uvars: error: secrets/hosts/basalt.sops.yaml: "), "{}", said.err);
    assert!(said.err.contains("was changed by somebody else meanwhile"), "{}", said.err);
    assert_eq!(place.fleet.run_as(super::MIRA, &["get", "hosts/basalt", "meanwhile"]).out, "theirs");
    place.is_clean();
    // who is there to see it has not lost what was typed
    let once = format!(
        "if test -e \"$TELL\"; then cat \"$1\" >> \"$TELL\"; sed -i 's/^meanwhile: .*/meanwhile: both/' \"$1\"; else echo > \"$TELL\"; {script}; fi"
    );
    let said = place.edit("hosts/basalt", &once.replace("theirs", "newer"), "\n");
    assert_eq!((said.code, said.out.as_str()), (0, CHANGED), "{}", said.err);
    assert!(place.told().unwrap().contains(SECRET));
    fs::remove_file(place.path("tell")).unwrap();
    let plain = place.fleet.run_as(super::MIRA, &["decrypt", "hosts/basalt"]).out;
    assert!(plain.contains(&format!("added: {SECRET}\n")) && plain.contains("meanwhile: both\n"), "{plain}");
    place.is_clean();
}

#[test]
fn a_new_file_is_edited_into_being() {
    let place = Place::new();
    let said = place.edit("hosts/marble", "cat \"$1\" > \"$TELL\"; echo 'db: {password: new}' > \"$1\"", "");
    assert_eq!(
        (said.code, said.out.as_str(), said.err.as_str()),
        (0, "create secrets/hosts/marble.sops.yaml\n", "")
    );
    assert_eq!(place.told().unwrap(), "");
    assert_eq!(place.fleet.run_as("hosts/marble", &["get", "hosts/marble", "db.password"]).out, "new");
    // who could not read it is told before the editor opens
    let said = place.edit("hosts/nowhere", "echo opened > \"$TELL\"", "");
    assert_eq!((said.code, place.told().as_deref()), (1, Some("")));
    // left empty, there is none
    let said = place.edit("hosts/quartz2", "true", "");
    assert_eq!(said.code, 1);
    place.is_clean();
}

#[test]
fn an_account_keeps_its_password_and_whose_it_is() {
    let place = Place::new();
    for (name, why) in
        [("password_hash", "without it nobody could log in"), ("user", "says whose the file is")]
    {
        let said = place.edit("accounts/mira", &format!("sed -i '/^{name}:/d' \"$1\""), "");
        let told = format!("secrets/accounts/mira.sops.yaml: {name}: {why}");
        assert!(said.code == 1 && said.err.contains(&told), "{name}: {}", said.err);
    }
    assert_eq!(place.fleet.status(), "");
    place.is_clean();
}

#[test]
fn where_memory_is_not_to_be_had_plaintext_stays_inside() {
    let place = Place::new();
    let mut command = place.command(&["--wait"], &["edit", "hosts/basalt"]);
    // a folder on a disk is passed over; /dev/shm is the next one
    command
        .env("XDG_RUNTIME_DIR", place.path("tmp"))
        .env("EDITOR", place.script("editor", "echo \"$1\" > \"$TELL\""));
    assert_eq!(crate::sample_fleet::said(&command.output().unwrap()).err, "nothing was changed\n");
    let told = place.told().unwrap();
    assert!(told.starts_with("/dev/shm/uvars-"), "{told}");
    assert!(!std::path::Path::new(told.trim_end()).exists());
    place.is_clean();
}
