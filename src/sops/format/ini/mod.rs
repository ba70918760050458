//! INI: sections with texts in them, one comment for each, the metadata as the last section.

mod blank;
mod read;
mod write;

use crate::sops::format::{Store, Stores, flat, nested, one_document, scalar};
use crate::sops::pool::Pool;
use crate::sops::tree::{Node, Tree};
use crate::sops::value::{Map, Value};
use crate::{Error, Result};
use zeroize::Zeroizing;

pub(super) struct Ini;

impl Store for Ini {
    fn read_plain(&self, source: &[u8]) -> Result<Tree> {
        read::read(source, true)
    }

    fn read_sealed(&self, source: &[u8]) -> Result<(Tree, Map)> {
        let (tree, section) = nested::split(read::read(source, false)?)?;
        let mut fields = Vec::new();
        for entry in section {
            // 3.13.0 and 3.13.1 wrote the new lines themselves
            let text = entry.value.as_str().map(|text| text.replace("\\n", "\n"));
            let text = text.ok_or_else(|| Error::new("is no text").key(format!("sops.{}", entry.key)))?;
            fields.push((entry.key, Value::from(text.as_str())));
        }
        Ok((tree, flat::unflatten(fields)?))
    }

    fn write_plain(&self, tree: &Tree, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        one_document(tree, "INI")?;
        write::write(tree, None, false)
    }

    fn write_sealed(&self, tree: &Tree, metadata: &Map, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        one_document(tree, "INI")?;
        let mut section = Map::new();
        for (name, value) in flat::flatten(metadata) {
            let text = value.to_bytes().unwrap_or_default();
            let text = String::from_utf8_lossy(text.expose()).replace('\n', "\\n");
            section.push(name, text.as_str().into());
        }
        let mut last = Tree::new(64, Pool::open(4096));
        last.push_value(Some(nested::METADATA), &section.into());
        write::write(tree, Some(&last), true)
    }

    fn write_value(&self, tree: &Tree, at: usize, _stores: Stores) -> Result<Zeroizing<Vec<u8>>> {
        if tree.item(at).node == Node::Map {
            return write::pairs(tree, at);
        }
        scalar::text(tree, &tree.item(at), "INI").map(|text| Zeroizing::new(text.to_vec()))
    }

    fn refuse_clear(&self, node: Node, _text: &[u8]) -> Option<&'static str> {
        scalar::refuse_clear(node)
    }
}

#[cfg(test)]
mod tests {
    use crate::keys::generate;
    use crate::sops::{Encrypted, Format, Map, Plain, Rules, Value};
    use std::time::SystemTime;

    fn read(source: &str) -> Plain {
        Plain::parse(source.as_bytes(), Format::Ini).unwrap()
    }

    fn print(plain: &Plain) -> String {
        String::from_utf8(plain.emit(Format::Ini).unwrap().expose().to_vec()).unwrap()
    }

    fn error(source: &str) -> String {
        Plain::parse(source.as_bytes(), Format::Ini).map(|_| ()).unwrap_err().to_string()
    }

    fn in_section(value: &str) -> Plain {
        Plain::new(Map::new().with("s", Map::new().with("k", value)))
    }

    #[test]
    fn what_sops_would_lose_is_refused_by_line_and_never_quoted() {
        for (source, said) in [
            ("secret\n", "line 1, column 1: a line must be [section], name = value, or begin with ; or #"),
            ("[s\n", "line 1, column 1: a section has no ] at its end"),
            ("[]\n", "line 1, column 1: a section has no name"),
            ("[s] secret\n", "line 1, column 1: something stands behind a section"),
            ("=x\n", "line 1, column 1: a value has no name"),
            ("- = x\n", "line 1, column 1: the name - means the next number"),
            ("a = 1\nb = 2\na = 3\n", "line 3, column 1: a name stands twice in its section"),
            ("a = p;secret\n", "line 1, column 1: a value has ; or # in it, where sops would cut it off"),
            ("a = #secret\nb=#x\n", "line 2, column 1: a value has ; or # in it"),
            ("a = \"x # y\"\n", "line 1, column 1: a value has ; or # in it"),
            ("a = `x` secret\n", "line 1, column 1: something stands behind a value in quotes"),
            ("a = 1\nb = `secret\n\n", "line 2, column 1: a value in quotes has no quote at its end"),
            ("\"a = 1\n", "line 1, column 1: a name in quotes has no quote at its end"),
            ("\"a\" b = 1\n", "line 1, column 1: something stands behind a name in quotes"),
        ] {
            let error = error(source);
            assert!(error.starts_with(said) && !error.contains("secret"), "{source}: {error}");
        }
        assert_eq!(read("a = x ; y\n").comments(), 1);
        assert_eq!(read("; lost\n").lost_comments(), 1);
    }

