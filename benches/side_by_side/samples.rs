//! The files in clear that every program gets.

use std::fmt;
use std::fmt::Write as _;

#[derive(Clone, Copy, Eq, PartialEq)]
pub(crate) enum Sample {
    /// Three values.
    Small,
    /// Ten thousand in a hundred maps.
    Yaml,
    /// Ten thousand in one map.
    Json10,
    /// Forty thousand in one map.
    Json40,
    /// 64 MiB.
    Binary,
}

impl fmt::Display for Sample {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Small => "small YAML",
            Self::Yaml => "10,000 values, YAML",
            Self::Json10 => "10,000 flat, JSON",
            Self::Json40 => "40,000 flat, JSON",
            Self::Binary => "64 MiB of bytes",
        })
    }
}

impl Sample {
    pub(crate) const ALL: [Self; 5] = [Self::Small, Self::Yaml, Self::Json10, Self::Json40, Self::Binary];

    /// How the file is called, from which all programs tell its format.
    pub(crate) fn name(self, encrypted: bool) -> String {
        let (name, ending) = match self {
            Self::Small => ("small", "yaml"),
            Self::Yaml => ("ten-thousand", "yaml"),
            Self::Json10 => ("ten-thousand", "json"),
            Self::Json40 => ("forty-thousand", "json"),
            Self::Binary => ("bytes", "bin"),
        };
        format!("{name}{}.{ending}", if encrypted { ".enc" } else { "" })
    }

    /// What rops calls the format; it has none for bytes.
    pub(crate) fn of_rops(self) -> Option<&'static str> {
        match self {
            Self::Small | Self::Yaml => Some("yaml"),
            Self::Json10 | Self::Json40 => Some("json"),
            Self::Binary => None,
        }
    }

    pub(crate) fn text(self) -> Vec<u8> {
        if self == Self::Binary {
            return bytes(64 << 20);
        }
        let mut text = String::new();
        match self {
            Self::Small => text.push_str("db:\n    user: jon\n    password: correct horse\ntoken: 7f3a9c\n"),
            Self::Yaml => {
                for (at, value) in self.values().iter().enumerate() {
                    if at % 100 == 0 {
                        writeln!(text, "group{:03}:", at / 100).unwrap();
                    }
                    writeln!(text, "    key{:04}: {value}", at % 100).unwrap();
                }
            }
            _ => {
                let mark = |at: usize| if at == 0 { "{\n" } else { ",\n" };
                for (at, value) in self.values().iter().enumerate() {
                    write!(text, "{}\t\"key{at:05}\": \"{value}\"", mark(at)).unwrap();
                }
                text.push_str("\n}\n");
            }
        }
        text.into_bytes()
    }

    /// Its values, in order.
    pub(crate) fn values(self) -> Vec<String> {
        let numbered = |count: usize| {
            (0..count).map(|at| format!("secret-{:04}-{:06}-abcdef", at / 100, at % 100)).collect()
        };
        match self {
            Self::Small => ["jon", "correct horse", "7f3a9c"].map(str::to_owned).to_vec(),
            Self::Yaml | Self::Json10 => numbered(10_000),
            Self::Json40 => numbered(40_000),
            Self::Binary => Vec::new(),
        }
    }
}

/// Bytes without a pattern that something could be made of.
pub(crate) fn bytes(count: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..count / 8).flat_map(|_| next()).collect()
}
