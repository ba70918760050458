//! A folder in which sops runs, our side of what it does, and what two encryptions of one text have in common.

use crate::gnupg::GnuPg;
use crate::peers;
use regex::Regex;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use uvars::keys::{IdentitySources, Keyring, Programs, Recipient};
use uvars::sops::{Encrypted, Format, KeyPath, Plain, Rules};

pub const SOPS: [&str; 2] = ["sops", "sops-3.11"];

/// A key file without hybrid keys, and one with them.
const KEYS: &str = "keys.age";
const EVERY_KEY: &str = "every.age";

pub fn vectors() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/sops")
}

pub fn key_file(name: &str) -> PathBuf {
    vectors().join("keys").join(name)
}

pub fn keyring() -> Keyring {
    let files = ["a.age", "b.age", "c.age"].map(key_file).to_vec();
    Keyring::new(IdentitySources { files, ..IdentitySources::default() })
}

pub fn recipient(name: &str) -> Recipient {
    let files = vec![key_file(name)];
    Keyring::new(IdentitySources { files, ..IdentitySources::default() }).recipients().remove(0)
}

pub fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_795_253_679)
}

pub fn path(text: &str) -> KeyPath {
    KeyPath::parse(text).unwrap()
}

/// What we make of a plain file.
pub fn ours(source: &[u8], rules: &Rules, format: Format) -> Vec<u8> {
    let plain = Plain::parse(source, format).unwrap();
    seal(&plain, rules, format).unwrap()
}

pub fn seal(plain: &Plain, rules: &Rules, format: Format) -> uvars::Result<Vec<u8>> {
    Encrypted::create(plain, &[recipient("a.age")], rules, now(), format, &Programs::default())?.emit()
}

/// What we print for an encrypted file.
pub fn print(source: &[u8], format: Format) -> uvars::Result<Vec<u8>> {
    print_as(source, format, format)
}

/// The same in another format.
pub fn print_as(source: &[u8], input: Format, output: Format) -> uvars::Result<Vec<u8>> {
    let file = Encrypted::parse(source, input)?;
    let plain = file.decrypt(&file.unlock(&keyring())?)?;
    Ok(plain.emit(output)?.expose().to_vec())
}

/// A folder in which sops runs.
pub struct Room {
    folder: TempDir,
    /// `GNUPGHOME`.
    gpg: Option<PathBuf>,
    /// The name of the key file.
    keys: &'static str,
    pub sops: &'static str,
}

impl Room {
    pub fn new(sops: &'static str) -> Option<Self> {
        peers::find(sops)?;
        let folder = TempDir::new().unwrap();
        let names = ["a.age", "b.age", "c.age", "pq.age"];
        let keys = names.map(|name| std::fs::read_to_string(key_file(name)).unwrap());
        std::fs::write(folder.path().join(KEYS), keys[..3].concat()).unwrap();
        std::fs::write(folder.path().join(EVERY_KEY), keys.concat()).unwrap();
        std::fs::create_dir(folder.path().join(".ssh")).unwrap();
        for (name, key) in [("id_ed25519", "ssh_ed25519"), ("id_rsa", "ssh_rsa")] {
            std::fs::copy(key_file(key), folder.path().join(".ssh").join(name)).unwrap();
        }
        Some(Self { folder, gpg: None, keys: KEYS, sops })
    }

    /// With the key of a keyring of gpg, and with a hybrid one where this sops reads such.
    pub fn for_all_readers(mut self, gpg: Option<&GnuPg>) -> Self {
        self.gpg = gpg.map(|gpg| gpg.home().to_owned());
        self.keys = if self.reads_hybrid() { EVERY_KEY } else { KEYS };
        self
    }

