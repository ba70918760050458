//! Public keys as people have them at hand: key files, `.pub` files, `authorized_keys`, `known_hosts`, the output of
//! ssh-keyscan, what a forge serves as somebody's keys.
//!
//! More is taken here than in a key file, which is strict; but never a key that may be somebody else's.

use super::convert::{self, Skipped};
use super::private;
use super::recipient::{KeyKind, Recipient};
use super::ssh;
use crate::error::{Error, Result};

/// What was found in a text.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys {
    /// The keys in their order.
    pub keys: Vec<PublicKey>,
    /// The lines that were passed over.
    pub skipped: Vec<Skipped>,
}

/// One key.
#[derive(Clone, Debug)]
pub struct PublicKey {
    /// The key.
    pub recipient: Recipient,
    /// What stands behind it, or in the `#` line right above it.
    pub comment: Option<String>,
    /// What the `#` line right above it says.
    pub above: Option<String>,
    /// The line, counted from 1.
    pub line: u32,
    /// The hosts in front of it, as `known_hosts` and ssh-keyscan have them; hashed ones too.
    hosts: Option<String>,
}

/// Reads them.
///
/// Passed over are ssh keys that age cannot encrypt to, those of authorities and revoked ones, and the RSA key of a
/// host that has an ssh-ed25519 key as well.
///
/// # Errors
///
/// A line that is no public key, a private key, keys of several hosts: by the line, and nothing of it is quoted.
pub fn public_keys(text: &[u8]) -> Result<PublicKeys> {
    let text = super::key_file::text(text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text))?;
    let mut found = PublicKeys::default();
    let mut above = None;
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim();
        if let Some(error) = private::refuse(line) {
            return Err(error.position(number, 1));
        }
        if let Some(comment) = line.strip_prefix('#') {
            above = Some(comment.trim().to_owned()).filter(|comment| !comment.is_empty());
            continue;
        }
        let above = above.take();
        if line.is_empty() {
            continue;
        }
        match read_line(line).map_err(|error| error.position(number, 1))? {
            Ok((recipient, hosts)) => {
                let comment = recipient.comment().map(str::to_owned).or_else(|| above.clone());
                found.keys.push(PublicKey { recipient, comment, above, line: number, hosts });
            }
            Err(why) => found.skipped.push(Skipped { line: number, why }),
        }
    }
    found.leave_out_spare_keys();
    found.check_hosts()?;
    Ok(found)
}

/// The key of a line with the hosts in front of it, or why it is passed over.
fn read_line(line: &str) -> Result<std::result::Result<(Recipient, Option<String>), String>> {
    let Some((front, key)) = convert::find_key(line) else { return Ok(Ok((Recipient::parse(line)?, None))) };
    if let Some(why) = convert::not_ones_own(&front) {
        return Ok(Err(why.to_owned()));
    }
    if let Some(kind) = ssh::other_type(key.kind) {
        return Ok(Err(format!("age cannot encrypt to ssh keys of type {kind}")));
    }
    let recipient = Recipient::parse(&format!("{} {} {}", key.kind, key.base64, key.comment))?;
    let hosts = front.last().filter(|word| convert::is_hosts(word) || word.starts_with("|1|"));
    Ok(Ok((recipient, hosts.map(|hosts| (*hosts).to_owned()))))
}

impl From<Recipient> for PublicKeys {
    fn from(recipient: Recipient) -> Self {
        let comment = recipient.comment().map(str::to_owned);
        Self {
            keys: vec![PublicKey { recipient, comment, above: None, line: 1, hosts: None }],
            skipped: Vec::new(),
        }
    }
}

impl PublicKeys {
    /// One key of a host is enough to encrypt to it, and the ssh-ed25519 one is what every sops can use.
    fn leave_out_spare_keys(&mut self) {
        let of_host = |key: &PublicKey, kind| key.hosts.is_some() && key.recipient.kind() == kind;
        if !self.keys.iter().any(|key| of_host(key, KeyKind::SshEd25519)) {
            return;
        }
        let spare = self.keys.extract_if(.., |key| of_host(key, KeyKind::SshRsa));
        let why = "the ssh-ed25519 key of the host is enough";
        self.skipped.extend(spare.map(|key| Skipped { line: key.line, why: why.to_owned() }));
        self.skipped.sort_by_key(|skipped| skipped.line);
    }

