//! What sops writes so that it is lost, wrong or in clear (section 6 of what is known of it, by its numbers there): we
//! write what comes back, or refuse by name. The matrix holds those that plain files show; these are the others.

use crate::room::{Room, key_file, keyring, now, path, print, print_as, recipient, seal, vectors};
use std::path::Path;
use uvars::rules::SopsConfig;
use uvars::sops::{Encrypted, Format, Map, Plain, Rules, Selection, Value};

fn parse(source: &str, format: Format) -> Plain {
    Plain::parse(source.as_bytes(), format).unwrap()
}

fn refusal(source: &str, input: Format, output: Format) -> String {
    let plain = Plain::parse(source.as_bytes(), input);
    plain.and_then(|plain| seal(&plain, &Rules::default(), output)).unwrap_err().to_string()
}

/// What comes back of a plain file that is encrypted and decrypted.
fn there_and_back(source: &str, input: Format, output: Format) -> String {
    let file = seal(&parse(source, input), &Rules::default(), output).unwrap();
    String::from_utf8(print(&file, output).unwrap()).unwrap()
}

#[test]
fn item_1_an_invalid_regex_encrypts_nothing_and_is_refused() {
    let invalid = ["(", "(?!x)", "[", "a{2,1}", "*", r"\y"];
    for field in
        ["encrypted_regex", "unencrypted_regex", "encrypted_comment_regex", "unencrypted_comment_regex"]
    {
        for text in invalid {
            let error = Rules::new(Selection::of_field(field, text).unwrap(), false).unwrap_err().to_string();
            assert!(error.starts_with(field), "{error}");
            let config = format!("creation_rules:\n  - age: {}\n    {field}: '{text}'\n", recipient("a.age"));
            let config = SopsConfig::parse(Path::new(".sops.yaml"), config.as_bytes()).unwrap();
            assert!(config.rules()[0].encryption().is_err(), "{field}: {text}");
        }
    }
    // a file that says so cannot be read by anybody who means it
    let file =
        String::from_utf8(seal(&parse("a: 1\n", Format::Yaml), &Rules::default(), Format::Yaml).unwrap());
    let file = file.unwrap().replace("unencrypted_suffix: _unencrypted", "encrypted_regex: (");
    let error = Encrypted::parse(file.as_bytes(), Format::Yaml).unwrap_err().to_string();
    assert!(error.contains("encrypted_regex"), "{error}");
    // sops writes all of it in clear
    let Some(room) = Room::new("sops") else { return };
    let theirs = room.encrypt(b"a: secret\n", &["--encrypted-regex", "("], Format::Yaml);
    assert!(String::from_utf8(theirs).unwrap().starts_with("a: secret\n"));
}

#[test]
fn what_json_cannot_print_is_not_encrypted_to_it() {
    for (source, said) in [
        ("a: .inf\n", "a: JSON has no number for what is infinite or no number"),
        ("a: !!binary /w==\n", "a: is no text (UTF-8), and JSON holds nothing else"),
    ] {
        assert_eq!(refusal(source, Format::Yaml, Format::Json), said);
    }
}

#[test]
fn item_3_what_another_format_cannot_hold_is_refused_by_name() {
    let (yaml, json) = (Format::Yaml, Format::Json);
    for (source, output, said) in [
        ("a: 1\n---\nb: 2\n", json, "JSON holds one document, and there are 2"),
        ("a: 1\n---\nb: 2\n", Format::Dotenv, "dotenv holds one document, and there are 2"),
        ("a: {x: 1}\n---\nb: {x: 2}\n", Format::Binary, "holds no file of bytes"),
        ("a: null\n", Format::Dotenv, "a: is null"),
        ("s: {a: null}\n", Format::Ini, "s.a: is null"),
        ("a_unencrypted: null\n", Format::Dotenv, "a_unencrypted: is null"),
        ("a_unencrypted: true\n", Format::Dotenv, "a_unencrypted: cannot stand in clear"),
        ("a_unencrypted: 1.0\n", Format::Dotenv, "a_unencrypted: cannot stand in clear"),
        ("a_unencrypted: 1234567.5\n", Format::Dotenv, "a_unencrypted: cannot stand in clear"),
        ("a_unencrypted: 0.00001\n", Format::Dotenv, "a_unencrypted: cannot stand in clear"),
        ("a_unencrypted: 2024-01-01T00:00:00.5Z\n", Format::Dotenv, "a_unencrypted: cannot stand in clear"),
        ("s_unencrypted: {a: true}\n", Format::Ini, "s_unencrypted.a: cannot stand in clear"),
        ("s_unencrypted: {a: -0.0}\n", Format::Ini, "s_unencrypted.a: cannot stand in clear"),
        ("a_unencrypted: 'x\\ny'\n", Format::Dotenv, "a_unencrypted: has a backslash and an n in it"),
        ("a_unencrypted: !!binary //8=\n", json, "a_unencrypted: is no text"),
        ("a: .inf\n", json, "a: JSON has no number"),
    ] {
        let error = refusal(source, yaml, output);
        assert!(error.starts_with(said), "{source}: {error}");
    }
    for (source, output, printed) in [
        (
            "a_unencrypted: 1\nb_unencrypted: 1.5\nc_unencrypted: 2024-01-01\n",
            Format::Dotenv,
            "a_unencrypted=1\nb_unencrypted=1.5\nc_unencrypted=2024-01-01T00:00:00Z\n",
        ),
        ("a: true\nb: 1.0\n", Format::Dotenv, "a=true\nb=1.0\n"),
    ] {
        assert_eq!(there_and_back(source, yaml, output), printed);
    }
}

