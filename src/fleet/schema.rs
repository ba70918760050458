//! The JSON Schema of `uvars.yaml`, for editors and for other programs.
//!
//! It describes exactly the fields of `fields.rs`; a test holds the two together. What a schema cannot say
//! (that a host is there, that two uids clash) the decoder alone says.

use serde_json::{Map, Value, json};

use crate::password::KINDS;

use super::fields;

/// The schema, draft 2020-12.
pub fn schema() -> Value {
    let mut root = object(fields::ROOT, root_field, &["version"]);
    let about = [
        ("$schema", json!("https://json-schema.org/draft/2020-12/schema")),
        ("title", json!("uvars.yaml")),
        ("description", json!("Hosts, users, tags and settings of a fleet. Nothing secret belongs here.")),
    ];
    if let Value::Object(root) = &mut root {
        root.extend(about.map(|(key, value)| (key.to_owned(), value)));
        root.insert("$defs".into(), definitions());
    }
    root
}

const USER: &str = r"^[a-z_][a-z0-9_.-]{0,31}$";
const HOST: &str =
    r"^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$";
const WORD: &str = r"^[a-z0-9][a-z0-9_.-]*$";
const ACCOUNT: &str = r"^[A-Za-z_][A-Za-z0-9_.-]{0,31}$";
const INSTALL: &str = r"^[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_-][A-Za-z0-9_.-]*)*$";
/// `.` and `..`, which lead out of a folder.
const CLIMBS: &str = r"(^|/)\.\.?(/|$)";

fn definitions() -> Value {
    let text =
        |pattern: &str, length: usize| json!({ "type": "string", "pattern": pattern, "maxLength": length });
    json!({
        "user": text(USER, 32),
        "host": text(HOST, 200),
        "word": text(WORD, 200),
        "account": text(ACCOUNT, 32),
        "absolute": {
            "type": "string",
            "pattern": r"^/[^:\u0000-\u001f\u007f-\u009f]*$",
            "not": { "pattern": CLIMBS },
        },
        "hosts": list("host"),
        "tags": list("word"),
    })
}

fn root_field(field: &str) -> Value {
    match field {
        "version" => json!({ "const": 1 }),
        "settings" => object(fields::SETTINGS, setting, &[]),
        "hosts" => named("host", &object(fields::HOST, host, &["platform"])),
        "users" => named("user", &object(fields::USER, user, &[])),
        "shared" => named("word", &object(fields::SHARED, shared, &[])),
        "install" => {
            let mut map = named("word", &object(fields::INSTALL, install, &["from", "key"]));
            if let Value::Object(map) = &mut map {
                let no = json!({ "pattern": "^home(/|$)" });
                let name = json!({ "pattern": INSTALL, "maxLength": 1024, "not": no });
                map.insert("propertyNames".into(), name);
            }
            map
        }
        "rules" => object(fields::RULES, rules, &[]),
        _ => Value::Bool(false),
    }
}

fn setting(field: &str) -> Value {
    match field {
        "password_hash" => object(fields::PASSWORD_HASH, password_hash, &[]),
        "recovery_personal" => about(truth(), "Whether recovery keys read personal files and handovers."),
        "ssh" => about(
            words(&["converted", "native"]),
            "In which form a host's ssh-ed25519 key reads files: age1… or as it is.",
        ),
        _ => Value::Bool(false),
    }
}

fn password_hash(field: &str) -> Value {
    match field {
        "kind" => words(&KINDS),
        "cost" => about(number(1, 17), "yescrypt 1 to 11, bcrypt 4 to 17"),
        "rounds" => about(number(1000, 9_999_999), "sha512-crypt"),
        _ => Value::Bool(false),
    }
}

fn host(field: &str) -> Value {
    match field {
        "platform" => words(&["nixos", "darwin", "linux"]),
        "tags" => about(
            json!({ "type": ["array", "null"], "items": { "$ref": "#/$defs/word", "not": { "const": "all" } }, "uniqueItems": true }),
            "Every host has the tag `all` already.",
        ),
        "key" => about(json!({ "const": "pending" }), "The host has no key yet, and reads nothing."),
        _ => Value::Bool(false),
    }
}

