//! An edit in place does what it should, or is refused and changes nothing. A byte for the edit, one for where, the word
//! that is put there, NUL, the text. (That refusals are rare is held by `tests/yaml_edit_random.rs`, on texts that people
//! could have written.)
#![cfg_attr(not(test), no_main)]
use libfuzzer_sys::fuzz_target;
use uvars::yaml::Tree;
use uvars::yaml::edit::{At, Edit, Value};

fuzz_target!(|bytes: &[u8]| {
    let [operation, which, texts @ ..] = bytes else { return };
    let Ok(texts) = std::str::from_utf8(texts) else { return };
    let Some((word, text)) = texts.split_once('\0') else { return };
    let Ok(mut edit) = Edit::new("f.yaml", text.as_bytes()) else { return };
    let name = Tree::parse(text.as_bytes()).ok().and_then(|tree| {
        let root = tree.root(*tree.documents().first()?)?;
        let key = tree.pairs(root).nth(usize::from(which % 8))?.0;
        Some(tree.node(key).text.to_string())
    });
    let name = name.unwrap_or_default();
    let values =
        [Value::from(word), Value::from(7_i64), Value::list([word]), Value::map([(word, word)]), Value::NULL];
    let value = &values[usize::from(which >> 3) % values.len()];
    let done = match operation % 8 {
        0 => edit.set(&[&name], value),
        1 => edit.insert_key(&[], word, value, At::Sorted),
        2 => edit.insert_key(&[&name], word, value, At::End),
        3 => edit.remove_key(&[&name]),
        4 => edit.rename_key(&[&name], word),
        5 => edit.append_item(&[&name], value),
        6 => edit.remove_item(&[&name], 0),
        _ => edit.put(&[], word, value, At::After(&name)),
    };
    let about = || format!("operation {operation} at {name:?} with {word:?}, {value:?} in {text:?}");
    match done {
        Ok(()) => assert!(Tree::parse(edit.text().as_bytes()).is_ok(), "no YAML any more: {}", about()),
        Err(_) => assert_eq!(edit.text(), text, "a refused edit changed something: {}", about()),
    }
});
