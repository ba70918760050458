//! Edits in place: what each one does to the text around it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use uvars::yaml::edit::{At, Edit, Value};

/// Applies one edit and shows the text.
fn edited(text: &str, change: impl FnOnce(&mut Edit) -> uvars::Result<()>) -> String {
    let mut edit = Edit::new("f.yaml", text.as_bytes()).unwrap();
    match change(&mut edit) {
        Ok(()) => edit.text().to_owned(),
        Err(error) => format!("error: {error}"),
    }
}

fn set(text: &str, path: &[&str], value: impl Into<Value>) -> String {
    edited(text, |edit| edit.set(path, &value.into()))
}

fn insert(text: &str, path: &[&str], key: &str, value: impl Into<Value>, at: At<'_>) -> String {
    edited(text, |edit| edit.insert_key(path, key, &value.into(), at))
}

fn remove(text: &str, path: &[&str]) -> String {
    edited(text, |edit| edit.remove_key(path))
}

fn append(text: &str, path: &[&str], value: impl Into<Value>) -> String {
    edited(text, |edit| edit.append_item(path, &value.into()))
}

fn drop_item(text: &str, path: &[&str], index: usize) -> String {
    edited(text, |edit| edit.remove_item(path, index))
}

#[test]
fn a_scalar_is_replaced_and_nothing_else() {
    assert_eq!(set("# h\na:   1   # c\nb: 2\n", &["a"], 5), "# h\na:   5   # c\nb: 2\n");
    assert_eq!(set("a: 'x'\n", &["a"], "it's"), "a: 'it''s'\n");
    assert_eq!(set("a: \"x\"\n", &["a"], "w"), "a: \"w\"\n");
    assert_eq!(set("a: \"x\"\n", &["a"], 7), "a: 7\n");
    assert_eq!(set("a: x\n", &["a"], "yes"), "a: \"yes\"\n");
    assert_eq!(set("a: x\n", &["a"], "b: c"), "a: 'b: c'\n");
    assert_eq!(set("a: x", &["a"], "w"), "a: w");
    assert_eq!(set("a: x\r\nb: 1\r\n", &["a"], "w"), "a: w\r\nb: 1\r\n");
    assert_eq!(set("{a: x, b: 1}\n", &["a"], "p, q"), "{a: 'p, q', b: 1}\n");
    assert_eq!(set("- a\n- b # c\n", &["1"], "x"), "- a\n- x # c\n");
    assert_eq!(set("a: one\n  two\nb: 1\n", &["a"], "x"), "a: x\nb: 1\n");
    assert_eq!(set("\u{FEFF}a: x\n", &["a"], "w"), "\u{FEFF}a: w\n");
    assert_eq!(set("a: x\n---\nb: w\n", &["a"], "z"), "a: z\n---\nb: w\n");
    assert_eq!(set("--- # m\na: x\n...\n", &["a"], "z"), "--- # m\na: z\n...\n");
    assert_eq!(set("x\n", &[], "w"), "w\n");
}

#[test]
fn nothing_becomes_something() {
    assert_eq!(set("a:\nb: 1\n", &["a"], 1), "a: 1\nb: 1\n");
    assert_eq!(set("a: # c\nb: 1\n", &["a"], 1), "a: 1 # c\nb: 1\n");
    assert_eq!(set("a:", &["a"], 1), "a: 1");
    assert_eq!(set("- \n- b\n", &["0"], 1), "- 1 \n- b\n");
    assert_eq!(set("{a, b: }\n", &["a"], 1), "{a: 1, b: }\n");
    assert_eq!(set("{a, b: }\n", &["b"], 1), "{a, b: 1 }\n");
    assert_eq!(set("a:\n", &["a"], Value::list(["x", "w"])), "a:\n  - x\n  - w\n");
    assert_eq!(set("a: # c\nb: 1\n", &["a"], Value::map([("k", 1)])), "a: # c\n  k: 1\nb: 1\n");
}