    /// Whether this sops reads hybrid keys: 3.11.0 has age 1.2, to which a file with such a key holds no key at all.
    pub fn reads_hybrid(&self) -> bool {
        self.sops == "sops"
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.folder.path().join(name)).unwrap()
    }

    pub fn run(&self, arguments: &[&str]) -> std::process::Output {
        let mut command = peers::command(self.sops).unwrap();
        command.current_dir(self.folder.path()).args(arguments);
        command.env("SOPS_AGE_KEY_FILE", self.folder.path().join(self.keys)).env("HOME", self.folder.path());
        command.envs(self.gpg.iter().map(|home| ("GNUPGHOME", home)));
        peers::feed(&mut command, b"")
    }

    pub fn succeed(&self, arguments: &[&str]) -> Vec<u8> {
        let output = self.run(arguments);
        assert!(
            output.status.success(),
            "{} {arguments:?}: {}",
            self.sops,
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }

    /// What sops makes of a plain file, or that it refuses it.
    pub fn try_encrypt(&self, source: &[u8], format: Format) -> Result<Vec<u8>, String> {
        self.write("plain", source);
        let recipient = recipient("a.age").to_string();
        let types = ["--input-type", format.name(), "--output-type", format.name()];
        let output = self.run(&[&["-e", "--age", &recipient], &types[..], &["plain"]].concat());
        if output.status.success() { Ok(output.stdout) } else { Err(shown(&output.stderr)) }
    }

    /// What sops makes of a plain file.
    pub fn encrypt(&self, source: &[u8], flags: &[&str], format: Format) -> Vec<u8> {
        self.write("plain", source);
        let recipient = recipient("a.age").to_string();
        let types = ["--input-type", format.name(), "--output-type", format.name()];
        self.succeed(&[&["-e", "--age", &recipient], flags, &types, &["plain"]].concat())
    }

    /// What sops prints for an encrypted file. It may warn of nothing.
    pub fn decrypt(&self, source: &[u8], format: Format) -> Vec<u8> {
        let output = self.decrypt_as(source, format, format);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {said}\n{}", self.sops, String::from_utf8_lossy(source));
        assert!(!said.contains("possibly unencrypted"), "{}: {said}", self.sops);
        output.stdout
    }

    /// What sops does when it is to print an encrypted file in some format.
    pub fn decrypt_as(&self, source: &[u8], input: Format, output: Format) -> std::process::Output {
        self.write("file", source);
        self.run(&["-d", "--input-type", input.name(), "--output-type", output.name(), "file"])
    }
}

/// Puts letters in the place of everything random, so that two encryptions of one plaintext are equal.
pub fn mask(source: &[u8]) -> String {
    static ARMOR: LazyLock<Regex> =
        LazyLock::new(|| regex("(?s)(-----BEGIN (?:AGE ENCRYPTED FILE|PGP MESSAGE)-----)(.*?)(-----END)"));
    static LINE: LazyLock<Regex> = LazyLock::new(|| regex(r"(\n|\\n)( *)[A-Za-z0-9+/=]+"));
    static VALUE: LazyLock<Regex> = LazyLock::new(|| regex("(data|iv|tag):[A-Za-z0-9+/=]*"));
    static TIME: LazyLock<Regex> =
        LazyLock::new(|| regex("((?:lastmodified|created_at)[^0-9]*)[-0-9]{10}T[:0-9]{8}Z"));
    let text = shown(source);
    let text = ARMOR.replace_all(&text, |found: &regex::Captures<'_>| {
        format!("{}{}{}", &found[1], LINE.replace_all(&found[2], "${1}${2}x"), &found[3])
    });
    let text = VALUE.replace_all(&text, |found: &regex::Captures<'_>| {
        format!("{}:{}", &found[1], "x".repeat(found[0].len()))
    });
    TIME.replace_all(&text, "${1}time").into_owned()
}

fn regex(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// Bytes as text, in which those that are none can be told from one another.
pub fn shown(bytes: &[u8]) -> String {
    bytes.utf8_chunks().fold(String::new(), |mut text, chunk| {
        text.push_str(chunk.valid());
        text.push_str(&chunk.invalid().escape_ascii().to_string());
        text
    })
}
