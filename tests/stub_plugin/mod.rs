//! A plugin of age that leaves file keys in the clear, which is all that the protocol needs.
#![allow(dead_code, reason = "every test binary uses its own part of this")]
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "this is test code")]
#![allow(unreachable_pub, reason = "a module of several test binaries")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Its public key.
pub const RECIPIENT: &str = "age1uvarstest1wp6kymrfvvsxsctvvclek6ak";
/// Another one.
pub const OTHER: &str = "age1uvarstest1da6xsetjcc578q";
/// What opens all that it wrapped.
pub const IDENTITY: &str = "AGE-PLUGIN-UVARSTEST-1WPEXJANPW3JJQ6RPD3NQ5J2N6F";
/// The program.
pub const NAME: &str = "age-plugin-uvarstest";

/// Files beside it change its mood: `asks`, `fails` (and `quits` there), `dies`, `babbles`. It writes a line into `starts` whenever it is
/// started, and makes `together` if another one runs then.
const PLUGIN: &str = r#"#!/bin/sh
here=$(dirname "$0")
stanza() {
    IFS= read -r head || exit 1
    body=
    while IFS= read -r line; do body=$body$line; [ ${#line} -lt 64 ] && break; done
}
say() { printf '%s\n%s\n' "$1" "$2"; }
ask() { say "$1" "$2"; stanza; }
echo "$1" >> "$here/starts"
mkdir "$here/running" 2> /dev/null && trap 'rmdir "$here/running"' EXIT || : > "$here/together"
[ -e "$here/dies" ] && exit 1
[ -e "$here/babbles" ] && { echo hello; exit 0; }
key=
while stanza; do
    case $head in
    "-> wrap-file-key"* | "-> recipient-stanza 0 uvarstest"*) key=$body ;;
    "-> done") break ;;
    esac
done
if [ -e "$here/asks" ]; then
    ask "-> msg" dG91Y2ggaXQ
    ask "-> no-such-command x" ""
    [ "$head" = "-> unsupported" ] || exit 2
    ask "-> confirm eWVz bm8" c3VyZT8
    [ "$head" = "-> ok yes" ] || exit 3
    ask "-> request-public" bmFtZQ
    [ "$body" = am9u ] || exit 4
    ask "-> request-secret" UElO
    [ "$body" = MTIzNA ] || exit 5
fi
if [ -e "$here/fails" ]; then
    ask "-> error internal" "$(cat "$here/fails")"
    [ -e "$here/quits" ] && exit 3
elif [ "$1" = --age-plugin=recipient-v1 ]; then
    ask "-> recipient-stanza 0 uvarstest some thing" "$key"
elif [ -n "$key" ]; then
    ask "-> file-key 0" "$key"
fi
say "-> done" ""
"#;

/// The plugin in a folder of its own.
pub struct Stub {
    folder: tempfile::TempDir,
}

impl Stub {
    /// In its best mood.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join(NAME);
        fs::write(&program, PLUGIN).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        Self { folder }
    }

    /// Where it lies.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `PATH` is to be for those who are to find it.
    pub fn path(&self) -> OsString {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let all = std::iter::once(self.folder().to_owned()).chain(std::env::split_paths(&path));
        std::env::join_paths(all).unwrap()
    }

    /// Puts it into a mood, with what it then says in base64.
    pub fn turn(&self, mood: &str, text: &str) {
        fs::write(self.folder().join(mood), text).unwrap();
    }

    /// Takes a mood away.
    pub fn calm(&self, mood: &str) {
        fs::remove_file(self.folder().join(mood)).unwrap();
    }

    /// How often it was started to wrap since either was asked last.
    pub fn wraps(&self) -> usize {
        self.starts("recipient-v1")
    }

    /// How often it was started to open since either was asked last.
    pub fn opens(&self) -> usize {
        self.starts("identity-v1")
    }

    fn starts(&self, machine: &str) -> usize {
        let file = self.folder().join("starts");
        let starts = fs::read_to_string(&file).unwrap_or_default();
        drop(fs::remove_file(file));
        starts.lines().filter(|line| line.ends_with(machine)).count()
    }

    /// Whether two of it ever ran at once.
    pub fn ran_together(&self) -> bool {
        self.folder().join("together").exists()
    }
}
