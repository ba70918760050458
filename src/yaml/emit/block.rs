//! Lists with dashes and maps with a key a line: what is written at each item, key and value.

use std::mem::take;

use crate::error::Result;
use crate::yaml::emit::{Emitter, Role};
use crate::yaml::node::{Kind, NodeId, Style};

impl Emitter<'_, '_> {
    pub(super) fn block_item(&mut self, item: Option<NodeId>) -> Result<()> {
        let Some(item) = item else {
            self.announce_end();
            self.close();
            return Ok(());
        };
        self.announce(item, "");
        self.began();
        self.head();
        self.page.indent_line();
        self.page.indenting("-");
        self.start(item, Role::Item)?;
        self.line_and_foot();
        Ok(())
    }

    pub(super) fn block_key(&mut self, pair: Option<(NodeId, NodeId)>) -> Result<()> {
        let Some((key, value)) = pair else {
            self.announce_end();
            self.head();
            self.close();
            return Ok(());
        };
        let tail = self.next_tail(key);
        self.announce_key(key, tail);
        self.began();
        self.head();
        self.page.indent_line();
        if !self.slots.line.is_empty() {
            self.slots.key_line = take(&mut self.slots.line);
        }
        let simple = self.is_simple_key(key)?;
        self.value_follows(value, simple);
        if !simple {
            self.page.indenting("?");
        }
        self.start(key, Role::Key { simple })
    }

    pub(super) fn block_value(&mut self, value: NodeId, simple: bool) -> Result<()> {
        self.announce(value, "");
        if simple {
            self.page.indicator(":", false);
        } else {
            self.page.indent_line();
            self.page.indenting(":");
        }
        if !self.slots.key_line.is_empty() {
            self.place_key_line(value);
        }
        self.start(value, Role::Value)?;
        self.line_and_foot();
        Ok(())
    }

    /// A key's line comment goes behind its scalar value, or in front of a collection that starts on the next
    /// line. Else it waits.
    pub(super) fn place_key_line(&mut self, value: NodeId) {
        let node = self.tree.node(value);
        match node.kind {
            Kind::Scalar if self.slots.line.is_empty() => self.slots.line = take(&mut self.slots.key_line),
            Kind::Sequence | Kind::Mapping if node.style != Style::Flow => {
                self.page.comment_behind(take(&mut self.slots.key_line));
            }
            _ => {}
        }
    }
}
