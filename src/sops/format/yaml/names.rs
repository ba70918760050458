//! Names that stand twice in one map: other formats have them, YAML must not.

use crate::sops::pool::Span;
use crate::sops::tree::{Node, Tree};
use crate::{Error, Result};

/// The second of two equal names, if there are any.
///
/// Short hashes are sorted and only names whose hashes meet are compared, so that ten thousand names cost less
/// than reading them; many names with one hash cost a sort by text.
pub(super) fn twice<'t>(text: impl Fn(Span) -> &'t [u8], names: &mut [(u64, Span)]) -> Option<Span> {
    names.sort_unstable_by_key(|(hash, _)| *hash);
    let met = names.windows(2).any(|pair| matches!(pair, [a, b] if a.0 == b.0));
    if !met {
        return None;
    }
    names.sort_by(|a, b| text(a.1).cmp(text(b.1)));
    let equal = |pair: &[(u64, Span)]| match pair {
        [a, b] if text(a.1) == text(b.1) => Some(b.1),
        _ => None,
    };
    names.windows(2).find_map(equal)
}

/// Refuses to write the first document if a name stands twice in one of its maps: nobody could read it.
pub(super) fn refuse_twice(tree: &Tree) -> Result<()> {
    if tree.distinct {
        return Ok(());
    }
    // the names of every open map; a list has none
    let mut open: Vec<Option<Vec<(u64, Span)>>> = Vec::new();
    for item in tree.items.iter().take(tree.behind(0)) {
        if item.node == Node::End {
            if let Some(Some(mut names)) = open.pop()
                && let Some(name) = twice(|span| tree.pool.get(span), &mut names)
            {
                let name = String::from_utf8_lossy(tree.pool.get(name)).into_owned();
                return Err(Error::new("stands twice in its map, which YAML cannot have").key(name));
            }
            continue;
        }
        if !item.node.is_comment()
            && let Some(Some(names)) = open.last_mut()
        {
            names.push((hash(tree.pool.get(item.key)), item.key));
        }
        if item.node.opens() {
            open.push((item.node == Node::Map).then(Vec::new));
        }
    }
    Ok(())
}

/// FNV-1a, eight bytes a step.
pub(super) fn hash(name: &[u8]) -> u64 {
    let step = |hash: u64, word: u64| (hash ^ word).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
    let chunks = name.chunks_exact(8);
    let rest = chunks.remainder().iter().fold(name.len() as u64, |word, byte| word << 8 | u64::from(*byte));
    let words = chunks.map(|chunk| chunk.try_into().map_or(0, u64::from_le_bytes));
    step(words.fold(0xcbf2_9ce4_8422_2325, step), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::format::yaml::regular;
    use crate::sops::pool::Pool;
    use zeroize::Zeroizing;

    fn second(names: &[&str]) -> Option<String> {
        let mut pool = Pool::open(0);
        let mut spans: Vec<_> =
            names.iter().map(|name| (hash(name.as_bytes()), pool.push(name.as_bytes()))).collect();
        twice(|span| pool.get(span), &mut spans)
            .map(|span| String::from_utf8(pool.get(span).to_vec()).unwrap())
    }

    #[test]
    fn finds_equal_names_and_nothing_else() {
        assert_eq!(second(&["a", "b", "a"]), Some("a".to_owned()));
        assert_eq!(second(&["a", "b", "c", ""]), None);
        assert_eq!(second(&["", ""]), Some(String::new()));
        let many: Vec<String> = (0..5000).map(|number| format!("name-{number}")).collect();
        assert_eq!(second(&many.iter().map(String::as_str).collect::<Vec<_>>()), None);
    }

    #[test]
    fn names_of_one_hash_are_still_compared() {
        let mut pool = Pool::open(0);
        let mut spans: Vec<_> = ["x", "y", "z"].iter().map(|name| (7, pool.push(name.as_bytes()))).collect();
        assert_eq!(twice(|span| pool.get(span), &mut spans), None);
    }

    #[test]
    fn a_document_that_was_read_without_equal_names_is_looked_at_again_when_it_is_changed() {
        let mut source = Zeroizing::new(b"a: 1\nb: 2\n".to_vec());
        let mut tree = regular::plain(&mut source).unwrap();
        assert!(tree.distinct);
        assert!(refuse_twice(&tree).is_ok());
        let second = tree.item(1);
        tree.splice(1, 1, &[second]);
        assert_eq!(
            refuse_twice(&tree).unwrap_err().to_string(),
            "a: stands twice in its map, which YAML cannot have"
        );
    }
}
