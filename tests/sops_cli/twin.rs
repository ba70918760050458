//! Two programs called `sops`, and one folder in which both do the same.

use crate::case::Case;
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Where cases run.
pub(crate) struct Stage {
    folder: TempDir,
    recipients: Vec<(String, String)>,
    /// The real program orders metadata in another way, names another release, and has no whole numbers in JSON.
    is_old: bool,
}

/// How long one command may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What both came to.
#[derive(Default)]
struct Ran {
    /// Code, standard output and standard error of each command.
    commands: Vec<(i32, String, String)>,
    /// Every file by its name: what it is, and what it decrypts to.
    files: BTreeMap<String, String>,
}

impl Stage {
    /// With the real program, three keys, and an empty home.
    pub(crate) fn new(sops: &Path, is_old: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["real", "ours", "home", "keys", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        symlink(sops, folder.path().join("real/sops")).unwrap();
        symlink(env!("CARGO_BIN_EXE_uvars"), folder.path().join("ours/sops")).unwrap();
        let mut recipients = Vec::new();
        let mut all = Vec::new();
        for name in ["A", "B", "C"] {
            let made = uvars::keys::generate("2026-01-01T00:00:00Z").unwrap();
            let path = folder.path().join("keys").join(name);
            fs::write(&path, made.text.expose()).unwrap();
            all.extend_from_slice(made.text.expose());
            recipients.push((name.to_owned(), made.recipient.to_string()));
        }
        fs::write(folder.path().join("keys/all"), all).unwrap();
        Self { folder, recipients, is_old }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a case with both. The error says what differs.
    pub(crate) fn compare(&self, case: &Case) -> Result<(), String> {
        let work = self.path("work");
        self.set_up(case)?;
        copy(&work, &self.path("saved"));
        let theirs = self.run(case, "real");
        fs::remove_dir_all(&work).unwrap();
        copy(&self.path("saved"), &work);
        let ours = self.run(case, "ours");
        let touched = touched(&self.path("saved"), &work);
        fs::remove_dir_all(&work).unwrap();
        fs::remove_dir_all(self.path("saved")).unwrap();
        let found = differences(case, &theirs, &ours);
        match &case.differs {
            None if found.is_empty() => Ok(()),
            None => Err(found),
            Some(row) if found.is_empty() => {
                Err(format!("is in the table of differences as {row}, and does not differ\n"))
            }
            Some(_) => ended_as_said(case, &ours).and_then(|()| left_alone(case, &touched)),
        }
    }

    fn set_up(&self, case: &Case) -> Result<(), String> {
        let work = self.path("work");
        fs::create_dir(&work).unwrap();
        for (name, content) in &case.files {
            let path = work.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let content = self.recipients.iter().fold(content.clone(), |text, (name, recipient)| {
                text.replace(&format!("${{{name}}}"), recipient)
            });
            fs::write(&path, content).unwrap();
        }
        for line in &case.setup {
            let output = self.shell(line, "real", &[]);
            if !output.status.success() {
                fs::remove_dir_all(&work).unwrap();
                return Err(format!("% {line}\n{}", String::from_utf8_lossy(&output.stderr)));
            }
        }
        Ok(())
    }

    fn run(&self, case: &Case, program: &str) -> Ran {
        let mut ran = Ran::default();
        for line in &case.commands {
            let output = self.shell(line, program, &case.variables);
            let (out, err) =
                (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
            let out = self.tidy(&out);
            let out = if case.first { out.lines().next().unwrap_or_default().to_owned() } else { out };
            ran.commands.push((output.status.code().unwrap_or(-1), out, self.tidy(&err)));
        }
        self.gather(&self.path("work"), &mut ran.files);
        ran
    }

    fn shell(&self, line: &str, program: &str, variables: &[(String, String)]) -> Output {
        let mut command = Command::new("/bin/sh");
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.path(program).display());
        command.args(["-c", line]).current_dir(self.path("work")).env_clear().env("PATH", path);
        command.env("HOME", self.path("home")).env("TMPDIR", self.path("tmp"));
        command.env("KEYS", self.path("keys")).env("SOPS_AGE_KEY_FILE", self.path("keys/A"));
        command.env("GNUPGHOME", self.path("home")).env("SOPS_DISABLE_VERSION_CHECK", "1");
        for (name, recipient) in &self.recipients {
            command.env(name, recipient);
        }
        for (name, value) in variables {
            let value = self.recipients.iter().fold(value.clone(), |text, (name, recipient)| {
                text.replace(&format!("${{{name}}}"), recipient)
            });
            let value = value.replace("${REAL}", &self.path("real/sops").to_string_lossy());
            command.env(name, value.replace("${KEYS}", &self.path("keys").to_string_lossy()));
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        finish(command.spawn().unwrap())
    }

    fn gather(&self, folder: &Path, files: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(self.path("work")).unwrap().to_string_lossy().into_owned();
            let found = path.symlink_metadata().unwrap();
            if found.is_symlink() {
                files.insert(name, format!("-> {}", fs::read_link(&path).unwrap().display()));
            } else if found.is_dir() {
                self.gather(&path, files);
            } else {
                let bytes = fs::read(&path).unwrap();
                let text = String::from_utf8_lossy(&bytes);
                let clear =
                    if text.contains("ENC[AES256_GCM") { self.decrypted(&path) } else { String::new() };
                let mode = found.permissions().mode() & 0o7777;
                files.insert(name, format!("{mode:o}\n{}{clear}", self.tidy(&text)));
            }
        }
    }

    /// Takes random bytes, times and the names of temporary files out.
    fn tidy(&self, text: &str) -> String {
        let tidy = tidy(text);
        if !self.is_old || !tidy.contains("ENC[") {
            return tidy;
        }
        let bare = |line: &str| line.trim_start_matches([' ', '\t', '-']).trim_end_matches(',').to_owned();
        let mut lines: Vec<String> = tidy.lines().map(bare).collect();
        lines.sort();
        let whole = Regex::new(r"type:(int|float)").unwrap();
        let release = Regex::new(r"3\.1[13]\.\d").unwrap();
        whole.replace_all(&release.replace_all(&lines.join("\n"), "3.x"), "type:number").into_owned()
    }

    /// What the real program makes of a file.
    fn decrypted(&self, path: &Path) -> String {
        let all = ("SOPS_AGE_KEY_FILE".to_owned(), self.path("keys/all").to_string_lossy().into_owned());
        let none = ("SOPS_CONFIG".to_owned(), "/dev/null".to_owned());
        let output = self.shell(&format!("sops decrypt '{}'", path.display()), "real", &[all, none]);
        format!("== {}\n{}", output.status, String::from_utf8_lossy(&output.stdout))
    }
}

/// Waits for a child, and ends it where it waits for ever.
fn finish(child: std::process::Child) -> Output {
    let id = child.id().to_string();
    let (done, waits) = std::sync::mpsc::channel::<()>();
    let guard = std::thread::spawn(move || {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if waits.recv_timeout(Duration::from_millis(200))
                != Err(std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                return;
            }
        }
        let _ = Command::new("kill").arg(id).status();
    });
    let output = child.wait_with_output().unwrap();
    drop(done);
    guard.join().unwrap();
    output
}

fn copy(from: &Path, to: &Path) {
    let done = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
    assert!(done.success());
}

static RANDOM: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    [
        (r"data:([A-Za-z0-9+/=]*),iv:[^,]*,tag:[^,]*,type", "data,type"),
        (r"(?s)-----BEGIN (\w+) [A-Z ]*-----.*?-----END \w+ [A-Z ]*-----", "<$1>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<TIME>"),
        (r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d ", "<TIME> "),
        (r"(File has|computed) [0-9A-F]{128}", "$1 <MAC>"),
        (r"\.sops\d+/tmp-file\d*|/dev/shm/uvars-[0-9a-f]+/tmp-file", "<TMP>"),
    ]
    .map(|(pattern, text)| (Regex::new(pattern).unwrap(), text))
    .into_iter()
    .collect()
});