    /// A whole `known_hosts` must not make every host in it a reader.
    fn check_hosts(&self) -> Result<()> {
        let mut hosts = self.keys.iter().filter_map(|key| Some((key.line, key.hosts.as_ref()?)));
        let Some((_, first)) = hosts.next() else { return Ok(()) };
        match hosts.find(|(_, other)| *other != first) {
            None => Ok(()),
            Some((line, _)) => Err(Error::new("this is the key of another host than those before it")
                .position(line, 1)
                .hint("one host only: ssh-keyscan -t ed25519 HOST, or ssh-keygen -F HOST")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: &str = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
    const ED: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBI1+Q+ntzANebtnicCiAY29uqLGWOaOGLEa8bUqOVmS";
    const OTHER: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFXwYrjp0WGmuAAIDrOQ1nb/6LTmGP72ktTcdq8jzHWO";
    const EC: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTY";

    fn rsa() -> String {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/throw-away-forms/rsa.pub");
        let text = std::fs::read_to_string(file).unwrap();
        text.split(' ').take(2).collect::<Vec<_>>().join(" ").trim().to_owned()
    }

    /// The keys with their comments, and why lines were passed over.
    fn read(text: &str) -> (Vec<String>, Vec<String>) {
        let found = public_keys(text.as_bytes()).unwrap();
        let key =
            |key: &PublicKey| format!("{} {:?}", key.recipient, key.comment.as_deref().unwrap_or_default());
        (found.keys.iter().map(key).collect(), found.skipped.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn keys_are_taken_as_people_have_them() {
        let rsa = rsa();
        for (text, keys) in [
            (AGE.to_owned(), vec![format!("{AGE} \"\"")]),
            (format!("\u{feff}# jon's laptop\r\n{AGE}\r\n"), vec![format!("{AGE} \"jon's laptop\"")]),
            (format!("{ED} jon@laptop\n"), vec![format!("{ED} \"jon@laptop\"")]),
            (format!("# x\n\n{ED}"), vec![format!("{ED} \"\"")]),
            (format!("{ED}\n{OTHER}\n{rsa}\n"), [ED, OTHER, &rsa].map(|key| format!("{key} \"\"")).to_vec()),
            (
                format!("restrict,command=\"echo ssh-rsa AAAA\",from=\"10.*\" {ED} jon\nno-pty {OTHER}"),
                vec![format!("{ED} \"jon\""), format!("{OTHER} \"\"")],
            ),
            (format!("web1 {ED}"), vec![format!("{ED} \"\"")]),
            (format!("web1,10.0.0.1,[::1]:22 {ED}\r\n"), vec![format!("{ED} \"\"")]),
            (format!("|1|c2FsdA==|aGFzaA== {ED}"), vec![format!("{ED} \"\"")]),
            (String::new(), Vec::new()),
        ] {
            assert_eq!(read(&text), (keys, Vec::new()), "{text}");
        }
    }

    #[test]
    fn what_is_no_use_is_passed_over_and_said() {
        let scan = format!("# web1:22 SSH-2.0\nweb1 {}\nweb1 {EC}\nweb1 {ED}\n", rsa());
        let (keys, skipped) = read(&scan);
        assert_eq!(keys, [format!("{ED} \"\"")]);
        assert_eq!(
            skipped,
            [
                "line 2: the ssh-ed25519 key of the host is enough",
                "line 3: age cannot encrypt to ssh keys of type ecdsa-sha2-nistp256",
            ]
        );
        let lines =
            format!("@cert-authority *.org {OTHER}\n@revoked web1 {OTHER}\ncert-authority {OTHER} ca\n{ED}");
        let (keys, skipped) = read(&lines);
        assert_eq!((keys.len(), skipped.len()), (1, 3), "{skipped:?}");
        assert_eq!(read(&format!("web1 {}", rsa())).0.len(), 1);
    }

    #[test]
    fn a_whole_known_hosts_is_refused() {
        for (one, other) in [("web1", "web2"), ("web1", "web1,10.0.0.1"), ("|1|YQ==|YQ==", "|1|Yg==|YQ==")] {
            let error = public_keys(format!("{one} {ED}\n{other} {OTHER}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line_column(), Some((2, 1)));
            assert!(error.message().contains("another host"), "{error}");
        }
    }

    #[test]
    fn private_keys_and_noise_are_refused_by_line_and_never_shown() {
        for text in [
            "AGE-SECRET-KEY-1HUNTER2",
            "# AGE-SECRET-KEY-1HUNTER2",
            "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2",
            "PuTTY-User-Key-File-3: ssh-ed25519\nhunter2",
            "hunter2",
            "<html>hunter2</html>",
            "web1 hunter2",
            "ssh-ed25519 hunter2",
            "age1hunter2",
        ] {
            let error = public_keys(format!("{ED}\n{text}").as_bytes()).unwrap_err();
            assert_eq!(error.line_column(), Some((2, 1)), "{text}");
            assert!(!format!("{error:?}").to_lowercase().contains("hunter2"), "{error:?}");
        }
    }
}
