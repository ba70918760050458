//! `OpenPGP` through the gpg program, whose keyring, agent and pinentry do the work.
//!
//! Data keys reach it by pipes only. What it says is shown, but for control characters: it names keys and cards, and
//! never what was decrypted.

use crate::error::{Error, Result};
use crate::keys::{Programs, refuse_private};
use crate::secret::Secret;
use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::thread;
use zeroize::Zeroizing;

/// The gpg program. The default is `gpg` on `PATH`.
#[derive(Clone, Debug, Default)]
pub struct Gpg {
    /// Another program, as `SOPS_GPG_EXEC` names it; a bare name is looked for on `PATH`.
    pub program: Option<OsString>,
    /// What it gets, `GNUPGHOME` and the terminal of its agent among it.
    pub programs: Programs,
}

/// How much is shown of what gpg said.
const LONGEST: usize = 300;

/// Far more than a wrapped data key takes.
const LARGEST: u64 = 1024 * 1024;

impl Gpg {
    /// Wraps for the key of a fingerprint; armored, without a line end.
    ///
    /// # Errors
    ///
    /// gpg cannot be started, or does not know the key.
    pub fn encrypt(&self, fingerprint: &str, plaintext: &[u8]) -> Result<String> {
        check(fingerprint)?;
        let trusted = trusted(fingerprint);
        let arguments = [
            "--batch",
            "--no-tty",
            "--no-default-recipient",
            "--no-encrypt-to",
            "--yes",
            "--encrypt",
            "--armor",
            "--recipient",
            fingerprint,
            "--trusted-key",
            trusted,
        ];
        let armored = self.run(&arguments, plaintext).map_err(|why| {
            let hint = match why {
                Why::Said(_) => format!("is the public key there? gpg --list-keys {fingerprint}"),
                Why::NotRun(_) => NO_PROGRAM.to_owned(),
            };
            Error::new(format!("gpg cannot encrypt to {fingerprint}: {why}")).hint(hint)
        })?;
        let text = armored.expose_str().map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned).ok_or_else(|| Error::new(format!("gpg encrypted nothing to {fingerprint}")))
    }

    /// Opens what was wrapped for a key; which one, gpg finds out itself.
    ///
    /// # Errors
    ///
    /// gpg cannot be started, has no key that fits, or finds the text damaged.
    pub fn decrypt(&self, fingerprint: &str, ciphertext: &str) -> Result<Secret> {
        // a passphrase is asked for by the agent's pinentry, on the terminal of its own choice
        let opened = self.run(&["--decrypt"], ciphertext.as_bytes()).map_err(|why| {
            Error::new(format!("gpg cannot open what is encrypted to {}: {why}", shown(fingerprint)))
        })?;
        if opened.is_empty() {
            // a release that knows the cipher not drops the packet and says that all went well
            return Err(Error::new(format!(
                "gpg opened nothing of what is encrypted to {}: it may be too old for the cipher",
                shown(fingerprint)
            )));
        }
        Ok(opened)
    }

    /// Runs gpg.
    fn run(&self, arguments: &[&str], input: &[u8]) -> std::result::Result<Secret, Why> {
        let mut child = self.start(arguments).map_err(Why::NotRun)?;
        let said = child.stderr.take();
        let (mut output, said) = thread::scope(|scope| {
            let said = scope.spawn(move || {
                let mut text = Vec::new();
                said.map(|said| said.take(LARGEST).read_to_end(&mut text));
                text
            });
            let output = scope.spawn({
                let from = child.stdout.take();
                move || {
                    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
                    from.map(|from| from.take(LARGEST).read_to_end(&mut bytes));
                    bytes
                }
            });
            if let Some(mut into) = child.stdin.take() {
                // a program that fails early closes its end: what it says tells more than that
                drop(into.write_all(input));
            }
            (output.join().unwrap_or_default(), said.join().unwrap_or_default())
        });
        match child.wait() {
            Ok(status) if status.success() => Ok(Secret::new(std::mem::take(&mut *output))),
            Ok(_) => Err(Why::Said(last_words(&said))),
            Err(error) => Err(Why::NotRun(error.to_string())),
        }
    }

    fn start(&self, arguments: &[&str]) -> std::result::Result<Child, String> {
        let name = self.program.clone().unwrap_or_else(|| "gpg".into());
        let found = self.programs.find_program(&name);
        let program = found.ok_or_else(|| format!("there is no program {}", name.to_string_lossy()))?;
        let mut command = self.programs.command(&program);
        command.args(arguments).stderr(Stdio::piped());
        command.spawn().map_err(|error| format!("{} cannot be started: {error}", program.display()))
    }
}

/// Why gpg did nothing, to be told behind what it was to do.
enum Why {
    /// In its own words.
    Said(String),
    NotRun(String),
}

impl std::fmt::Display for Why {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (Self::Said(why) | Self::NotRun(why)) = self;
        out.write_str(why)
    }
}

const NO_PROGRAM: &str = "install GnuPG, or name its program in SOPS_GPG_EXEC";

