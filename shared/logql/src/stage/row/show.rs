//! What a line shows of its labels once the stages are done: by category for a log answer, sorted
//! for templates, as the key of a series for a metric answer.

use narvi_model::Labels;

use super::{Category, NameId, Row};
use crate::metric::SeriesKey;

/// The labels of a line by where they come from.
#[derive(Debug)]
pub(crate) struct Shown {
    /// The stream's, without those that were removed or are hidden.
    pub(crate) stream: Labels,
    /// Structured metadata.
    pub(crate) metadata: Labels,
    /// What stages made, and the error if there is one.
    pub(crate) parsed: Labels,
}

impl Row<'_> {
    /// The labels by category.
    pub(crate) fn shown(&self) -> Shown {
        Shown {
            stream: self.stream_labels(),
            metadata: Labels::from_pairs(self.own(Category::Metadata)),
            parsed: Labels::from_pairs(self.own(Category::Parsed).chain(self.error_labels())),
        }
    }

    /// All labels in one, sorted by name.
    pub(crate) fn labels(&self) -> Labels {
        self.labels_of(&SeriesKey::All)
    }

    /// The labels that a key holds, in one; an error is a label as well.
    pub(crate) fn labels_of(&self, key: &SeriesKey) -> Labels {
        let stream = self.stream_labels();
        let own = self
            .own(Category::Metadata)
            .chain(self.own(Category::Parsed));
        let own = own.chain(self.error_labels());
        let stream = stream.iter().map(|(name, value)| (name, value.to_owned()));
        Labels::from_pairs(stream.chain(own).filter(|(name, _)| key.holds(name)))
    }

    fn stream_labels(&self) -> Labels {
        let machine = &*self.machine;
        let stream = &self.batch.stream;
        if !machine.labels.hides_stream() {
            return stream.clone();
        }
        let hidden = |name: &str| {
            let slots = machine.labels.slots().iter();
            slots
                .map(|slot| slot.name)
                .any(|id| machine.names.text(id) == name)
        };
        stream.filter(|name| !hidden(name))
    }

    /// The labels above the stream's of one category, in the order of writing.
    fn own(&self, category: Category) -> impl Iterator<Item = (&str, String)> {
        let slots = self.machine.labels.slots().iter();
        slots.filter_map(move |slot| {
            let value = slot.value.filter(|_| slot.category == category)?;
            Some((self.machine.names.text(slot.name), self.readable(value)))
        })
    }

    fn readable(&self, value: super::Value) -> String {
        String::from_utf8_lossy(self.text(value)).into_owned()
    }

    /// `__error__` and what it says. What a dropped error said stays where the line has labels of
    /// its own, as in Loki.
    fn error_labels(&self) -> impl Iterator<Item = (&str, String)> {
        let has_own = self.own(Category::Parsed).next().is_some();
        let ids = [
            Some(NameId::ERROR),
            Some(NameId::DETAILS).filter(|_| self.has_error() || has_own),
        ];
        ids.into_iter().flatten().filter_map(|id| {
            let text = String::from_utf8_lossy(self.get(id)?).into_owned();
            Some((self.machine.names.text(id), text))
        })
    }

    /// Appends what tells the line's series from those of other lines of the chunk: the same bytes
    /// for the same labels.
    pub(crate) fn write_key(&self, key: &RowKey, out: &mut Vec<u8>) {
        let write = |out: &mut Vec<u8>, id: NameId, value: &[u8]| {
            out.extend_from_slice(&(id.place() as u32).to_le_bytes());
            out.extend_from_slice(&(value.len() as u32).to_le_bytes());
            out.extend_from_slice(value);
        };
        match key {
            RowKey::By(ids) => {
                for &id in ids {
                    if let Some(value) = self.get(id) {
                        write(out, id, value);
                    }
                }
            }
            RowKey::Without(ids) => {
                let mut order: Vec<_> = self.machine.labels.slots().to_vec();
                order.sort_unstable_by_key(|slot| slot.name);
                for slot in order.iter().filter(|slot| !ids.contains(&slot.name)) {
                    match slot.value {
                        Some(value) => write(out, slot.name, self.text(value)),
                        // A removed label of the stream tells series apart as well.
                        None => write(out, slot.name, &[0xFF]),
                    }
                }
            }
        }
        if self.has_error() {
            for id in [NameId::ERROR, NameId::DETAILS] {
                write(out, id, self.get(id).unwrap_or_default());
            }
        }
    }
}

/// A [`SeriesKey`] with its names resolved.
#[derive(Debug)]
pub(crate) enum RowKey {
    /// Only these.
    By(Vec<NameId>),
    /// Every label but these.
    Without(Vec<NameId>),
}