#[test]
fn item_4_and_16_lines_that_begin_blank_come_back() {
    for text in
        ["\nx", "\n#x", " x\ny", "  x\n y", "\tx\ny", "\t\n", "\n\t", "\u{2028}x\ny", "\n", "\n\n", " \n"]
    {
        let inner = Map::new().with("k", text);
        let list = Value::List(vec![text.into(), Value::List(vec![text.into()]), inner.clone().into()]);
        let map =
            Map::new().with("a", list.clone()).with("b_unencrypted", list).with("c", text).with("d", inner);
        let file = seal(&Plain::new(map.clone()), &Rules::default(), Format::Yaml).unwrap();
        let again = Plain::parse(&print(&file, Format::Yaml).unwrap(), Format::Yaml).unwrap();
        assert_eq!(again.to_map(), map, "{text:?}");
        for sops in ["sops", "sops-3.11"] {
            let Some(room) = Room::new(sops) else { continue };
            let json = room.decrypt_as(&file, Format::Yaml, Format::Json);
            assert_eq!(json.stdout, print_as(&file, Format::Yaml, Format::Json).unwrap(), "{sops} {text:?}");
        }
    }
}

#[test]
fn item_5_a_wrong_tag_in_a_later_document_is_refused() {
    assert_eq!(
        refusal("a: 1\n---\nx: !!int abc\n", Format::Yaml, Format::Yaml),
        "line 3, column 4: cannot read !!str as !!int"
    );
}

#[test]
fn item_9_what_is_no_text_is_read_as_sops_reads_it() {
    let Some(room) = Room::new("sops") else { return };
    let source = b"a: 0123\nb: 1_000\nc: 2024-01-02\nd: 1e3\ne: '0123'\nf: 08\n";
    let json = room.decrypt_as(&room.encrypt(source, &[], Format::Yaml), Format::Yaml, Format::Json).stdout;
    let ours = Plain::parse(source, Format::Yaml).unwrap().emit(Format::Json).unwrap();
    assert_eq!(ours.expose(), json);
}

#[test]
fn item_12_and_24_paths_into_what_has_none_are_refused() {
    let mut plain = parse("s: text\nl: [1]\nm: {a: 1}\n", Format::Yaml);
    for path_text in ["s.a", "s.0", "l.a", "m.a.b", "l.5", "nothing"] {
        assert_eq!(plain.get(&path(path_text)), None, "{path_text}");
    }
    for (place, said) in [
        ("s.a", "s is a single value"),
        ("m.a.b", "m.a is a single value"),
        ("l.a", "l is a list, which has places from 0"),
        ("l.5", "the list has 1 elements"),
    ] {
        let error = plain.set(&path(place), &Value::Int(1)).unwrap_err().to_string();
        assert!(error.ends_with(said), "{place}: {error}");
    }
    assert_eq!(plain.emit(Format::Yaml).unwrap().expose(), b"s: text\nl:\n    - 1\nm:\n    a: 1\n");
}

#[test]
fn item_13_a_file_without_a_version_is_opened() {
    let file = seal(&parse("a: x\n", Format::Yaml), &Rules::default(), Format::Yaml).unwrap();
    let text = String::from_utf8(file).unwrap();
    for version in
        ["", "    version: 3\n", "    version: \"3.9\"\n", "    version: foo\n", "    version: 99.0.0\n"]
    {
        let text = text.replace("    version: 3.13.3\n", version);
        assert_eq!(print(text.as_bytes(), Format::Yaml).unwrap(), b"a: x\n", "{version}");
    }
}

