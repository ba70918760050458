//! The way through a tree: which path a value has, what that path authenticates, and whether it is encrypted.
//!
//! Both directions, encrypting and decrypting, feed their items through one [`Walk`] in their order, so that
//! they cannot disagree.

use crate::sops::rules::Rules;

/// Where a walk is.
pub(super) struct Walk<'r> {
    rules: &'r Rules,
    /// Every name from the root with a `:` behind it.
    path: Vec<u8>,
    frames: Vec<Frame>,
}

/// An open map or list.
#[expect(clippy::struct_excessive_bools, reason = "four facts that do not exclude each other")]
struct Frame {
    list: bool,
    path_len: usize,
    /// A name on the way here decides.
    named: bool,
    /// A comment outside of here decides.
    outside: bool,
    /// A comment in here, since the last value, decides.
    marked: bool,
}

impl<'r> Walk<'r> {
    pub(super) fn new(rules: &'r Rules) -> Self {
        Self { rules, path: Vec::with_capacity(256), frames: Vec::new() }
    }

    /// A map or list opens, under `key` if it stands in a map.
    pub(super) fn enter(&mut self, list: bool, key: &[u8]) {
        let (named, outside) = match self.frames.last() {
            None => {
                self.path.clear();
                (false, false)
            }
            Some(frame) => {
                let at = (frame.named, frame.outside || frame.marked, frame.list);
                (self.step(at.2, at.0, key), at.1)
            }
        };
        self.frames.push(Frame { list, path_len: self.path.len(), named, outside, marked: false });
    }

    /// The innermost map or list ends; it was a value of what is around it.
    pub(super) fn leave(&mut self) {
        self.frames.pop();
        self.done();
    }

    /// Whether the value under `key` (in a map) is encrypted. [`Walk::done`] must follow.
    pub(super) fn value(&mut self, key: &[u8]) -> bool {
        let Some(frame) = self.frames.last() else { return false };
        let (list, named, marked) = (frame.list, frame.named, frame.outside || frame.marked);
        let named = self.step(list, named, key);
        self.verdict(named, marked)
    }

    /// A value ends: comments above it are used up.
    pub(super) fn done(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.marked = false;
        }
    }

    /// Whether this comment is encrypted. A comment that says "encrypt" is not encrypted by its own word; one
    /// that says "leave in clear" is meant as well.
    pub(super) fn comment(&mut self, text: &[u8]) -> bool {
        let marks = self.rules.marks(text);
        let Some(frame) = self.frames.last_mut() else { return false };
        let before = frame.outside || frame.marked;
        frame.marked |= marks;
        let (named, len) = (frame.named, frame.path_len);
        self.path.truncate(len);
        self.verdict(named, if self.rules.is_positive() { before } else { before || marks })
    }

    /// The associated data of the value or comment just asked about.
    pub(super) fn aad(&self) -> &[u8] {
        if self.path.is_empty() { b":" } else { &self.path }
    }

    /// Whether the innermost collection is a list.
    pub(super) fn in_list(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.list)
    }

    /// How deep the walk is: 1 at the top of a document.
    pub(super) fn depth(&self) -> usize {
        self.frames.len()
    }

    /// Sets the path to a value's and tells whether a name on it decides.
    fn step(&mut self, list: bool, named: bool, key: &[u8]) -> bool {
        let len = self.frames.last().map_or(0, |frame| frame.path_len);
        self.path.truncate(len);
        if list {
            return named;
        }
        self.path.extend_from_slice(key);
        self.path.push(b':');
        named || self.rules.names(key)
    }

    fn verdict(&self, named: bool, marked: bool) -> bool {
        let decided = if self.rules.by_comment() { marked } else { named };
        decided == self.rules.is_positive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sops::rules::Selection;

    fn rules(field: &str, text: &str) -> Rules {
        Rules::new(Selection::of_field(field, text).unwrap(), false).unwrap()
    }

    #[test]
    fn the_path_has_names_and_no_indexes() {
        let rules = Rules::default();
        let mut walk = Walk::new(&rules);
        walk.enter(false, b"");
        walk.comment(b" top");
        assert_eq!(walk.aad(), b":");
        walk.value(b"a");
        assert_eq!(walk.aad(), b"a:");
        walk.enter(true, b"l");
        walk.value(b"");
        assert_eq!(walk.aad(), b"l:");
        walk.enter(false, b"");
        walk.value(b"k");
        assert_eq!(walk.aad(), b"l:k:");
        walk.comment(b" in");
        assert_eq!(walk.aad(), b"l:");
        walk.leave();
        walk.leave();
        walk.value(b"");
        assert_eq!(walk.aad(), b":");
        walk.enter(false, b"a");
        walk.value(b"");
        assert_eq!(walk.aad(), b"a::");
    }

    #[test]
    fn a_name_decides_over_all_under_it() {
        let rules = rules("encrypted_regex", "^pass");
        let mut walk = Walk::new(&rules);
        walk.enter(false, b"");
        assert!(!walk.value(b"user"));
        assert!(walk.value(b"password"));
        walk.enter(false, b"passes");
        assert!(walk.value(b"x"));
        assert!(walk.comment(b" x"));
        walk.leave();
        assert!(!walk.comment(b" x"));
        assert!(!walk.value(b"x"));
    }

    #[test]
    fn an_encrypting_comment_covers_what_is_under_it_but_not_itself() {
        let rules = rules("encrypted_comment_regex", "sops:enc");
        let mut walk = Walk::new(&rules);
        walk.enter(false, b"");
        assert!(!walk.value(b"a"));
        walk.done();
        assert!(!walk.comment(b" sops:enc"));
        assert!(walk.comment(b" second"));
        walk.enter(false, b"b");
        assert!(walk.value(b"x"));
        walk.done();
        assert!(walk.value(b"y"));
        walk.done();
        // however deep
        for list in [false, true, false] {
            walk.enter(list, b"d");
        }
        assert!(walk.value(b"z"));
        walk.done();
        assert!(walk.comment(b" inside"));
        for _ in 0..3 {
            walk.leave();
        }
        assert!(walk.value(b"e"));
        walk.done();
        walk.leave();
        assert!(!walk.value(b"c"));
    }

    #[test]
    fn a_clearing_comment_covers_itself() {
        let rules = rules("unencrypted_comment_regex", "public");
        let mut walk = Walk::new(&rules);
        walk.enter(false, b"");
        assert!(walk.comment(b" first"));
        assert!(!walk.comment(b" public"));
        assert!(!walk.value(b"a"));
        walk.done();
        assert!(walk.value(b"b"));
    }
}