/// Takes random bytes, times and the names of temporary files out.
fn tidy(text: &str) -> String {
    RANDOM
        .iter()
        .fold(text.to_owned(), |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned())
}

fn differences(case: &Case, theirs: &Ran, ours: &Ran) -> String {
    let mut found = String::new();
    for (line, (theirs, ours)) in case.commands.iter().zip(theirs.commands.iter().zip(&ours.commands)) {
        let mut wrong = Vec::new();
        if theirs.0 != ours.0 {
            wrong.push(format!("code: {} and ours {}", theirs.0, ours.0));
        }
        if theirs.1 != ours.1 {
            wrong.push(format!("stdout:\n{}\nand ours:\n{}", theirs.1, ours.1));
        }
        if (case.stderr || !wrong.is_empty()) && theirs.2 != ours.2 {
            wrong.push(format!("stderr:\n{}\nand ours:\n{}", theirs.2, ours.2));
        }
        if !wrong.is_empty() {
            let _ = writeln!(found, "$ {line}\n{}", wrong.join("\n"));
        }
    }
    for name in theirs.files.keys().chain(ours.files.keys().filter(|name| !theirs.files.contains_key(*name)))
    {
        let (theirs, ours) = (theirs.files.get(name), ours.files.get(name));
        if theirs != ours {
            let none = String::from("(none)");
            let (theirs, ours) = (theirs.unwrap_or(&none), ours.unwrap_or(&none));
            let _ = writeln!(found, "file {name}:\n{theirs}\nand ours:\n{ours}");
        }
    }
    found
}

/// Whether ours ended as the case says.
fn ended_as_said(case: &Case, ours: &Ran) -> Result<(), String> {
    let Some((code, said)) = &case.ours else { return Ok(()) };
    let (found, out, err) = ours.commands.last().unwrap();
    if found == code && format!("{out}{err}").contains(said) {
        return Ok(());
    }
    Err(format!("ours should end in {code} and say {said:?}; it ended in {found}:\n{out}{err}"))
}

/// Whether ours refused without a trace, where the case says that it refuses.
fn left_alone(case: &Case, touched: &[String]) -> Result<(), String> {
    let refuses = case.ours.as_ref().is_some_and(|(code, _)| *code != 0);
    if !refuses || case.touches || touched.is_empty() {
        return Ok(());
    }
    Err(format!("ours refused, and yet wrote {}\n", touched.join(", ")))
}

/// The files that are not as they were, to the byte and the mode.
fn touched(before: &Path, after: &Path) -> Vec<String> {
    let (before, after) = (every(before, before), every(after, after));
    let names: BTreeSet<_> = before.keys().chain(after.keys()).collect();
    names.into_iter().filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn every(root: &Path, folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        if kind.is_dir() {
            found.append(&mut every(root, &path));
            continue;
        }
        // of what is very large the length will do
        let small = kind.is_file() && kind.len() < 1 << 20;
        let bytes = if small { fs::read(&path).unwrap() } else { kind.len().to_be_bytes().to_vec() };
        let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
        found.insert(name, (kind.permissions().mode(), bytes));
    }
    found
}