#[test]
fn item_14_metadata_in_ini_has_one_order() {
    let plain = parse("[s]\na = b\n", Format::Ini);
    let readers: Vec<_> = ["a.age", "b.age", "c.age"].map(recipient).to_vec();
    let names = || {
        let file = Encrypted::create(
            &plain,
            &readers,
            &Rules::default(),
            now(),
            Format::Ini,
            &uvars::keys::Programs::default(),
        )
        .unwrap();
        let text = String::from_utf8(file.emit().unwrap()).unwrap();
        let lines = text.lines().skip_while(|line| *line != "[sops]").skip(1);
        lines.map(|line| line.split(' ').next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let first = names();
    assert!(first.is_sorted() && first.len() == 10, "{first:?}");
    assert_eq!(names(), first);
}

#[test]
fn item_15_values_below_a_section_are_refused_for_ini() {
    assert_eq!(
        refusal("a: {b: {c: 1}}\n", Format::Yaml, Format::Ini),
        "a.b: is a map, and INI holds texts alone"
    );
    assert_eq!(
        refusal("a: {b: [1]}\n", Format::Yaml, Format::Ini),
        "a.b: is a list, and INI holds texts alone"
    );
}

#[test]
fn item_17_minus_zero_in_clear_is_refused_and_read() {
    for (source, format) in
        [("a_unencrypted: -0.0\n", Format::Yaml), ("{\"a_unencrypted\": -0.0}", Format::Json)]
    {
        let error = refusal(source, format, format);
        assert_eq!(
            error,
            "a_unencrypted: the number -0.0 cannot stand in clear: sops would read it back as 0"
        );
        // every sops writes it, and none but 3.11 reads it again, and that in JSON alone
        for sops in ["sops", "sops-3.11"] {
            let Some(room) = Room::new(sops) else { continue };
            let file = room.encrypt(source.as_bytes(), &[], format);
            let printed = String::from_utf8(print(&file, format).unwrap()).unwrap();
            assert!(printed.contains(": -0"), "{sops}: {printed}");
        }
    }
    // encrypted it is a number like any other
    assert_eq!(there_and_back("a: -0.0\n", Format::Yaml, Format::Yaml), "a: -0\n");
    assert_eq!(there_and_back("{\"a\": -0.0}", Format::Json, Format::Json), "{\n\t\"a\": -0\n}\n");
}

#[test]
fn item_18_inline_comments_are_neither_moved_nor_lost() {
    for (source, printed) in [
        ("l:\n- [1] # i\n- 2 # j\n", "l:\n    # i\n    - - 1\n    # j\n    - 2\n"),
        ("a: &x {q: 1}\nb: *x # i\nc: 1\n", "a:\n    q: 1\n# i\nb:\n    q: 1\nc: 1\n"),
        ("a: {} # i\n", "# i\na: {}\n"),
    ] {
        assert_eq!(there_and_back(source, Format::Yaml, Format::Yaml), printed);
    }
}

#[test]
fn item_19_values_with_comment_marks_are_refused_or_kept_in_ini() {
    for source in ["[s]\na=p;w\n", "[s]\na = p#w\n", "[s]\na = \"x # y\"\n", "[s]\na = ';'\n"] {
        let error = refusal(source, Format::Ini, Format::Ini);
        assert!(error.contains("line 2, column 1: a value has ; or # in it"), "{source}: {error}");
    }
    for value in ["p;w", "p#w", ";", "x # y", "\"x # y\"", "a`;b"] {
        let map = Map::new().with("s", Map::new().with("a", value));
        let file = seal(&Plain::new(map.clone()), &Rules::default(), Format::Ini).unwrap();
        let printed = print(&file, Format::Ini).unwrap();
        let again = Plain::parse(&printed, Format::Ini).unwrap();
        assert_eq!(again.get(&path("s.a")), Some(value.into()), "{value}");
        let Some(room) = Room::new("sops") else { continue };
        assert_eq!(room.decrypt(&file, Format::Ini), printed);
    }
}

#[test]
fn item_20_an_alias_that_makes_a_name_stand_twice_is_refused() {
    let error = refusal("&k a: 1\n*k : 2\n", Format::Yaml, Format::Yaml);
    assert!(error.contains("stands twice"), "{error}");
    assert_eq!(there_and_back("x: &k a\nm: {*k : 2}\n", Format::Yaml, Format::Yaml), "x: a\nm:\n    a: 2\n");
}

#[test]
fn item_25_types_may_be_taken_for_each_other_only_where_the_bytes_are_the_same() {
    let file = seal(&parse("a: 5\n", Format::Yaml), &Rules::default(), Format::Yaml).unwrap();
    let text = String::from_utf8(file).unwrap();
    let swapped = |kind: &str| print(text.replacen("type:int", kind, 1).as_bytes(), Format::Yaml);
    // the type is under no key in any sops: a file that says text is printed so by all
    assert_eq!(swapped("type:str").unwrap(), b"a: \"5\"\n");
    assert!(
        swapped("type:bool").is_err() && swapped("type:comment").is_err() && swapped("type:foo").is_err()
    );
    let Some(room) = Room::new("sops") else { return };
    let text = text.replacen("type:int", "type:str", 1);
    assert_eq!(room.decrypt(text.as_bytes(), Format::Yaml), b"a: \"5\"\n");
}

#[test]
fn a_section_of_ini_is_printed_for_itself() {
    let file = seal(
        &parse("[s]\na = x;y\n".replace(';', ".").as_str(), Format::Ini),
        &Rules::default(),
        Format::Ini,
    );
    let file = Encrypted::parse(&file.unwrap(), Format::Ini).unwrap();
    let plain = file.decrypt(&file.unlock(&keyring()).unwrap()).unwrap();
    assert_eq!(plain.emit_at(&path("s"), Format::Ini).unwrap().expose(), b"a = x.y\n");
}

/// sops opens both, and loses what it did not look at when it writes them again.
#[test]
fn text_that_sops_passes_over_in_encrypted_files_is_refused() {
    let json = seal(&parse("{\"a\": 1}", Format::Json), &Rules::default(), Format::Json).unwrap();
    let json = [&json[..], b"{\"b\": 2}\n"].concat();
    let ini = seal(&parse("[s]\na = 1\n", Format::Ini), &Rules::default(), Format::Ini).unwrap();
    let ini = String::from_utf8(ini).unwrap().replacen("a = ", "a = x\na = ", 1).into_bytes();
    for (file, format, said) in [
        (json, Format::Json, "something stands behind the end of the object"),
        (ini, Format::Ini, "line 3, column 1: a name stands twice in its section"),
    ] {
        let error = print(&file, format).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
        let Some(room) = Room::new("sops") else { continue };
        assert!(room.decrypt_as(&file, format, format).status.success(), "{said}");
    }
}

/// 3.13.0 and 3.13.1 wrote the lines of INI metadata as lines.
#[test]
fn metadata_of_ini_with_lines_of_its_own_is_read() {
    let file = std::fs::read_to_string(vectors().join("3.13.3/plain.enc.ini")).unwrap();
    let lines: Vec<String> = file
        .lines()
        .map(|line| match line.split_once(" = ") {
            Some((name, value)) if value.contains("\\n") => {
                format!("{name} = \"\"\"{}\"\"\"", value.replace("\\n", "\n"))
            }
            _ => line.to_owned(),
        })
        .collect();
    let old = lines.join("\n") + "\n";
    assert!(old.contains("\"\"\"-----BEGIN AGE ENCRYPTED FILE-----\n"));
    let printed = std::fs::read(vectors().join("3.13.3/plain.dec.ini")).unwrap();
    assert_eq!(print(old.as_bytes(), Format::Ini).unwrap(), printed);
    for sops in ["sops", "sops-3.11"] {
        let Some(room) = Room::new(sops) else { continue };
        assert_eq!(room.decrypt(old.as_bytes(), Format::Ini), printed, "{sops}");
    }
    assert!(key_file("a.age").is_file());
}

/// Since 3.13.0 names of the metadata are read in any case, and numbers and texts for each other.
#[test]
fn metadata_is_read_as_loosely_as_by_sops() {
    let file =
        seal(&parse("a: x\nb_unencrypted: y\n", Format::Yaml), &Rules::default(), Format::Yaml).unwrap();
    let text = String::from_utf8(file).unwrap();
    let Some(room) = Room::new("sops") else { return };
    for (from, to) in [
        ("    lastmodified:", "    LastModified:"),
        ("    mac:", "    MAC:"),
        ("    unencrypted_suffix:", "    Unencrypted_Suffix:"),
        ("    version:", "    shamir_threshold: \"0\"\n    VERSION:"),
        ("    version:", "    mac_only_encrypted: \"false\"\n    version:"),
        ("    version:", "    mac_only_encrypted: 0\n    version:"),
        ("    version:", "    kms: []\n    pgp: null\n    version:"),
        ("    version:", "    key_groups: []\n    version:"),
        ("        - enc: |", "          enc: |"),
        ("          recipient:", "          Recipient:"),
        ("    version:", "    unheard_of: {x: [1]}\n    version:"),
    ] {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        let theirs = room.decrypt(changed.as_bytes(), Format::Yaml);
        assert_eq!(print(changed.as_bytes(), Format::Yaml).unwrap(), theirs, "{to}");
    }
    let moment = text.lines().find(|line| line.contains("lastmodified")).unwrap();
    let whole = moment.replace("Z\"", ".25Z\"");
    let changed = text.replace(moment, &whole);
    assert_eq!(
        print(changed.as_bytes(), Format::Yaml).unwrap(),
        room.decrypt(changed.as_bytes(), Format::Yaml)
    );
}
