//! The field `stores` of a `.sops.yaml`: how sops lays out what it writes.

use std::path::Path;

use crate::error::Result;
use crate::sops::{Indent, Stores};
use crate::yaml::{Scalar, View};

/// What a `.sops.yaml` says about layout; `file` is its name in errors. Of several documents the first counts.
///
/// # Errors
///
/// Not YAML; a map that is none; an indentation that is no number, or a negative one.
pub fn stores(file: &Path, bytes: &[u8]) -> Result<Stores> {
    let name = file.to_string_lossy();
    let (tree, error) = crate::yaml::read(bytes);
    match tree.documents().first().and_then(|document| tree.root(*document)) {
        Some(root) => stores_of(&View::new(&tree, root, &name)),
        None => error.map_or(Ok(Stores::default()), |error| Err(crate::yaml::refusal(error, bytes).at(file))),
    }
}

/// The same of a map that has been read, with `stores` among its fields or not.
///
/// # Errors
///
/// As [`stores`].
pub fn stores_of(fields: &View<'_>) -> Result<Stores> {
    let found = Stores::default();
    let Some(stores) = field(fields, "stores")? else { return Ok(found) };
    let found = match indent(&stores, "yaml", 0)? {
        Some(width) => found.with_yaml_indent(usize::try_from(width).unwrap_or_default()),
        None => found,
    };
    let json = |name: &str| indent(&stores, name, -1).map(|width| width.map_or(Indent::Tab, spaces));
    Ok(found.with_json_indent(json("json")?).with_binary_indent(json("json_binary")?))
}

/// The indentation of one format, if it is said; the least that can be meant is given.
fn indent(stores: &View<'_>, format: &str, least: i64) -> Result<Option<i64>> {
    let Some(settings) = field(stores, format)? else { return Ok(None) };
    let Some(indent) = field(&settings, "indent")?.filter(|indent| !indent.is_null()) else {
        return Ok(None);
    };
    let number = match indent.scalar() {
        // sops cuts fractions off
        Ok(Scalar::Float(number)) if number.abs() < 1e9 => {
            format!("{:.0}", number.trunc()).parse().unwrap_or(0)
        }
        _ => indent.int()?,
    };
    if number < least {
        return Err(indent.error(if least == 0 {
            "an indentation cannot be negative"
        } else {
            "an indentation is a number of spaces, or -1 for a tab"
        }));
    }
    Ok(Some(number))
}

fn spaces(width: i64) -> Indent {
    usize::try_from(width).map_or(Indent::Tab, Indent::Spaces)
}

fn field<'t>(map: &View<'t>, name: &str) -> Result<Option<View<'t>>> {
    Ok(map.entries()?.into_iter().find(|entry| entry.name == name).map(|entry| entry.value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Stores> {
        stores(Path::new(".sops.yaml"), text.as_bytes())
    }

    #[test]
    fn what_sops_takes_is_taken() {
        let says = |number: usize| Stores::default().with_yaml_indent(number);
        for (text, json, binary) in [
            ("stores: {json: {indent: 2}}\n", Indent::Spaces(2), Indent::Tab),
            ("stores: {json: {indent: 0}, json_binary: {indent: 1}}\n", Indent::Spaces(0), Indent::Spaces(1)),
            ("stores: {json: {indent: -1}}\n", Indent::Tab, Indent::Tab),
        ] {
            let said = Stores::default().with_json_indent(json).with_binary_indent(binary);
            assert_eq!(read(text).unwrap(), said, "{text}");
        }
        for (text, indent) in [
            ("", 4),
            ("#\n", 4),
            ("creation_rules: []\n", 4),
            ("stores:\n", 4),
            ("stores: {yaml: ~, ini: {indent: 1}}\n", 4),
            ("stores: {yaml: {indent: ~}}\n", 4),
            ("stores: {yaml: {indent: 0}}\n", 4),
            ("stores: {YAML: {indent: 2}}\n", 4),
            ("stores: {yaml: {indent: 2, x: 1}, y: 1}\n", 2),
            ("stores: {yaml: {indent: 0x3}}\n", 3),
            ("stores: {yaml: {indent: 2.9}}\n", 2),
            ("x: &i 3\nstores: {yaml: {indent: *i}}\n", 3),
            ("<<: {stores: {yaml: {indent: 3}}}\n---\nstores: 5\n", 3),
        ] {
            assert_eq!(read(text).unwrap(), says(indent), "{text}");
        }
    }

    #[test]
    fn what_sops_refuses_is_refused_by_place() {
        for (text, place) in [
            ("stores: 5\n", "1:9"),
            ("stores: {yaml: [1]}\n", "1:16"),
            ("stores:\n  yaml:\n    indent: -1\n", "3:13"),
            ("stores: {yaml: {indent: \"2\"}}\n", "1:25"),
            ("stores: {yaml: {indent: true}}\n", "1:25"),
            ("stores: {json: {indent: -2}}\n", "1:25"),
            ("hello\n", "1:1"),
            ("a: [\n", "2"),
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!(".sops.yaml:{place}")), "{error}");
        }
    }
}