fn user(field: &str) -> Value {
    match field {
        "hosts" => {
            about(reference("hosts"), "Hosts by name; the user is placed on these and on those of `tags`.")
        }
        "tags" => about(reference("tags"), "Hosts by tag; `all` is every host."),
        "integrated" => {
            about(reference("hosts"), "Hosts whose system activation installs the user's personal file.")
        }
        "key" => about(reference("user"), "Whose file in keys/users/ it is, where that is not the login."),
        "password" => {
            let mut body = object(fields::PASSWORD, password, &[]);
            if let Value::Object(body) = &mut body {
                body.insert("type".into(), json!("object"));
            }
            about(
                json!({ "anyOf": [{ "const": false }, body] }),
                "How the password comes about; false: none. The password itself is never here.",
            )
        }
        "modules" => {
            about(list_of(&json!({ "type": "string", "minLength": 1 })), "Nix files that are handed on.")
        }
        "on" => about(named("host", &object(fields::ACCOUNT, account, &[])), "What differs on single hosts."),
        account_field => account(account_field),
    }
}

fn account(field: &str) -> Value {
    match field {
        "role" => about(words(&["standard", "admin"]), "admin: sudo on the host. It grants no secret."),
        "policy" => words(&["present", "locked", "absent"]),
        "uid" => {
            json!({ "type": "integer", "minimum": 0, "maximum": 4_294_967_294_u32, "not": { "const": 65535 } })
        }
        "description" => json!({ "type": "string", "pattern": r"^[^:\u0000-\u001f\u007f-\u009f]*$" }),
        "group_primary" => reference("account"),
        "groups_secondary" => list("account"),
        "home_dir" | "shell" => reference("absolute"),
        "authorized_keys" => {
            let key = r"(^|\s)(ssh|ecdsa-sha2|sk-ssh|sk-ecdsa-sha2)-\S*\s+AAAA[A-Za-z0-9+/=]{36,}(\s|$)";
            json!({ "type": ["array", "null"], "items": { "type": "string", "pattern": key } })
        }
        _ => Value::Bool(false),
    }
}

fn password(field: &str) -> Value {
    match field {
        "prompt" => about(truth(), "Ask for it; otherwise six words are made."),
        "share" => about(truth(), "One password on all hosts; otherwise one a host."),
        "keep" => about(truth(), "Hand it to its owner even if it was typed."),
        "format" => words(&["hash", "plaintext"]),
        _ => Value::Bool(false),
    }
}

fn shared(field: &str) -> Value {
    match field {
        "hosts" => reference("hosts"),
        "tags" => reference("tags"),
        "users" => list("user"),
        "robots" => about(list("word"), "Programs with a key in keys/robots/."),
        _ => Value::Bool(false),
    }
}

fn install(field: &str) -> Value {
    match field {
        "from" => about(
            json!({ "type": "string", "pattern": r"^(hosts|shared/[a-z0-9][a-z0-9_.-]*)$" }),
            "Each host's own file, or a shared one.",
        ),
        "key" => about(json!({ "type": "string", "minLength": 1 }), "Which value of the file: db.password."),
        "on" => about(object(fields::INSTALL_ON, install_on, &[]), "Which hosts; needed with `from: hosts`."),
        "owner" | "group" => reference("account"),
        "mode" => {
            about(json!({ "type": "string", "pattern": "^0?[0-7]{2}[0145]$" }), "Octal, in quotes: \"0400\".")
        }
        "phase" => words(&["users", "services"]),
        _ => Value::Bool(false),
    }
}

fn install_on(field: &str) -> Value {
    match field {
        "hosts" => reference("hosts"),
        "tags" => reference("tags"),
        _ => Value::Bool(false),
    }
}

