//! Where a key service listens: `tcp://HOST:PORT` or `unix:///PATH`, as sops writes it.

use crate::error::{Error, Result};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// An address of a key service.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Address {
    /// Host and port.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl FromStr for Address {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::usage("the address of a key service is tcp://HOST:PORT or unix:///PATH");
        let (scheme, rest) = text.trim().split_once(':').ok_or_else(wrong)?;
        match scheme.to_ascii_lowercase().as_str() {
            "tcp" | "tcp4" | "tcp6" => host(rest).map(Self::Tcp),
            "unix" => path(rest).map(Self::Unix),
            _ => None,
        }
        .ok_or_else(wrong)
    }
}

/// `//HOST:PORT`. What may stand around it in a URL counts for nothing, and no host is this one.
fn host(rest: &str) -> Option<String> {
    let authority = rest.strip_prefix("//")?.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let (name, port) = host.rsplit_once(':')?;
    port.parse::<u16>().ok()?;
    Some(if name.is_empty() { format!("localhost:{port}") } else { host.to_owned() })
}

/// `///PATH`, or `PATH` itself, from the current folder where it is not absolute.
fn path(rest: &str) -> Option<PathBuf> {
    let path = rest.split(['?', '#']).next()?;
    let path = match path.strip_prefix("//") {
        Some(path) => Some(path).filter(|path| path.starts_with('/'))?,
        None => Some(path).filter(|path| !path.is_empty())?,
    };
    unescaped(path).map(PathBuf::from)
}

/// The text of a URL in which `%41` stands for `A`.
fn unescaped(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|text| !text.contains('\0'))
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(out, "tcp://{host}"),
            Self::Unix(path) if path.is_absolute() => write!(out, "unix://{}", path.display()),
            Self::Unix(path) => write!(out, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_those_of_sops() {
        for text in
            ["tcp://127.0.0.1:5000", "tcp://[::1]:5000", "tcp://keys.example.com:1", "unix:///run/keys"]
        {
            assert_eq!(text.parse::<Address>().unwrap().to_string(), text);
        }
        assert_eq!("tcp4://h:1/".parse::<Address>().unwrap(), Address::Tcp("h:1".into()));
        for (text, host) in [
            ("TCP://h:1", "h:1"),
            ("tcp://:1", "localhost:1"),
            ("tcp://h:1/x", "h:1"),
            ("tcp://h:1?x", "h:1"),
            ("tcp://u@h:1", "h:1"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap(), Address::Tcp(host.into()), "{text}");
        }
        for (text, path) in [
            ("unix:/run/keys", "/run/keys"),
            ("unix:keys", "keys"),
            ("Unix:///run/keys", "/run/keys"),
            ("unix:///run/a%20b%c3%A4", "/run/a bä"),
            ("unix:///run/a b", "/run/a b"),
            ("unix:///run/keys?x=y", "/run/keys"),
            ("unix:///run/keys#x", "/run/keys"),
        ] {
            assert_eq!(text.parse::<Address>().unwrap(), Address::Unix(path.into()), "{text}");
        }
        for text in [
            "",
            "h:1",
            "tcp://",
            "tcp://h",
            "tcp://h:99999",
            "tcp:h:1",
            "tcp:///h:1",
            "unix://x",
            "unix://h/run/keys",
            "unix:",
            "unix:///a%4",
            "unix:///a%+1",
            "unix:///a%ff",
            "unix:///a%00",
            "http://h:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
