//! The host's own passwd, group and shadow, read line by line without libc.
//!
//! Pure but for the reading of one file; asking `getent` for accounts that live elsewhere is `lookup`'s.

use crate::secret::Secret;

/// What a passwd line says of an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Login {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) home: String,
}

/// The accounts of a passwd file, first line first; lines that are no account are left out.
pub(super) fn passwd(text: &[u8]) -> Vec<Login> {
    lines(text)
        .filter_map(|fields| match fields.as_slice() {
            [name, _, uid, gid, _, home, _] if is_name(name) => Some(Login {
                name: (*name).to_owned(),
                uid: number(uid)?,
                gid: number(gid)?,
                home: (*home).to_owned(),
            }),
            _ => None,
        })
        .collect()
}

/// Names and numbers of a group file.
pub(super) fn group(text: &[u8]) -> Vec<(String, u32)> {
    lines(text)
        .filter_map(|fields| match fields.as_slice() {
            [name, _, gid, _] if is_name(name) => Some(((*name).to_owned(), number(gid)?)),
            _ => None,
        })
        .collect()
}

/// Names and password fields of a shadow file. A line without exactly nine fields, one whose password field is
/// no text of one line, and every line for a name but the first are left out, as if they were not there.
pub(super) fn shadow(text: &[u8]) -> Vec<(String, Secret)> {
    let mut found: Vec<(String, Secret)> = Vec::new();
    for fields in lines(text) {
        let [name, hash, _, _, _, _, _, _, _] = fields.as_slice() else { continue };
        if is_name(name) && !found.iter().any(|(other, _)| other == name) {
            found.push(((*name).to_owned(), Secret::from(*hash)));
        }
    }
    found
}

/// The fields of each line that is UTF-8; no other line can hold a name of ours.
fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&str>> {
    text.split(|byte| *byte == b'\n')
        .filter_map(|line| std::str::from_utf8(line).ok())
        .map(|line| line.split(':').collect())
}

/// Not a comment, and not a line that sends the reader to NIS.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with(['#', '+', '-'])
}

/// A number of an account; the highest means "none" to the system.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if digits { text.parse().ok().filter(|number| *number != u32::MAX) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_and_groups() {
        let text = b"root:x:0:0:root:/root:/bin/sh\n#no:x:1:1::/:/\n+nis::::::\njon:x:1001:100:J\xc3\xb6n:/home/jon:/bin/sh\nbad:x:a:1::/:/\nneg:x:-1:1::/:/\nshort:x:1\nmax:x:4294967295:1::/:/\n\xff:x:5:5::/:/\nend:x:7:8::/e:";
        let names: Vec<_> =
            passwd(text).into_iter().map(|login| (login.name, login.uid, login.gid, login.home)).collect();
        assert_eq!(
            names,
            [
                ("root".into(), 0, 0, "/root".into()),
                ("jon".into(), 1001, 100, "/home/jon".into()),
                ("end".into(), 7, 8, "/e".into()),
            ]
        );
        assert_eq!(
            group(b"root:x:0:\nusers:x:100:jon,ann\n\n:x:1:\nbad:x:1\n+::0:\n"),
            [("root".into(), 0), ("users".into(), 100)]
        );
    }

    #[test]
    fn shadow_is_strict_and_the_first_line_wins() {
        let text = b"root:!*:1::::::\njon:$y$a:19000:0:99999:7:::\njon:$y$b:19000:0:99999:7:::\nempty::1::::::\neight:x:1:::::\nten:x:1:::::::\n+:x:::::::\n";
        let found: Vec<_> = shadow(text)
            .into_iter()
            .map(|(name, hash)| (name, String::from_utf8(hash.expose().to_vec()).unwrap()))
            .collect();
        assert_eq!(
            found,
            [("root".into(), "!*".into()), ("jon".into(), "$y$a".into()), ("empty".into(), String::new())]
        );
    }
}
