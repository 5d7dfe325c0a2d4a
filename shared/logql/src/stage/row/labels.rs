//! [`RowLabels`]: the labels of one line on its way through the stages.
//!
//! A label is the stream's, structured metadata or made by a stage ([`Category`]); a name lives in
//! one of them at a time, and the later wins (spec `logql.md` §5). The stream's labels are set once
//! a chunk; a line adds [`Slot`]s above them. Values are places ([`Value`]), not copies.

use super::names::NameId;

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Category {
    /// The stream, as it was stored.
    Stream,
    /// The line's structured metadata.
    Metadata,
    /// A stage.
    Parsed,
}

/// Where the text of a value lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// In the lines of the chunk.
    Chunk {
        /// Offset of the first byte.
        start: u32,
        /// Number of bytes.
        len: u32,
    },
    /// In lines that stages wrote.
    Written {
        /// Offset of the first byte.
        start: u32,
        /// Number of bytes.
        len: u32,
    },
    /// In what stages made beside lines.
    Arena {
        /// Offset of the first byte.
        start: u32,
        /// Number of bytes.
        len: u32,
    },
    /// The stream's label at a place.
    Stream(u32),
    /// The column of structured metadata at a place.
    Metadata(u32),
}

/// A label that is not simply the stream's.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slot {
    /// Its name.
    pub(crate) name: NameId,
    /// What it is; never `Stream`.
    pub(crate) category: Category,
    /// Its value; `None` where the label was removed.
    pub(crate) value: Option<Value>,
}

/// The labels of one line.
#[derive(Clone, Debug, Default)]
pub(crate) struct RowLabels {
    /// By name: 1 + the place of the stream's label, or 0.
    stream: Vec<u32>,
    /// The names of the stream's labels, by place.
    stream_names: Vec<NameId>,
    /// By name: the line that last wrote a slot, and the slot's place.
    places: Vec<(u64, u32)>,
    slots: Vec<Slot>,
    line: u64,
    /// Whether a label of the stream is hidden by a slot.
    hides_stream: bool,
    /// What slots were before they were written again, and where, in the order of writing.
    replaced: Vec<(u32, Slot)>,
}

/// The labels of a line at a moment, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LabelsMark {
    slots: usize,
    replaced: usize,
}

impl RowLabels {
    /// Begins a chunk whose stream has these labels, in the order of their places.
    pub(crate) fn start_chunk(&mut self, stream: impl Iterator<Item = NameId>) {
        self.stream.fill(0);
        self.stream_names.clear();
        for (place, name) in stream.enumerate() {
            if self.stream.len() <= name.place() {
                self.stream.resize(name.place() + 1, 0);
            }
            self.stream[name.place()] = place as u32 + 1;
            self.stream_names.push(name);
        }
    }

    /// Begins a line.
    pub(crate) fn start_line(&mut self) {
        self.line += 1;
        self.slots.clear();
        self.replaced.clear();
        self.hides_stream = false;
    }

    /// Forgets every name.
    pub(crate) fn forget(&mut self) {
        self.stream.clear();
        self.stream_names.clear();
        self.places.clear();
        self.start_line();
    }

    /// The names of the stream's labels, by place; removed and hidden ones too.
    pub(crate) fn stream_names(&self) -> &[NameId] {
        &self.stream_names
    }

    /// Whether the stream has the name, removed or not.
    pub(crate) fn stream_has(&self, name: NameId) -> bool {
        self.stream.get(name.place()).is_some_and(|&at| at > 0)
    }

    fn slot(&self, name: NameId) -> Option<usize> {
        let &(line, place) = self.places.get(name.place())?;
        (line == self.line).then_some(place as usize)
    }

    /// The label of a name.
    pub(crate) fn get(&self, name: NameId) -> Option<(Category, Value)> {
        if let Some(place) = self.slot(name) {
            let slot = &self.slots[place];
            return Some((slot.category, slot.value?));
        }
        let place = self.stream.get(name.place())?.checked_sub(1)?;
        Some((Category::Stream, Value::Stream(place)))
    }

    /// Writes a label, whatever it was before.
    pub(crate) fn set(&mut self, name: NameId, category: Category, value: Value) {
        self.write(Slot {
            name,
            category,
            value: Some(value),
        });
    }

    /// Removes a label.
    pub(crate) fn remove(&mut self, name: NameId) {
        if self.get(name).is_some() {
            self.write(Slot {
                name,
                category: Category::Parsed,
                value: None,
            });
        }
    }

    fn write(&mut self, slot: Slot) {
        let name = slot.name;
        if let Some(place) = self.slot(name) {
            let before = std::mem::replace(&mut self.slots[place], slot);
            self.replaced.push((place as u32, before));
            return;
        }
        if self.places.len() <= name.place() {
            self.places.resize(name.place() + 1, (0, 0));
        }
        self.places[name.place()] = (self.line, self.slots.len() as u32);
        self.hides_stream |= self.stream_has(name);
        self.slots.push(slot);
    }

    /// The labels as they are now.
    pub(crate) fn mark(&self) -> LabelsMark {
        LabelsMark {
            slots: self.slots.len(),
            replaced: self.replaced.len(),
        }
    }

    /// Takes back what was written since.
    pub(crate) fn undo(&mut self, mark: LabelsMark) {
        for (place, before) in self.replaced.drain(mark.replaced..).rev() {
            self.slots[place as usize] = before;
        }
        for slot in self.slots.drain(mark.slots..) {
            self.places[slot.name.place()] = (0, 0);
        }
    }

    /// Everything above the stream's labels, in the order of first writing; removed ones too.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Whether any label of the stream is removed or hidden.
    pub(crate) fn hides_stream(&self) -> bool {
        self.hides_stream
    }

    /// Whether a label of the stream shows as it is.
    pub(crate) fn shows_stream(&self, name: NameId) -> bool {
        self.slot(name).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stage::Names;

    #[test]
    fn what_was_written_can_be_taken_back() {
        let mut names = Names::default();
        let [a, b, c] = ["a", "b", "c"].map(|name| names.id(name));
        let mut labels = RowLabels::default();
        labels.start_chunk([a].into_iter());
        labels.start_line();
        labels.set(b, Category::Metadata, Value::Metadata(0));
        let mark = labels.mark();
        for _ in 0..2 {
            labels.set(a, Category::Parsed, Value::Metadata(1));
            labels.set(b, Category::Parsed, Value::Metadata(2));
            labels.set(c, Category::Parsed, Value::Metadata(3));
            labels.remove(c);
            labels.undo(mark);
            assert_eq!(labels.get(a), Some((Category::Stream, Value::Stream(0))));
            assert_eq!(
                labels.get(b),
                Some((Category::Metadata, Value::Metadata(0)))
            );
            assert_eq!(labels.get(c), None);
            assert_eq!(labels.slots().len(), 1);
        }
    }
}