    #[test]
    fn every_text_comes_back_or_is_refused() {
        let odd = [
            "", " ", "a", "'a'", "\"a\"", "`", "\"\"\"", "a;b", "# a", "a\nb", "\na\n", "a\\", "\\", "=",
            "[s]", "\u{a0}x",
        ];
        for first in odd {
            for second in odd {
                let text = format!("{first}{second}");
                let plain = in_section(&text);
                let Ok(printed) = plain.emit(Format::Ini) else {
                    assert!(text.contains('`') && text.contains("\"\"\""), "{text:?}");
                    continue;
                };
                let again = Plain::parse(printed.expose(), Format::Ini).unwrap().to_map();
                let value = again.get("s").and_then(Value::as_map).and_then(|map| map.get("k"));
                assert_eq!(value, Some(&Value::from(text.as_str())), "{text:?}");
            }
        }
    }

    #[test]
    fn what_ini_cannot_hold_is_refused_by_name() {
        let error = |map: Map| Plain::new(map).emit(Format::Ini).unwrap_err().to_string();
        let in_section = |value: Value| Map::new().with("s", Map::new().with("k", value));
        assert_eq!(error(in_section(Value::Null)), "s.k: is null, and INI holds texts alone");
        assert_eq!(error(in_section(Map::new().into())), "s.k: is a map, and INI holds texts alone");
        assert!(error(Map::new().with("a", "x")).starts_with("a: must be a map"));
        assert!(
            error(Map::new().with("a]\nb", Map::new()))
                .ends_with("is no name that a section of INI can have")
        );
        let default = Map::new().with("default", Map::new().with("k", "x"));
        assert_eq!(error(default), "default: must be DEFAULT in upper case, or stand behind another section");
        let name = Map::new().with("s", Map::new().with("`\"\"\"", "x"));
        assert!(error(name).ends_with("has a name that INI cannot have"));
    }

    #[test]
    fn no_line_of_a_comment_is_lost() {
        for (source, printed) in [
            ("###\n# b\na = 1\n", "; \n# b\na = 1\n"),
            ("#\n;\n# b\n# c\na = 1\n", "; \n; \n# b\n# c\na = 1\n"),
            ("# b\n#\n# c\na = 1\n", "; b\n# \n# c\na = 1\n"),
            ("#\r\n# b\r\na = 1\r\n", "; \n# b\na = 1\n"),
            (";\t\n; b\na = 1\n", "; \n; b\na = 1\n"),
            (";\n; b\n[s]\na = 1\n", ";  \n; b\n[s]\na = 1\n"),
            ("#\na = 1\n", "a = 1\n"),
        ] {
            assert_eq!(print(&read(source)), printed);
            assert_eq!(print(&read(printed)), printed);
        }
    }

    #[test]
    fn names_are_aligned_and_quoted() {
        let map = Map::new().with("long name", "1").with("a=b", "2").with("c`d", "3").with("e", "x;y");
        let encrypted = Map::new().with("ENC[AES256_GCM,data:a]", "x");
        assert_eq!(
            print(&Plain::new(Map::new().with("s", encrypted))),
            "[s]\n`ENC[AES256_GCM,data:a]` = x\n"
        );
        assert_eq!(
            print(&Plain::new(Map::new().with("s", map))),
            "[s]\nlong name = 1\n`a=b`     = 2\n\"\"\"c`d\"\"\" = 3\ne         = `x;y`\n"
        );
    }

    #[test]
    fn comments_of_other_formats_are_joined_or_refused() {
        let yaml = "# top\ns:\n    # one\n    # two\n    a: x\n    b: z # three\n";
        let plain = Plain::parse(yaml.as_bytes(), Format::Yaml).unwrap();
        assert_eq!(print(&plain), ";  top\n;  one\n;  two\n[s]\n; three\na = x\nb = z\n");
        let reader = generate("now").unwrap().recipient;
        let sealed = Encrypted::create(
            &plain,
            &[reader],
            &Rules::default(),
            SystemTime::UNIX_EPOCH,
            Format::Ini,
            &crate::keys::Programs::default(),
        )
        .unwrap();
        let error = sealed.emit().unwrap_err().to_string();
        assert!(error.starts_with("s: several comments stand here"), "{error}");
    }
}