fn rules(field: &str) -> Value {
    match field {
        "keys" => about(
            json!({ "type": ["array", "null"] }),
            "Anchors that hand-written rules use, as in the list `keys` of .sops.yaml.",
        ),
        "before" => about(
            list_of(&json!({ "type": "object" })),
            "Rules of sops in front of ours; none may match a path of ours.",
        ),
        "after" => about(list_of(&json!({ "type": "object" })), "Rules of sops behind ours."),
        "other" => about(
            json!({
                "type": ["object", "null"],
                "propertyNames": { "not": { "enum": ["keys", "creation_rules"] } },
            }),
            "Other fields of .sops.yaml, such as stores.",
        ),
        _ => Value::Bool(false),
    }
}

/// A map with exactly these fields.
fn object(fields: &[&str], describe: impl Fn(&str) -> Value, required: &[&str]) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|field| ((*field).to_owned(), describe(field))).collect();
    // where nothing stands the decoder sees an empty map
    let kind = if required.is_empty() { json!(["object", "null"]) } else { json!("object") };
    let mut object = json!({ "type": kind, "properties": properties, "additionalProperties": false });
    if let (Value::Object(object), [_, ..]) = (&mut object, required) {
        object.insert("required".into(), json!(required));
    }
    object
}

/// A map from names to the same thing.
fn named(name: &str, value: &Value) -> Value {
    json!({
        "type": ["object", "null"],
        "propertyNames": { "$ref": format!("#/$defs/{name}") },
        "additionalProperties": value,
    })
}

fn list(name: &str) -> Value {
    let mut list = list_of(&reference(name));
    if let Value::Object(list) = &mut list {
        list.insert("uniqueItems".into(), Value::Bool(true));
    }
    list
}

fn list_of(items: &Value) -> Value {
    json!({ "type": ["array", "null"], "items": items })
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

fn truth() -> Value {
    json!({ "type": "boolean" })
}

fn number(least: u32, most: u32) -> Value {
    json!({ "type": "integer", "minimum": least, "maximum": most })
}

fn about(mut schema: Value, sentence: &str) -> Value {
    if let Value::Object(schema) = &mut schema {
        schema.insert("description".into(), Value::from(sentence));
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    /// That a map of the schema has exactly the fields of a table, each described.
    fn same(schema: &Value, path: &str, fields: &[&str]) {
        let object = schema.pointer(path).unwrap_or_else(|| panic!("{path} is not in the schema"));
        let properties =
            object["properties"].as_object().unwrap_or_else(|| panic!("{path} has no properties"));
        let mut named: Vec<&str> = properties.keys().map(String::as_str).collect();
        let mut wanted = fields.to_vec();
        named.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{path}");
        assert_eq!(object["additionalProperties"], Value::Bool(false), "{path}");
        for (field, described) in properties {
            assert!(described.is_object(), "{path}: {field} is not described");
        }
    }

    #[test]
    fn every_table_of_fields_is_a_map_of_the_schema() {
        let schema = schema();
        same(&schema, "", fields::ROOT);
        same(&schema, "/properties/settings", fields::SETTINGS);
        same(&schema, "/properties/settings/properties/password_hash", fields::PASSWORD_HASH);
        same(&schema, "/properties/hosts/additionalProperties", fields::HOST);
        same(&schema, "/properties/users/additionalProperties", fields::USER);
        same(
            &schema,
            "/properties/users/additionalProperties/properties/on/additionalProperties",
            fields::ACCOUNT,
        );
        same(&schema, "/properties/users/additionalProperties/properties/password/anyOf/1", fields::PASSWORD);
        same(&schema, "/properties/shared/additionalProperties", fields::SHARED);
        same(&schema, "/properties/install/additionalProperties", fields::INSTALL);
        same(&schema, "/properties/install/additionalProperties/properties/on", fields::INSTALL_ON);
        same(&schema, "/properties/rules", fields::RULES);
    }

    #[test]
    fn an_account_has_no_field_that_a_user_has_not() {
        assert!(fields::ACCOUNT.iter().all(|field| fields::USER.contains(field)));
    }
}
