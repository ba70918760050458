//! A part of a document as a document of its own.

use crate::sops::path::KeyPath;
use crate::sops::plain::Plain;
use crate::sops::pool::Span;
use crate::sops::tree::{Item, Node, Tree};

impl Plain {
    /// The map at a path of the first document, with its comments, as the one document of a file; nothing where no map
    /// stands there.
    pub fn below(&self, path: &KeyPath) -> Option<Self> {
        let at = self.tree.locate(path).filter(|&at| self.tree.item(at).node == Node::Map)?;
        let items = self.tree.items.get(at..self.tree.behind(at))?;
        let mut part = Tree::new(items.len(), self.tree.pool.clone());
        part.items.extend_from_slice(items);
        if let Some(first) = part.items.first_mut() {
            *first = Item { key: Span::default(), merge: false, ..*first };
        }
        Some(Self { tree: part, origin: None, clear_comments: Vec::new(), stores: self.stores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::Format;

    #[test]
    fn a_map_becomes_a_document() {
        let source = b"a:\n    # why\n    b: 1\n    c: x # behind\nd: 2\n---\ne: 3\n";
        let plain = Plain::parse(source, Format::Yaml).unwrap();
        let part = plain.below(&KeyPath::parse("a").unwrap()).unwrap();
        assert_eq!(part.emit(Format::Yaml).unwrap().expose_str(), Some("# why\nb: 1\nc: x # behind\n"));
        assert_eq!(part.emit(Format::Dotenv).unwrap().expose_str(), Some("# why\nb=1\n# behind\nc=x\n"));
        assert!(plain.below(&KeyPath::parse("d").unwrap()).is_none());
        assert!(plain.below(&KeyPath::parse("e").unwrap()).is_none());
    }
}
