//! Every vector of tests/vectors/yaml: what go-yaml v3.0.4 reads in a file, we read.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod yaml_dump;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use uvars::yaml;

/// The one vector that is not followed: go-yaml swallows the first character of every line there.
const REFUSED: &str = "282-bom-twice.yaml";

fn vectors() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/yaml");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        files.filter(|path| path.extension().is_some_and(|suffix| suffix == "yaml")).collect();
    files.sort();
    assert!(files.len() >= 506, "{} vectors", files.len());
    files
}

fn expected(path: &Path) -> Value {
    let text = fs::read_to_string(path.with_extension("json")).unwrap();
    let decoder = serde_json::Deserializer::from_str(&text);
    decoder.into_iter::<Value>().next().unwrap().unwrap()
}

/// The nodes of a vector's documents one behind the other, each with its depth.
fn flat(documents: &Value) -> Value {
    fn walk(node: &Value, depth: usize, out: &mut Vec<Value>) {
        let mut own = node.as_object().unwrap().clone();
        let children = own.remove("ch");
        own.insert("d".into(), depth.into());
        out.push(Value::Object(own));
        for child in children.iter().flat_map(|children| children.as_array().unwrap()) {
            walk(child, depth + 1, out);
        }
    }
    let mut out = Vec::new();
    for document in documents.as_array().unwrap() {
        walk(document, 0, &mut out);
    }
    Value::Array(out)
}

#[test]
fn same_nodes_comments_positions_errors_and_bytes() {
    let mut wrong = Vec::new();
    for path in vectors() {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name == REFUSED {
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let theirs = expected(&path);
        let (tree, error) = yaml::read(&bytes);
        let error = error.map_or(Value::Null, |error| Value::String(error.to_string()));
        if error != theirs["error"] {
            wrong.push(format!("{name}: error: ours {error}, theirs {}", theirs["error"]));
        } else if let Some(found) =
            yaml_dump::difference("nodes", &yaml_dump::nodes(&tree), &flat(&theirs["docs"]))
        {
            wrong.push(format!("{name}: {found}"));
        }
        if let Some(emitted) = theirs["emitted"].as_str() {
            let ours = String::from_utf8(yaml::emit(&tree, 4).unwrap()).unwrap();
            if ours != emitted {
                wrong.push(format!("{name}: emitted: ours {ours:?}, theirs {emitted:?}"));
            }
        }
        let refusal = yaml_dump::map_error(&bytes, &tree, &error);
        if refusal != theirs["maperr"] {
            wrong.push(format!("{name}: maperr: ours {refusal}, theirs {}", theirs["maperr"]));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_second_byte_order_mark_is_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/yaml").join(REFUSED);
    let bytes = fs::read(path).unwrap();
    assert_eq!(yaml::Tree::parse(&bytes).unwrap_err().to_string(), "yaml: a second byte order mark");
}
