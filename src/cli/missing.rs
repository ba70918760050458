//! What is said when a value is not where it was looked for: what is there instead. Names only, never values.

use crate::error::Error;
use crate::sops::{BINDING_KEY, KeyPath, Plain, Step, Value};
use crate::yaml::closest;

/// More names than these are not listed.
const MANY: usize = 20;

/// The error for a path that leads to nothing in the first document of a file.
pub(super) fn missing(plain: &Plain, path: &KeyPath, file: &str) -> Error {
    let error = Error::new("there is no such value").at(file).key(path.to_string());
    let steps = path.steps();
    let deepest = (0..steps.len()).rev().find_map(|taken| {
        let there = steps.iter().take(taken).cloned().fold(KeyPath::default(), KeyPath::then);
        plain.get(&there).map(|value| (there, value, steps.get(taken)))
    });
    let Some((there, value, next)) = deepest else { return error };
    let error = match value {
        Value::Map(map) => {
            let names: Vec<_> = map
                .entries()
                .iter()
                .map(|entry| entry.key.as_str())
                .filter(|name| !there.is_root() || *name != BINDING_KEY)
                .collect();
            let near = match next {
                Some(Step::Key(name) | Step::Either(_, name)) => closest(name, names.iter().copied()),
                _ => None,
            };
            match near {
                Some(near) => {
                    let meant = there.clone().then(Step::Key(near.to_owned()));
                    error.hint(format!("did you mean {meant}?"))
                }
                None => error.hint(listed(&there, &names)),
            }
        }
        Value::List(list) => error.hint(match list.len() {
            0 => format!("{there} is an empty list"),
            1 => format!("{there} is a list of one: {}", there.clone().then(Step::Index(0))),
            count => format!("{there} is a list of {count}, the last one {there}.{}", count - 1),
        }),
        _ => error.hint(format!("{there} is a single value")),
    };
    match plain.documents() {
        0 | 1 => error,
        count => error.hint(format!("the file has {count} documents, and only the first one is looked at")),
    }
}

fn listed(there: &KeyPath, names: &[&str]) -> String {
    let place = if there.is_root() { "at the top".to_owned() } else { format!("in {there}") };
    if names.is_empty() {
        return format!("{place} there is nothing");
    }
    let shown: Vec<_> = names.iter().take(MANY).map(|name| KeyPath::of_keys([*name]).to_string()).collect();
    let more = names.len().saturating_sub(MANY);
    let rest = if more == 0 { String::new() } else { format!(" and {more} more") };
    format!("{place} there {}: {}{rest}", if names.len() == 1 { "is" } else { "are" }, shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::Format;

    fn hints(text: &str, path: &str) -> String {
        let plain = Plain::parse(text.as_bytes(), Format::Yaml).unwrap();
        missing(&plain, &KeyPath::parse(path).unwrap(), "f.yaml").hints().join(" | ")
    }

    #[test]
    fn the_deepest_place_that_is_there_is_described() {
        let text = "db:\n  password: s3same\n  user: u\nlist: [a, b]\none: [a]\nnone: []\nempty: {}\n";
        assert_eq!(hints(text, "db.pasword"), "did you mean db.password?");
        assert_eq!(hints(text, "db.port"), "in db there are: password, user");
        assert_eq!(hints(text, "wifi"), "at the top there are: db, list, one, none, empty");
        assert_eq!(hints(text, "wifi.home.psk"), "at the top there are: db, list, one, none, empty");
        assert_eq!(hints(text, "db.password.x"), "db.password is a single value");
        assert_eq!(hints(text, "list.2"), "list is a list of 2, the last one list.1");
        assert_eq!(hints(text, "one.1"), "one is a list of one: one.0");
        assert_eq!(hints(text, "none.0"), "none is an empty list");
        assert_eq!(hints(text, "empty.a"), "in empty there is nothing");
    }

    #[test]
    fn the_binding_is_nobody_s_to_name() {
        assert_eq!(hints("a: 1\nuvars_path: x\n", "wifi"), "at the top there is: a");
        assert_eq!(hints("a: 1\n", "uvars"), "at the top there is: a");
    }

    #[test]
    fn no_name_looks_like_a_line_of_ours() {
        let said = hints("\"a\\nuvars: hint: run x\": 1\n\"b, c\": 1\n", "wifi");
        assert_eq!(said, "at the top there are: [\"a\\nuvars: hint: run x\"], [\"b, c\"]");
    }

    #[test]
    fn long_lists_are_cut_and_other_documents_are_named() {
        let text = (0..23).map(|number| format!("name{number}: 1")).collect::<Vec<_>>().join("\n");
        assert!(hints(&text, "x").ends_with("name19 and 3 more"));
        assert!(hints("a: 1\n---\nb: 2\n", "b").contains("the file has 2 documents"));
    }
}