#[test]
fn block_scalars_come_and_go() {
    assert_eq!(set("a: |\n  x\n  w\nb: 1\n", &["a"], "z"), "a: z\nb: 1\n");
    assert_eq!(set("a: | # c\n  x\n\nb: 1\n", &["a"], "z"), "a: z # c\n\nb: 1\n");
    assert_eq!(set("a: |\n  x\nb: 1\n", &["a"], "p\nq\n"), "a: |\n  p\n  q\nb: 1\n");
    assert_eq!(set("a: x\nb: 1\n", &["a"], "p\nq\n"), "a: |\n  p\n  q\nb: 1\n");
    assert_eq!(set("a: x # c\nb: 1\n", &["a"], "p\nq"), "a: |- # c\n  p\n  q\nb: 1\n");
    assert_eq!(set("a: x\n", &["a"], " p\nq"), "a: \" p\\nq\"\n");
    assert_eq!(set("- |\n  x\n- w\n", &["0"], "p\n\nq\n"), "- |\n  p\n\n  q\n- w\n");
    assert_eq!(set("a: |\n  x", &["a"], "z"), "a: z");
    assert_eq!(set("a: x\r\nb: 1\r\n", &["a"], "p\nq\n"), "a: |\r\n  p\r\n  q\r\nb: 1\r\n");
}

#[test]
fn collections_are_replaced() {
    let text = "a: # c\n    - x\n    - w\nb:\n    k: v\n";
    assert_eq!(set(text, &["a"], 1), "a: 1 # c\nb:\n    k: v\n");
    assert_eq!(set(text, &["a"], Value::list(["z"])), "a: # c\n    - z\nb:\n    k: v\n");
    assert_eq!(set(text, &["b"], Value::map([("l", "m")])), "a: # c\n    - x\n    - w\nb:\n    l: m\n");
    assert_eq!(set("a: [1, 2] # c\n", &["a"], Value::list([3])), "a: # c\n  - 3\n");
    assert_eq!(set("a: [1, 2] # c\n", &["a"], Value::list([3]).one_line()), "a: [3] # c\n");
    assert_eq!(set("- k: 1\n  l: 2\n- z\n", &["0"], "x"), "- x\n- z\n");
    assert_eq!(set("- x\n", &["0"], Value::map([("k", 1), ("l", 2)])), "- k: 1\n  l: 2\n");
    assert_eq!(set("a:\n  - x\n  - w", &["a"], 1), "a: 1");
    assert_eq!(set("a: {}\n", &[], Value::map([("k", 1)])), "k: 1\n");
    assert_eq!(set("a: {} # of a\n", &[], 1), "1\n");
    assert_eq!(set("{} # c\n", &[], 1), "1 # c\n");
    assert_eq!(set("--- a\n", &[], Value::map([("k", 1)])), "--- \nk: 1\n");
    let note = "a:\n  b: 1\n\n  # note\n\nc: 1\n";
    assert_eq!(set(note, &["a"], "x\ny\n"), "a: \"x\\ny\\n\"\n\n  # note\n\nc: 1\n");
    assert_eq!(set("a: 1\n  # note\n", &["a"], "x\ny"), "a: \"x\\ny\"\n  # note\n");
    assert_eq!(set("- 1\n  # note\n", &["0"], "x\ny"), "- \"x\\ny\"\n  # note\n");
    assert_eq!(set("a: 1\n# note\n", &["a"], "x\ny"), "a: |-\n  x\n  y\n# note\n");
    assert_eq!(set("a:\t \n", &["a"], "x\ny"), "a: |-\n  x\n  y\n");
    assert_eq!(set("a: # c\n  - x\n", &["a"], "#"), "a: '#' # c\n");
    let open = "error: f.yaml: the file has no final line break, and this edit would change what its last value means";
    assert_eq!(insert("a:\n  b: |+\n    x", &["a"], "c", 1, At::End), open);
}

