//! Path regexes of ours: what is anchored, escaped, and the same to RE2 and to us.

/// The regex that matches exactly these names between a folder and an ending:
/// `^secrets/users/(a|b)\.sops\.yaml$`.
pub(crate) fn one_of<'a>(folder: &str, names: impl IntoIterator<Item = &'a str>, ending: &str) -> String {
    format!("^{}{}{}$", escape(folder), alternatives(names), escape(ending))
}

/// One of these texts: `(a|b)`, or the one alone.
pub(crate) fn alternatives<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(escape).collect();
    match texts.as_slice() {
        [one] => one.clone(),
        texts => format!("({})", texts.join("|")),
    }
}

/// The regex of everything below a folder.
pub(crate) fn below(folder: &str) -> String {
    format!("^{}/", escape(folder))
}

/// The text as a regex that matches it alone. `-` and `@` need no escape outside of brackets.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if r"\.+*?()|[]{}^$".contains(c) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_anchored() {
        assert_eq!(
            one_of("secrets/users/", ["a.b", "c-d"], ".sops.yaml"),
            r"^secrets/users/(a\.b|c-d)\.sops\.yaml$"
        );
        assert_eq!(one_of("a/", ["b"], ".c"), r"^a/b\.c$");
        assert_eq!(below("secrets/users"), "^secrets/users/");
    }
}
