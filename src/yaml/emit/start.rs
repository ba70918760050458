//! The first word of a node: anchor, tag, and a scalar's text or an alias' name.

use crate::error::{Error, Result};
use crate::yaml::emit::scalar::{self, Place};
use crate::yaml::emit::{Emitter, Frame, Items, Last, Role, analyse, analysis};
use crate::yaml::node::{Kind, NodeId, Style};

/// A key longer than this is written behind a `?`.
const SIMPLE_KEY: usize = 128;

impl<'t, 'a> Emitter<'t, 'a> {
    pub(super) fn is_simple_key(&self, id: NodeId) -> Result<bool> {
        let node = self.tree.node(id);
        let text = match node.kind {
            Kind::Scalar if has_break(&node.text) => return Ok(false),
            Kind::Scalar | Kind::Alias => node.text.len(),
            _ if self.tree.children(id).next().is_some() => return Ok(false),
            _ => 0,
        };
        let tag = match self.tag(id) {
            Some(tag) => split_tag(tag)?,
            None => ("", String::new()),
        };
        let anchor = self.tree.anchor(id).map_or(0, str::len);
        Ok(anchor + tag.0.len() + tag.1.len() + text <= SIMPLE_KEY)
    }

    /// The tag that is written: the explicit one, and always that of a merge key.
    pub(super) fn tag(&self, id: NodeId) -> Option<&'t str> {
        let node = self.tree.node(id);
        let merge = node.kind == Kind::Scalar && node.style == Style::Plain && node.text == "<<";
        self.tree.tag(id).or(merge.then_some("!!merge"))
    }

    /// Writes a node, or the anchor and tag of a collection, whose items follow step by step.
    pub(super) fn start(&mut self, id: NodeId, role: Role) -> Result<()> {
        let node = self.tree.node(id);
        if node.kind == Kind::Alias {
            return self.anchor("*", &node.text);
        }
        if let Some(name) = self.tree.anchor(id) {
            self.anchor("&", name)?;
        }
        let tag = self.tag(id);
        match node.kind {
            Kind::Scalar => return self.scalar(id, tag, role),
            Kind::Sequence => {
                self.write_tag(tag)?;
                let items = Items::List(self.tree.children(id));
                self.push(id, items, role);
            }
            _ => {
                self.write_tag(tag)?;
                let items = Items::Map(self.tree.pairs(id), "", None);
                self.push(id, items, role);
            }
        }
        Ok(())
    }

    pub(super) fn push(&mut self, id: NodeId, items: Items<'t, 'a>, role: Role) {
        let empty = self.tree.children(id).next().is_none();
        let flow = self.flow_depth > 0 || empty || self.tree.node(id).style == Style::Flow;
        let is_key = matches!(role, Role::Key { .. });
        self.frames.push(Frame { id, items, flow, last: Last::Nothing, is_key, outer: None });
    }

    pub(super) fn scalar(&mut self, id: NodeId, tag: Option<&str>, role: Role) -> Result<()> {
        let node = self.tree.node(id);
        let seen = analyse(&node.text);
        let place =
            Place { flow: self.flow_depth > 0, simple_key: matches!(role, Role::Key { simple: true }) };
        // go-yaml asks for a literal wherever a text of several lines has no quotes
        let wanted = match node.style {
            Style::Plain | Style::Flow if seen.multiline && node.text.contains('\n') => Style::Literal,
            style => style,
        };
        let style = scalar::choose(wanted, &node.text, seen, place);
        self.write_tag(tag)?;
        let outer = self.page.enter(true, self.in_block_list(0));
        scalar::write(&mut self.page, &node.text, style, &mut self.slots.line);
        self.page.leave(outer);
        Ok(())
    }

    pub(super) fn anchor(&mut self, indicator: &str, name: &str) -> Result<()> {
        if name.is_empty() || !name.bytes().all(is_alpha) {
            return Err(Error::new("an anchor's name may have letters, digits, '-' and '_' only"));
        }
        self.page.indicator(indicator, true);
        self.page.raw(name);
        Ok(())
    }

    pub(super) fn write_tag(&mut self, tag: Option<&str>) -> Result<()> {
        let Some(tag) = tag else { return Ok(()) };
        let (handle, suffix) = split_tag(tag)?;
        if handle.is_empty() {
            self.page.word("!<");
            self.tag_text(&suffix);
            self.page.raw(">");
        } else {
            self.page.word(handle);
            self.tag_text(&suffix);
        }
        Ok(())
    }

    pub(super) fn tag_text(&mut self, text: &str) {
        for byte in text.bytes() {
            if is_alpha(byte) || b";/?:@&=+$,_.~*'()[]".contains(&byte) {
                self.page.raw(char::from(byte).encode_utf8(&mut [0; 4]));
            } else {
                self.page.raw(&format!("%{byte:02X}"));
            }
        }
    }
}

/// Handle and suffix of a tag: `!!` and `int`, `!` and `mine`, or none and the whole.
fn split_tag(tag: &str) -> Result<(&'static str, String)> {
    const LONG: &str = "tag:yaml.org,2002:";
    let long = match tag.strip_prefix("!!") {
        Some(short) => format!("{LONG}{short}"),
        None => tag.to_owned(),
    };
    if long.is_empty() {
        return Err(Error::new("a tag may not be empty"));
    }
    for (handle, prefix) in [("!", "!"), ("!!", LONG)] {
        if let Some(suffix) = long.strip_prefix(prefix).filter(|suffix| !suffix.is_empty()) {
            return Ok((handle, suffix.to_owned()));
        }
    }
    Ok(("", long))
}

fn is_alpha(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

fn has_break(text: &str) -> bool {
    let rare = |byte: u8| !(b' '..0x80).contains(&byte);
    text.bytes().any(rare) && text.contains(analysis::is_break)
}
