//! Splits a command line into words as a shell would, without a shell: `SOPS_AGE_KEY_CMD`, and the editor of sops.

use crate::error::{Error, Result};

/// The words. Quotes group, a backslash takes the next character as it is, `#` in front of a word begins a comment
/// that ends with the line. Nothing is expanded.
///
/// # Errors
///
/// A quote that is not closed, or a backslash at the end. The text is not quoted: it may hold a token.
pub fn split_words(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '#' if word.is_none() => drop(rest.by_ref().find(|c| *c == '\n')),
            '\\' => word.get_or_insert_default().push(rest.next().ok_or_else(open)?),
            '\'' => quoted(&mut rest, word.get_or_insert_default())?,
            '"' => double_quoted(&mut rest, word.get_or_insert_default())?,
            _ => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<()> {
    loop {
        match rest.next().ok_or_else(open)? {
            '\'' => return Ok(()),
            c => word.push(c),
        }
    }
}

/// Inside of double quotes a backslash escapes what follows it.
fn double_quoted(rest: &mut std::str::Chars<'_>, word: &mut String) -> Result<()> {
    loop {
        match rest.next().ok_or_else(open)? {
            '"' => return Ok(()),
            '\\' => word.push(rest.next().ok_or_else(open)?),
            c => word.push(c),
        }
    }
}

fn open() -> Error {
    Error::new("a quote is not closed, or a backslash stands at the end")
}

#[cfg(test)]
mod tests {
    use super::split_words as split;

    #[test]
    fn words_are_split_as_a_shell_splits_them() {
        for (line, words) in [
            ("", vec![]),
            ("  ", vec![]),
            ("cat key.txt", vec!["cat", "key.txt"]),
            ("cat 'my key' \"a b\"", vec!["cat", "my key", "a b"]),
            (r"cat my\ key", vec!["cat", "my key"]),
            (r#"sh -c "echo \"x\"""#, vec!["sh", "-c", "echo \"x\""]),
            ("cat a'b'\"c\"d", vec!["cat", "abcd"]),
            ("cat '' x", vec!["cat", "", "x"]),
            ("cat key # the key", vec!["cat", "key"]),
            ("cat key#1", vec!["cat", "key#1"]),
            ("# a\ncat b", vec!["cat", "b"]),
            ("echo $HOME *", vec!["echo", "$HOME", "*"]),
        ] {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
    }

    #[test]
    fn what_is_left_open_is_an_error_that_quotes_nothing() {
        for line in ["a 'hunter2", "a \"hunter2", "hunter2 \\", "\"hunter2\\"] {
            let error = format!("{:?}", split(line).unwrap_err());
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
