//! ssh-to-age: the age key that an ssh-ed25519 key stands for, public and private halves.

use super::identity::Identity;
use super::private;
use super::recipient::Recipient;
use super::ssh;
use super::ssh_ed25519::KIND;
use super::ssh_private::{self, SshKey};
use crate::error::{Error, Result};
use crate::secret::Secret;
use std::fmt::{self, Write as _};

/// What came out of a list of public keys.
#[derive(Clone, Debug, Default)]
pub struct Conversion {
    /// The ssh-ed25519 keys, each as an X25519 recipient, in their order.
    pub converted: Vec<Converted>,
    /// The lines whose keys have no X25519 form.
    pub skipped: Vec<Skipped>,
}

/// A key that has been converted.
#[derive(Clone, Debug)]
pub struct Converted {
    /// `age1…`
    pub recipient: Recipient,
    /// The key's own comment, or the hosts of a `known_hosts` line.
    pub comment: Option<String>,
    /// The line it stood in, counted from 1.
    pub line: u32,
}

/// A line that was passed over.
#[derive(Clone, Debug)]
pub struct Skipped {
    /// The line, counted from 1.
    pub line: u32,
    /// Why: the key's type, which is public.
    pub why: String,
}

impl fmt::Display for Skipped {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "line {}: {}", self.line, self.why)
    }
}

impl Conversion {
    /// The text of an age recipients file: each comment in a line of its own above its key.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for key in &self.converted {
            // writing to a string does not fail
            let _ = key.comment.iter().try_for_each(|comment| writeln!(text, "# {comment}"));
            let _ = writeln!(text, "{}", key.recipient);
        }
        text
    }
}

/// Converts public keys, one a line: `.pub` files, `authorized_keys` with options in front, `known_hosts` and the
/// output of ssh-keyscan with hosts in front. Empty lines and lines that begin with `#` are passed over.
///
/// # Errors
///
/// A line that is none of these, by its number: nothing of it is quoted.
pub fn convert_public(text: &[u8]) -> Result<Conversion> {
    let text = std::str::from_utf8(text).map_err(|_| Error::new("this is not text"))?;
    // editors of Windows put one in front
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut conversion = Conversion::default();
    for (number, line) in (1..).zip(text.split('\n')) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match convert_line(line).map_err(|error| error.position(number, 1))? {
            Ok((recipient, comment)) => {
                conversion.converted.push(Converted { recipient, comment, line: number });
            }
            Err(why) => conversion.skipped.push(Skipped { line: number, why }),
        }
    }
    Ok(conversion)
}

/// A line's recipient and comment, or why it is passed over.
fn convert_line(line: &str) -> Result<std::result::Result<(Recipient, Option<String>), String>> {
    if let Some(error) = private::refuse(line) {
        return Err(error.hint("or convert the private half: uvars key convert --private"));
    }
    let (front, key) = find_key(line).ok_or_else(|| Error::new("this line has no ssh public key"))?;
    if let Some(why) = not_ones_own(&front) {
        return Ok(Err(why.to_owned()));
    }
    if key.kind != KIND {
        return Ok(Err(format!(
            "only ssh-ed25519 keys have an age form, and this is {}",
            kind_name(key.kind)
        )));
    }
    let recipient = Recipient::parse(&format!("{} {} {}", key.kind, key.base64, key.comment))?;
    let converted = recipient.converted().ok_or_else(|| Error::new("malformed ssh-ed25519 key"))?;
    let hosts = front.last().copied().filter(|word| is_hosts(word));
    let comment = converted.comment().or(hosts).map(str::to_owned);
    Ok(Ok((converted, comment)))
}

/// The words in front of the key (options, or a marker and hosts), and the key from its type on.
pub(super) fn find_key(line: &str) -> Option<(Vec<&str>, ssh::Line<'_>)> {
    let mut front = Vec::new();
    let mut rest = line;
    loop {
        let (word, behind) = next_word(rest);
        if is_kind(word) {
            return Some((front, ssh::split(rest)?));
        }
        front.push(word);
        rest = behind?;
    }
}

/// A word up to a blank that is not inside of quotes, and what is behind it.
fn next_word(text: &str) -> (&str, Option<&str>) {
    let mut quoted = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            ' ' | '\t' if !quoted => {
                let (word, behind) = text.split_at_checked(at).unwrap_or((text, ""));
                return (word, Some(behind.trim_start()));
            }
            _ => {}
        }
    }
    (text, None)
}

