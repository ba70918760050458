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
        match text.trim().split_once("://") {
            Some(("tcp" | "tcp4" | "tcp6", rest)) => {
                let host = rest.trim_end_matches('/');
                let port = host.rsplit_once(':').map(|(_, port)| port);
                let is_port = port.is_some_and(|port| port.parse::<u16>().is_ok());
                if is_port && !host.starts_with(':') && !host.contains(['/', '@', '?', '#']) {
                    return Ok(Self::Tcp(host.to_owned()));
                }
            }
            Some(("unix", path)) if path.starts_with('/') => return Ok(Self::Unix(path.into())),
            _ => {}
        }
        Err(Error::usage("the address of a key service is tcp://HOST:PORT or unix:///PATH"))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(host) => write!(out, "tcp://{host}"),
            Self::Unix(path) => write!(out, "unix://{}", path.display()),
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
        for text in [
            "",
            "h:1",
            "tcp://",
            "tcp://h",
            "tcp://:1",
            "tcp://h:99999",
            "tcp://h:1/x",
            "unix://x",
            "http://h:1",
            "tcp://u@h:1",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