#[test]
fn keys_are_put_where_they_belong() {
    let text = "a: 1\nc: 3\n";
    assert_eq!(insert(text, &[], "b", 2, At::Sorted), "a: 1\nb: 2\nc: 3\n");
    assert_eq!(insert(text, &[], "b", 2, At::After("a")), "a: 1\nb: 2\nc: 3\n");
    assert_eq!(insert(text, &[], "b", 2, At::End), "a: 1\nc: 3\nb: 2\n");
    assert_eq!(insert("b: 1\n", &[], "a", 0, At::Sorted), "a: 0\nb: 1\n");
    assert_eq!(insert("# top\n\n# of b\nb: 1\n", &[], "a", 0, At::Sorted), "# top\n\na: 0\n# of b\nb: 1\n");
    assert_eq!(insert("a: 1", &[], "b", 2, At::End), "a: 1\nb: 2");
    let marked =
        "error: f.yaml:1:3: a: the key `a` is written with `?`, which is not edited: change it by hand";
    assert_eq!(insert("? a\n: 1\n", &[], "b", 2, At::End), marked);
    assert_eq!(set("?\n a\n: 1\n", &["a"], 2), marked.replace(":1:3", ":2:2"));
    let nel = "a:\u{85}  b: 1\u{85}c: 1\n";
    let unsure = "error: f.yaml: this edit would have changed more than it should, nothing was written";
    assert_eq!(set(nel, &["a"], "x\ny"), unsure);
    let long = "error: f.yaml: a key of more than 128 bytes is not put in: write it by hand";
    assert_eq!(insert("a: 1\n", &[], &"k".repeat(129), 2, At::End), long);
    assert_eq!(set("a: 1\n", &["a"], Value::map([("k".repeat(129).as_str(), 1)])), long);
    assert_eq!(insert("? a\n", &[], "B", 2, At::Sorted), marked);
    assert_eq!(insert("a: 1\r\n", &[], "b", 2, At::End), "a: 1\r\nb: 2\r\n");
    assert_eq!(insert("a:\n   x: 1\nc: 1\n", &["a"], "w", 2, At::End), "a:\n   x: 1\n   w: 2\nc: 1\n");
    assert_eq!(insert("- x: 1\n- z: 1\n", &["0"], "w", 2, At::End), "- x: 1\n  w: 2\n- z: 1\n");
    assert_eq!(insert("- x: 1\n", &["0"], "a", 2, At::Sorted), "- a: 2\n  x: 1\n");
    assert_eq!(insert("a: |\n  x\nc: 1\n", &[], "b", 2, At::After("a")), "a: |\n  x\nb: 2\nc: 1\n");
}

#[test]
fn comments_stay_with_their_keys() {
    let text = "v: 1\na: 1 # of a\n# foot of a\n\n# of c\nc: 3\n";
    let new = "v: 1\na: 1 # of a\n# foot of a\nb: 2\n\n# of c\nc: 3\n";
    assert_eq!(insert(text, &[], "b", 2, At::After("a")), new);
    let text = "m:\n  a: 1\n  # deep\n# of c\nc: 3\n";
    assert_eq!(insert(text, &[], "o", 2, At::After("m")), "m:\n  a: 1\n  # deep\no: 2\n# of c\nc: 3\n");
    let text = "a: 1\n\n# trailer\n";
    assert_eq!(insert(text, &[], "b", 2, At::End), "a: 1\nb: 2\n\n# trailer\n");
}

