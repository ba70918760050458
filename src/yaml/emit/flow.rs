//! Lists and maps in brackets: what is written at each item, key and value, and where commas go.

use crate::error::Result;
use crate::yaml::emit::{Emitter, Last, Role, Slots};
use crate::yaml::node::NodeId;

impl Emitter<'_, '_> {
    pub(super) fn flow_item(&mut self, item: Option<NodeId>) -> Result<()> {
        let Some(item) = item else {
            self.announce_end();
            self.close();
            if self.page.column() == 0 {
                self.page.indent_line();
            }
            self.page.indicator("]", false);
            self.line_and_foot();
            return Ok(());
        };
        self.announce(item, "");
        self.comma_between();
        self.head();
        if self.page.column() == 0 {
            self.page.indent_line();
        }
        self.flow_word(item, Role::Item)
    }

    pub(super) fn flow_key(&mut self, pair: Option<(NodeId, NodeId)>) -> Result<()> {
        let Some((key, value)) = pair else {
            self.end_flow_map();
            return Ok(());
        };
        let tail = self.next_tail(key);
        self.announce_key(key, tail);
        self.comma_between();
        self.head();
        if self.page.column() == 0 {
            self.page.indent_line();
        }
        let simple = self.is_simple_key(key)?;
        self.value_follows(value, simple);
        if !simple {
            self.page.indicator("?", true);
        }
        self.start(key, Role::Key { simple })
    }

    pub(super) fn end_flow_map(&mut self) {
        self.announce_end();
        let waiting = [self.slots.head, self.slots.foot, self.slots.tail].iter().any(|slot| !slot.is_empty());
        if waiting && self.frames.last().is_some_and(|frame| frame.last == Last::Item) {
            self.page.indicator(",", false);
        }
        self.head();
        self.close();
        self.page.indicator("}", false);
        self.line_and_foot();
    }

    pub(super) fn flow_value(&mut self, value: NodeId, simple: bool) -> Result<()> {
        self.announce(value, "");
        self.page.indicator(":", !simple);
        self.flow_word(value, Role::Value)
    }

    /// An item or value, with the comma before its comments where it has some.
    pub(super) fn flow_word(&mut self, id: NodeId, role: Role) -> Result<()> {
        let waiting =
            |slots: &Slots<'_>| !(slots.line.is_empty() && slots.foot.is_empty() && slots.tail.is_empty());
        if let Some(frame) = self.frames.last_mut() {
            frame.last = if waiting(&self.slots) { Last::Comma } else { Last::Item };
        }
        self.start(id, role)?;
        if waiting(&self.slots) {
            self.page.indicator(",", false);
        }
        self.line_and_foot();
        Ok(())
    }

    pub(super) fn comma_between(&mut self) {
        let Some(frame) = self.frames.last_mut() else { return };
        if frame.last == Last::Item {
            self.page.indicator(",", false);
        }
        frame.last = Last::Item;
    }
}