/// Refuses what gpg could take for an option or for more than one key, and what the list of processes must not show.
fn check(fingerprint: &str) -> Result<()> {
    refuse_private(fingerprint)?;
    let digits = fingerprint.strip_suffix('!').unwrap_or(fingerprint);
    let is_key = |text: &str| {
        !text.is_empty()
            && !text.starts_with('-')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || "@._+-<>".contains(c))
    };
    if is_key(digits) { Ok(()) } else { Err(Error::new("this is no fingerprint of an OpenPGP key")) }
}

/// The key's long number, which old releases of gpg want here.
fn trusted(fingerprint: &str) -> &str {
    let digits = 16 + usize::from(fingerprint.ends_with('!'));
    let start = fingerprint.len().saturating_sub(digits);
    fingerprint.get(start..).unwrap_or(fingerprint)
}

fn shown(fingerprint: &str) -> String {
    fingerprint.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// What gpg said to have failed: the last line is its conclusion, that a key was not there, and the lines before it say
/// why, as that nobody answered the question for its passphrase.
fn last_words(said: &[u8]) -> String {
    /// Of a long story the end is told.
    const MOST: usize = 3;
    let said = String::from_utf8_lossy(said);
    let lines = said.lines().map(|line| line.trim().strip_prefix("gpg: ").unwrap_or(line.trim()));
    let lines: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
    let Some((last, before)) = lines.split_last() else { return "it failed".to_owned() };
    let tells = |line: &&&str| [" failed: ", ": skipped: "].iter().any(|words| line.contains(words));
    let mut told: Vec<&str> = before.iter().filter(tells).copied().collect();
    told.push(last);
    let told = told.get(told.len().saturating_sub(MOST)..).unwrap_or_default();
    shown(&told.join("; ")).chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    /// A gpg of our own that does as the script says.
    fn gpg(script: &str) -> (tempfile::TempDir, Gpg) {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("gpg");
        fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", dir.path().display());
        let programs = Programs { environment: vec![("PATH".into(), path.into())], ask: None };
        (dir, Gpg { program: None, programs })
    }

    #[test]
    fn what_gpg_prints_is_taken_and_what_it_says_is_told() {
        let (_dir, program) = gpg("cat");
        assert_eq!(program.encrypt("ABCD", b" armored \n\n").unwrap(), "armored");
        assert_eq!(program.decrypt("ABCD", "the key").unwrap().expose(), b"the key");
        let (_dir, program) =
            gpg("cat >/dev/null; echo 'gpg: note' >&2; printf 'gpg: no \\033secret key\\n\\n' >&2; exit 2");
        let error = program.decrypt("ABCD", "x").unwrap_err();
        assert_eq!(error.to_string(), "gpg cannot open what is encrypted to ABCD: no ?secret key");
        let error = program.encrypt("ABCD", b"x").unwrap_err();
        assert_eq!(error.to_string(), "gpg cannot encrypt to ABCD: no ?secret key");
    }

    #[test]
    fn what_failed_before_the_end_is_told_too() {
        for (said, told) in [
            (
                "gpg: encrypted with 255-bit ECDH key\n      \"x\"\ngpg: public key decryption failed: No pinentry\n\
                 gpg: decryption failed: No secret key\n",
                "public key decryption failed: No pinentry; decryption failed: No secret key",
            ),
            (
                "gpg: 82D0: skipped: Unusable public key\ngpg: [stdin]: encryption failed: Unusable public key\n",
                "82D0: skipped: Unusable public key; [stdin]: encryption failed: Unusable public key",
            ),
            ("gpg: a\ngpg: b\n\n", "b"),
            (" \n", "it failed"),
        ] {
            assert_eq!(last_words(said.as_bytes()), told);
        }
        assert!(last_words("gpg: x failed: y\n".repeat(1000).as_bytes()).len() < 100);
        assert_eq!(last_words("x".repeat(1000).as_bytes()).len(), LONGEST);
    }

    #[test]
    fn a_gpg_that_opens_nothing_has_failed() {
        let (_dir, program) = gpg("cat >/dev/null");
        assert!(program.decrypt("ABCD", "x").is_err());
        assert!(program.encrypt("ABCD", b"x").is_err());
    }

    #[test]
    fn a_gpg_that_reads_nothing_does_not_hang() {
        let (_dir, program) = gpg("exit 3");
        assert!(program.decrypt("ABCD", &"x".repeat(1 << 20)).is_err());
    }

    #[test]
    fn a_missing_program_is_named() {
        let error = Gpg::default().encrypt("ABCD", b"x").unwrap_err();
        assert_eq!(error.to_string(), "gpg cannot encrypt to ABCD: there is no program gpg");
        assert_eq!(error.hints(), [NO_PROGRAM]);
    }

    #[test]
    fn a_fingerprint_can_be_no_option() {
        let (_dir, program) = gpg("echo \"$@\"");
        for bad in ["", "!", "-d", "--output=x", "a b", "a\nb"] {
            assert!(program.encrypt(bad, b"x").is_err(), "{bad}");
        }
        assert!(
            program
                .encrypt("85D77543B3D624B63CEA9E6DBC17301B491B3F21!", b"x")
                .unwrap()
                .ends_with("BC17301B491B3F21!")
        );
        assert!(
            program
                .encrypt("85D77543B3D624B63CEA9E6DBC17301B491B3F21", b"x")
                .unwrap()
                .ends_with(" BC17301B491B3F21")
        );
    }
}