#[test]
fn empty_maps_grow() {
    assert_eq!(
        insert("users: {}\n", &["users"], "jon", Value::map([("uid", 1)]), At::End),
        "users:\n  jon:\n    uid: 1\n"
    );
    assert_eq!(insert("users:\nb: 1\n", &["users"], "jon", 1, At::End), "users:\n  jon: 1\nb: 1\n");
    assert_eq!(insert("users: {} # none\n", &["users"], "jon", 1, At::End), "users: # none\n  jon: 1\n");
    assert_eq!(insert("{}\n", &[], "a", 1, At::End), "a: 1\n");
    assert_eq!(insert("", &[], "a", 1, At::End), "a: 1\n");
    assert_eq!(insert("# only a comment\n", &[], "a", 1, At::End), "# only a comment\na: 1\n");
    assert_eq!(insert("---\n", &[], "a", 1, At::End), "---\na: 1\n");
    assert_eq!(insert("- {}\n", &["0"], "a", 1, At::End), "- a: 1\n");
    assert_eq!(insert("a: {b: {}}\n", &["a", "b"], "c", 1, At::End), "a: {b: { c: 1 }}\n");
    assert_eq!(insert("null\n", &[], "a", 1, At::End), "a: 1\n");
}

#[test]
fn flow_maps_and_json() {
    assert_eq!(insert("{a: 1, c: 2}\n", &[], "b", 2, At::Sorted), "{a: 1, b: 2, c: 2}\n");
    assert_eq!(insert("x: {b: 1,}\n", &["x"], "a", 2, At::Sorted), "x: {a: 2, b: 1,}\n");
    assert_eq!(insert("x: {b: 1,}\n", &["x"], "c", 2, At::End), "x: {b: 1, c: 2,}\n");
    let json = "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\"x\"]\n\t},\n\t\"d\": {}\n}\n";
    assert_eq!(
        insert(json, &["b"], "e", "é\u{1F600}\u{1}", At::End),
        "{\n\t\"a\": 1,\n\t\"b\": {\n\t\t\"c\": [\"x\"],\n\t\t\"e\": \"é\u{1F600}\\u0001\"\n\t},\n\t\"d\": {}\n}\n"
    );
    assert_eq!(insert(json, &["d"], "e", true, At::End), json.replace("{}", "{\"e\": true}"));
    assert_eq!(append(json, &["b", "c"], "w"), json.replace("[\"x\"]", "[\"x\", \"w\"]"));
    assert_eq!(remove(json, &["d"]), json.replace(",\n\t\"d\": {}", ""));
    assert_eq!(remove(json, &["a"]), json.replace("\"a\": 1,\n\t", ""));
    assert_eq!(remove(json, &["b", "c"]), json.replace("{\n\t\t\"c\": [\"x\"]\n\t}", "{}"));
    assert_eq!(
        set(json, &["a"], Value::map([("k", Value::list([1, 2]))])),
        json.replace("1,", "{\"k\": [1, 2]},")
    );
}

#[test]
fn lists_grow_and_shrink() {
    assert_eq!(append("a:\n- x\nb: 1\n", &["a"], "w"), "a:\n- x\n- w\nb: 1\n");
    assert_eq!(append("a:\n  - x # c\n", &["a"], "w"), "a:\n  - x # c\n  - w\n");
    assert_eq!(append("a: [x]\n", &["a"], "w"), "a: [x, w]\n");
    assert_eq!(append("a: [\n  x,\n  w\n]\n", &["a"], "z"), "a: [\n  x,\n  w,\n  z\n]\n");
    assert_eq!(append("a: []\n", &["a"], "w"), "a: [w]\n");
    assert_eq!(append("a:\n", &["a"], "w"), "a:\n  - w\n");
    assert_eq!(append("b:\n- 1\na:\n", &["a"], "w"), "b:\n- 1\na:\n- w\n");
    assert_eq!(append("- k: 1\n  l: 2", &[], Value::map([("k", 3)])), "- k: 1\n  l: 2\n- k: 3");
    assert_eq!(append("- - a\n", &["0"], "b"), "- - a\n  - b\n");
    assert_eq!(drop_item("- a\n# of b\n- b # x\n- c\n", &[], 1), "- a\n- c\n");
    assert_eq!(drop_item("a:\n  - x\nb: 1\n", &["a"], 0), "a: []\nb: 1\n");
    assert_eq!(drop_item("- - a\n  - b\n", &["0"], 0), "- - b\n");
    assert_eq!(drop_item("a: [x, w, z]\n", &["a"], 0), "a: [w, z]\n");
    assert_eq!(drop_item("a: [x, w, z]\n", &["a"], 1), "a: [x, z]\n");
    assert_eq!(drop_item("a: [x, w, z]\n", &["a"], 2), "a: [x, w]\n");
    assert_eq!(drop_item("a: [x]\n", &["a"], 0), "a: []\n");
    assert_eq!(drop_item("- a\n- b", &[], 1), "- a");
    assert_eq!(drop_item("- a\n-\n- b\n", &[], 1), "- a\n- b\n");
    let text = "a: [\n  x, # of x\n  w, # of w\n  z # of z\n]\n";
    assert_eq!(drop_item(text, &["a"], 1), "a: [\n  x, # of x\n  z # of z\n]\n");
}