/// Whether a text is a line with an ssh public key in it, of whatever type: options or hosts may stand in front.
pub fn is_ssh_line(text: &str) -> bool {
    find_key(text.trim()).is_some()
}

/// Whether a word ends in a type of ssh keys, and the next is the public key of that type.
pub fn is_ssh_key(word: &str, next: &str) -> bool {
    let kind = word.rsplit(['=', ' ', '\t']).next().unwrap_or_default();
    is_kind(kind) && ssh::fields(kind, next).is_ok()
}

fn is_kind(word: &str) -> bool {
    word == KIND || word == super::ssh_rsa::KIND || ssh::other_type(word).is_some()
}

/// The name of a type out of a fixed list, so that no word of the line is repeated.
fn kind_name(word: &str) -> &'static str {
    if word == super::ssh_rsa::KIND {
        super::ssh_rsa::KIND
    } else {
        ssh::other_type(word).unwrap_or("another type")
    }
}

/// Why the words in front of a key say that it is nobody's own.
pub(super) fn not_ones_own(front: &[&str]) -> Option<&'static str> {
    match front.first()? {
        marker if *marker == "@revoked" => Some("the line is marked @revoked, and is no host's own key"),
        marker if marker.starts_with('@') => {
            Some("the line is marked @cert-authority, and is no host's own key")
        }
        options if options.split(',').any(|option| option == "cert-authority") => {
            Some("the key is that of an authority, and nobody's own")
        }
        _ => None,
    }
}

/// Whether a word in front of a key is a list of hosts, in the clear: neither options nor a hash.
pub(super) fn is_hosts(word: &str) -> bool {
    let host = |c: char| c.is_ascii_alphanumeric() || ".,-_:[]*?!".contains(c);
    !word.is_empty() && word.chars().all(host) && !is_option(word)
}

/// Options of `authorized_keys` that have no value.
fn is_option(word: &str) -> bool {
    let first = word.split(',').next().unwrap_or_default();
    ["cert-authority", "restrict", "verify-required", "no-touch-required"].contains(&first)
        || first.starts_with("no-")
        || ["agent-forwarding", "port-forwarding", "pty", "user-rc", "X11-forwarding", "x11-forwarding"]
            .contains(&first)
}

/// Both halves of a private key that has been converted.
#[derive(Debug)]
pub struct ConvertedPrivate {
    /// `AGE-SECRET-KEY-1…`, without a line end.
    pub identity: Secret,
    /// `age1…`
    pub recipient: Recipient,
    /// The ssh key that it was made of.
    pub ssh: Recipient,
}

/// Converts an OpenSSH private key. `passphrase` is called where one protects the key.
///
/// # Errors
///
/// Not an OpenSSH private key, not of type ssh-ed25519, or the wrong passphrase; the input is never quoted.
pub fn convert_private(
    key: &Secret,
    passphrase: impl FnOnce() -> Option<Secret>,
) -> Result<ConvertedPrivate> {
    let key = ssh_private_key(key)?;
    let ssh = key.public().ok_or_else(not_ed25519)?;
    if ssh.converted().is_none() {
        return Err(not_ed25519());
    }
    let secret = if key.is_protected() {
        let needed = || Error::new("a passphrase protects this key").hint("give it on a terminal");
        Some(passphrase().ok_or_else(needed)?)
    } else {
        None
    };
    let Identity::SshEd25519 { converted, .. } = key.identity(secret.as_ref())? else {
        return Err(not_ed25519());
    };
    let recipient = Recipient::parse(converted.public())?;
    Ok(ConvertedPrivate { identity: converted.text(), recipient, ssh })
}

/// The public half of an OpenSSH private key, which stands in it in the clear: no passphrase is needed.
pub fn public_of_private(key: &Secret) -> Result<Recipient> {
    ssh_private_key(key)?.public().ok_or_else(not_ed25519)
}

fn ssh_private_key(key: &Secret) -> Result<SshKey> {
    if !key.expose().trim_ascii_start().starts_with(b"-----BEGIN ") {
        return Err(Error::new("this is not an OpenSSH private key"));
    }
    ssh_private::parse(key.expose())
}

