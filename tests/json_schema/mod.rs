//! As much of JSON Schema as our own schema uses; a word that is not known here fails the test.
#![allow(clippy::panic, clippy::unwrap_used, reason = "this is test code")]

use serde_json::Value;

/// Whether a value is as the schema says; the error names the place and the word of the schema.
pub(crate) fn validate(schema: &Value, value: &Value) -> Result<(), String> {
    check(schema, schema, value, "")
}

fn check(root: &Value, schema: &Value, value: &Value, path: &str) -> Result<(), String> {
    let words = match schema {
        Value::Bool(true) => return Ok(()),
        Value::Bool(false) => return Err(format!("{path}: nothing may be here")),
        Value::Object(words) => words,
        other => panic!("{other} is no schema"),
    };
    for (word, wanted) in words {
        let holds = match word.as_str() {
            "$schema" | "$defs" | "title" | "description" => true,
            "$ref" => {
                let target = root.pointer(wanted.as_str().unwrap().trim_start_matches('#'));
                check(root, target.unwrap(), value, path)?;
                true
            }
            "type" => match wanted {
                Value::Array(types) => types.iter().any(|one| is(one, value)),
                one => is(one, value),
            },
            "const" => wanted == value,
            "enum" => wanted.as_array().unwrap().contains(value),
            "anyOf" => wanted.as_array().unwrap().iter().any(|one| check(root, one, value, path).is_ok()),
            "not" => check(root, wanted, value, path).is_err(),
            "pattern" => value
                .as_str()
                .is_none_or(|text| regex::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
            "minLength" => length(value).is_none_or(|length| length >= wanted.as_u64().unwrap()),
            "maxLength" => length(value).is_none_or(|length| length <= wanted.as_u64().unwrap()),
            "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
            "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
            "uniqueItems" => value.as_array().is_none_or(|items| {
                items
                    .iter()
                    .enumerate()
                    .all(|(rank, item)| !items.iter().take(rank).any(|other| other == item))
            }),
            "required" => value.as_object().is_none_or(|map| {
                wanted.as_array().unwrap().iter().all(|name| map.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                for (rank, item) in value.as_array().into_iter().flatten().enumerate() {
                    check(root, wanted, item, &format!("{path}/{rank}"))?;
                }
                true
            }
            "properties" | "additionalProperties" | "propertyNames" => {
                for (name, inner) in value.as_object().into_iter().flatten() {
                    let path = format!("{path}/{name}");
                    let known = words.get("properties").and_then(|known| known.get(name));
                    match (word.as_str(), known) {
                        ("propertyNames", _) => check(root, wanted, &Value::from(name.as_str()), &path)?,
                        ("properties", Some(schema)) => check(root, schema, inner, &path)?,
                        ("additionalProperties", None) => check(root, wanted, inner, &path)?,
                        _ => {}
                    }
                }
                true
            }
            other => panic!("the word {other} is not known here"),
        };
        if !holds {
            return Err(format!("{path}: {word} {wanted}"));
        }
    }
    Ok(())
}

fn is(kind: &Value, value: &Value) -> bool {
    match kind.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known here"),
    }
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| u64::try_from(text.chars().count()).unwrap())
}