#[test]
fn keys_go_with_their_own_comments() {
    let text = "# top\n\na: 1 # of a\n# foot of a\n\n# of b\nb:\n  c: 1\n  d: 2\ne: 3\n";
    assert_eq!(remove(text, &["b"]), "# top\n\na: 1 # of a\n# foot of a\n\ne: 3\n");
    assert_eq!(remove(text, &["a"]), "# top\n\n# foot of a\n\n# of b\nb:\n  c: 1\n  d: 2\ne: 3\n");
    assert_eq!(remove(text, &["b", "c"]), text.replace("  c: 1\n", ""));
    assert_eq!(remove(text, &["e"]), text.replace("e: 3\n", ""));
    assert_eq!(remove("a: 1\nb: 2", &["b"]), "a: 1");
    assert_eq!(remove("a: |\n  # text\nb: 1\nc: 1\n", &["b"]), "a: |\n  # text\nc: 1\n");
    assert_eq!(remove("a: |+\n  x\nb: 1\n\nc: 1\n", &["b"]), "a: |+\n  x\nc: 1\n");
    assert_eq!(remove("a: 1\n\nb: 1", &["b"]), "a: 1");
    assert_eq!(remove("- a: 1\n  b: 2\n", &["0", "a"]), "- b: 2\n");
    assert_eq!(remove("- a: 1\n", &["0", "a"]), "- {}\n");
    assert_eq!(remove("a:\n  b: 1\n", &["a", "b"]), "a: {}\n");
    assert_eq!(remove("a: 1\n", &["a"]), "{}\n");
    assert_eq!(remove("{a: 1, b: 2, c: 3}\n", &["a"]), "{b: 2, c: 3}\n");
    assert_eq!(remove("{a: 1, b: 2, c: 3}\n", &["b"]), "{a: 1, c: 3}\n");
    assert_eq!(remove("{a: 1, b: 2, c: 3}\n", &["c"]), "{a: 1, b: 2}\n");
    assert_eq!(remove("{a, b: , c}\n", &["b"]), "{a, c}\n");
    assert_eq!(remove("x: {a: 1}\n", &["x", "a"]), "x: {}\n");
}

#[test]
fn keys_are_renamed() {
    let rename = |text: &str, path: &[&str], name: &str| edited(text, |edit| edit.rename_key(path, name));
    assert_eq!(rename("a: 1 # c\n", &["a"], "b"), "b: 1 # c\n");
    assert_eq!(rename("\"a\" : 1\n", &["a"], "b"), "\"b\" : 1\n");
    assert_eq!(rename("{a: 1}\n", &["a"], "b,c"), "{'b,c': 1}\n");
    assert_eq!(rename("a: 1\n", &["a"], "yes"), "\"yes\": 1\n");
    assert_eq!(rename("a: 1\nb: 2\n", &["a"], "b"), "error: f.yaml:2:1: b: the key `b` is already here");
}