fn not_ed25519() -> Error {
    Error::new("only ssh-ed25519 keys have an age form").hint("make one with: uvars key generate CLASS/NAME")
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE64: &str = "AAAAC3NzaC1lZDI1NTE5AAAAIBI1+Q+ntzANebtnicCiAY29uqLGWOaOGLEa8bUqOVmS";
    const AGE: &str = "age1a8pk4akrdamj7nvqy3zywgtny8dxz7t5xzu7u8v9mhrayp9freqsqatyrs";

    fn converted(line: &str) -> (Option<String>, String) {
        let conversion = convert_public(line.as_bytes()).unwrap();
        let [key] = conversion.converted.as_slice() else { panic!("{line}: {conversion:?}") };
        (key.comment.clone(), key.recipient.to_string())
    }

    #[test]
    fn lines_of_every_file_of_openssh_are_understood() {
        let key = format!("ssh-ed25519 {BASE64}");
        for (line, comment) in [
            (key.clone(), None),
            (format!("  {key}\tjon@cinnabar work\r"), Some("jon@cinnabar work")),
            (format!("\u{feff}{key} jon\r\n"), Some("jon")),
            (format!("restrict,pty {key} jon"), Some("jon")),
            (format!("no-pty {key}"), None),
            (format!("command=\"echo \\\"ssh-rsa x\\\" ssh-rsa\",from=\"*.org\" {key} jon"), Some("jon")),
            (format!("cinnabar.example.org {key}"), Some("cinnabar.example.org")),
            (format!("cinnabar,192.168.1.1,[::1]:22 {key}"), Some("cinnabar,192.168.1.1,[::1]:22")),
            (format!("|1|aGVsbG8=|d29ybGQ= {key}"), None),
        ] {
            assert_eq!(converted(&line), (comment.map(str::to_owned), AGE.to_owned()), "{line}");
        }
    }

    #[test]
    fn several_lines_keep_their_order_and_others_are_named() {
        let text = format!(
            "# cinnabar:22 SSH-2.0\n\na ssh-rsa AAAA\na ssh-ed25519 {BASE64}\nb ecdsa-sha2-nistp256 AAAA\n\
             @revoked b ssh-ed25519 {BASE64}\n@cert-authority *.org ssh-ed25519 {BASE64}\nssh-ed25519 {BASE64}"
        );
        let conversion = convert_public(text.as_bytes()).unwrap();
        assert_eq!(conversion.to_text(), format!("# a\n{AGE}\n{AGE}\n"));
        assert_eq!(conversion.converted.iter().map(|key| key.line).collect::<Vec<_>>(), [4, 8]);
        let skipped: Vec<_> = conversion.skipped.iter().map(ToString::to_string).collect();
        assert_eq!(
            skipped,
            [
                "line 3: only ssh-ed25519 keys have an age form, and this is ssh-rsa",
                "line 5: only ssh-ed25519 keys have an age form, and this is ecdsa-sha2-nistp256",
                "line 6: the line is marked @revoked, and is no host's own key",
                "line 7: the line is marked @cert-authority, and is no host's own key",
            ]
        );
    }

    #[test]
    fn what_is_no_key_is_refused_by_line() {
        for (line, message) in [
            ("hunter2", "this line has no ssh public key"),
            ("ssh-ed25519", "this line has no ssh public key"),
            ("host hunter2 x", "this line has no ssh public key"),
            ("ssh-ed25519 hunter2", "malformed ssh-ed25519 key"),
            ("AGE-SECRET-KEY-1HUNTER2", "this is an age identity"),
            ("-----BEGIN OPENSSH PRIVATE KEY-----", "this is a private key"),
        ] {
            let error = convert_public(format!("#\n{line}\n").as_bytes()).unwrap_err();
            assert_eq!(error.line_column(), Some((2, 1)));
            assert!(error.message().starts_with(message), "{error}");
            assert!(!format!("{error:?}").to_lowercase().contains("hunter2"));
        }
        assert!(convert_public(b"\xff").is_err());
        for key in ["", "hunter2", "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2", "AGE-SECRET-KEY-1HUNTER2"]
        {
            let error = convert_private(&Secret::from(key), || None).unwrap_err();
            assert!(!format!("{error:?}").to_lowercase().contains("hunter2"));
            assert!(public_of_private(&Secret::from(key)).is_err());
        }
    }
}
