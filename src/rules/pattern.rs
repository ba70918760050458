//! Path regexes of ours: what is anchored, escaped, and the same to RE2 and to us.

/// The regex that matches exactly these names between a folder and an ending:
/// `^secrets/users/(a|b)\.sops\.yaml$`.
pub fn one_of<'a>(folder: &str, names: impl IntoIterator<Item = &'a str>, ending: &str) -> String {
    let names: Vec<String> = names.into_iter().map(escape).collect();
    format!("^{}({}){}$", escape(folder), names.join("|"), escape(ending))
}

/// The regex of everything below a folder.
pub fn below(folder: &str) -> String {
    format!("^{}/", escape(folder))
}

/// The text as a regex that matches it alone. `-` and `@` need no escape outside of brackets.
pub fn escape(text: &str) -> String {
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
        assert_eq!(below("secrets/users"), "^secrets/users/");
    }
}