#[test]
fn what_cannot_be_edited_is_refused_by_name() {
    let text = "a: &x 1\nb: *x\nc: !t 2\n? d\n: 3\ne: &w\n  f: 1\n&z g: 1\n*x : 5\n";
    let hand = "which is not edited: change it by hand";
    for (path, sentence) in [
        (&["a"][..], format!("2:1: a: this has the anchor `&x`, {hand}").replace("2:1", "1:4")),
        (&["b"], format!("2:4: b: this is the alias `*x`, {hand}")),
        (&["c"], format!("3:4: c: this has the tag `!t`, {hand}")),
        (&["d"], format!("4:3: d: the key `d` is written with `?`, {hand}")),
        (&["e", "f"], format!("6:4: e: this has the anchor `&w`, {hand}")),
        (&["g"], format!("8:1: g: the key `g` has an anchor, {hand}")),
        (&["nope"], "1:1: no key `nope` is here".to_owned()),
    ] {
        let found = set(text, path, 1);
        let expected = format!("error: f.yaml:{sentence}");
        assert_eq!(found, expected);
    }
    let text = "a:\n  k: &x 1\nb: *x\n";
    let lost = "error: f.yaml:3:4: b: this refers to the anchor `&x`, which would be lost";
    assert_eq!(remove(text, &["a"]), lost);
    assert_eq!(set(text, &["a"], 1), lost);
    assert_eq!(
        insert("a: 1\n", &["a"], "b", 1, At::End),
        "error: f.yaml:1:4: a: a map is needed here to put a key in"
    );
    assert_eq!(insert("a: 1\n", &[], "a", 1, At::End), "error: f.yaml:1:1: a: the key `a` is already here");
    assert_eq!(insert("a: 1\n", &[], "b", 1, At::After("c")), "error: f.yaml:1:1: no key `c` is here");
    assert_eq!(append("a: 1\n", &["a"], 1), "error: f.yaml:1:4: a: a list is needed here to put an item in");
    assert_eq!(drop_item("- 1\n", &[], 3), "error: f.yaml:1:1: no item 3 is here");
    assert_eq!(remove("- 1\n", &["0"]), "error: f.yaml:1:3: 0: this is an item of a list, not a key");
    assert_eq!(set("", &["a"], 1), "error: f.yaml: the file is empty");
    assert!(Edit::new("f.yaml", b"\xFF\xFEa\0").is_err());
    assert!(Edit::new("f.yaml", b"a: [").is_err());
}

#[test]
fn several_edits_combine() {
    let mut edit = Edit::new("f.yaml", b"# fleet\nversion: 1\nusers: {}\n").unwrap();
    edit.insert_key(&["users"], "raquel", &Value::map([("role", "standard")]), At::Sorted).unwrap();
    edit.insert_key(&["users"], "jon", &Value::map([("tags", Value::list(["a"]).one_line())]), At::Sorted)
        .unwrap();
    edit.append_item(&["users", "jon", "tags"], &Value::from("b")).unwrap();
    edit.put(&["users", "jon"], "uid", &Value::from(1001), At::End).unwrap();
    edit.put(&["users", "jon"], "uid", &Value::from(1002), At::End).unwrap();
    edit.remove_key(&["users", "raquel"]).unwrap();
    assert!(edit.contains(&["users", "jon", "tags", "1"]));
    assert!(!edit.contains(&["users", "raquel"]));
    assert_eq!(edit.text(), "# fleet\nversion: 1\nusers:\n  jon:\n    tags: [a, b]\n    uid: 1002\n");
}

#[test]
fn a_refused_edit_changes_nothing() {
    let text = "a: &x 1\nb: *x\n";
    let mut edit = Edit::new("f.yaml", text.as_bytes()).unwrap();
    assert!(edit.set(&["b"], &Value::NULL).is_err());
    assert_eq!(edit.text(), text);
}
