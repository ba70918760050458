//! Recipients, identities and the registry, held against age, ssh-keygen and sops.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod peers;

use std::path::{Path, PathBuf};
use uvars::keys::{IdentitySources, Keyring, Recipient, Wrapped};
use uvars::secret::Secret;

const DATA_KEY: &[u8; 32] = b"0123456789abcdef0123456789abcdef";

/// A throw-away key made by the real age-keygen: the file, and its public half.
fn age_key(dir: &Path, name: &str) -> Option<(PathBuf, String)> {
    let text = peers::succeed(&mut peers::command("age-keygen")?);
    let text = String::from_utf8(text).unwrap();
    let public = text.lines().find_map(|line| line.strip_prefix("# public key: ")).unwrap().to_owned();
    let file = dir.join(name);
    std::fs::write(&file, text).unwrap();
    Some((file, public))
}

/// A throw-away ssh key made by the real ssh-keygen: the private file, and the line of the public one.
fn ssh_key(dir: &Path, name: &str, arguments: &[&str]) -> Option<(PathBuf, String)> {
    let file = dir.join(name);
    peers::succeed(
        peers::command("ssh-keygen")?
            .args(["-q", "-N", "", "-C", "jon@cinnabar"])
            .args(arguments)
            .arg("-f")
            .arg(&file),
    );
    let public = std::fs::read_to_string(file.with_extension("pub")).unwrap();
    Some((file, public.trim().to_owned()))
}

fn keyring(files: &[&Path]) -> Keyring {
    let files = files.iter().map(|file| file.to_path_buf()).collect();
    Keyring::new(IdentitySources { files, ..IdentitySources::default() })
}

fn open(keyring: &Keyring, recipient: &str, enc: &str) -> uvars::Result<Secret> {
    keyring.unwrap(&[Wrapped { recipient, enc }])
}

#[test]
fn age_opens_what_we_wrap_and_we_open_what_age_wraps() {
    let dir = tempfile::tempdir().unwrap();
    let Some((file, public)) = age_key(dir.path(), "key") else { return };
    let Some((ed25519, ed25519_public)) = ssh_key(dir.path(), "ed25519", &["-t", "ed25519"]) else { return };
    let Some((rsa, rsa_public)) = ssh_key(dir.path(), "rsa", &["-t", "rsa", "-b", "2048"]) else { return };
    for (file, public) in [(file, public), (ed25519, ed25519_public), (rsa, rsa_public)] {
        let recipient = Recipient::parse(&public).unwrap();
        let enc = recipient.wrap(DATA_KEY).unwrap();
        let Some(mut age) = peers::command("age") else { return };
        let plain = peers::succeed_with(age.arg("--decrypt").arg("-i").arg(&file), enc.as_bytes());
        assert_eq!(plain, DATA_KEY, "{public}");

        let Some(mut age) = peers::command("age") else { return };
        let theirs = peers::succeed_with(age.args(["--armor", "-r", &public]), DATA_KEY);
        let theirs = String::from_utf8(theirs).unwrap();
        for enc in [&theirs, &enc] {
            let opened = open(&keyring(&[&file]), &public, enc).unwrap();
            assert_eq!(opened.expose(), DATA_KEY, "{public}");
        }
        // the same shape: as many lines, as wide
        let shape = |text: &str| text.split('\n').map(str::len).collect::<Vec<_>>();
        assert_eq!(shape(&theirs), shape(&enc), "{theirs}{enc}");
    }
}
