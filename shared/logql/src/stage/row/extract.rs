//! [`Extract`]: what a parser stage sees of a line; [`Wanted`]: which labels are worth extracting.
//!
//! A parser walks the line and offers keys; here is decided whether a key becomes a label, and
//! which (spec `logql.md` §5: the first extraction wins, and a name that the stream or the line's
//! metadata has becomes `name_extracted`).

use std::ops::Range;

use super::labels::LabelsMark;
use super::{Buffers, Category, ErrorText, LineAt, NameId, Names, Row, RowError, RowLabels, Value};

/// Which labels the rest of the query reads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    /// By name, for names that the query has; `None` where every label is wanted.
    names: Option<Vec<bool>>,
    /// The same names, each once.
    ids: Vec<NameId>,
}

impl Wanted {
    /// Every label.
    pub(crate) const ALL: Self = Self {
        names: None,
        ids: Vec::new(),
    };

    /// Only these labels.
    pub(crate) fn only<'a>(wanted: impl IntoIterator<Item = &'a str>, names: &mut Names) -> Self {
        let mut ids = Vec::new();
        for name in wanted {
            ids.push(names.id(name));
            // A key called `x` can be what the label `x_extracted` is made of.
            ids.extend(name.strip_suffix("_extracted").map(|name| names.id(name)));
        }
        ids.sort_unstable();
        ids.dedup();
        let mut by_name = vec![false; names.len()];
        ids.iter().for_each(|id| by_name[id.place()] = true);
        Self {
            names: Some(by_name),
            ids,
        }
    }

    /// Whether no label is wanted at all, so that parsers need not run.
    pub(crate) fn is_nothing(&self) -> bool {
        self.names.is_some() && self.ids.is_empty()
    }

    /// Whether a label of this name is wanted.
    pub(crate) fn holds(&self, name: NameId) -> bool {
        match &self.names {
            None => true,
            Some(names) => names.get(name.place()).copied().unwrap_or_default(),
        }
    }
}

/// The labels extracted so far, to go back to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    labels: LabelsMark,
    found: usize,
}

/// A line that is being parsed, and where its labels go.
pub(crate) struct Extract<'m> {
    names: &'m mut Names,
    labels: &'m mut RowLabels,
    buffers: &'m mut Buffers,
    error: (&'m mut Option<ErrorText>, &'m mut Option<ErrorText>),
    found: &'m mut usize,
    wanted: &'m Wanted,
    /// Where the line's first byte lies, and in which buffer.
    base: u32,
    in_chunk: bool,
}

impl Row<'_> {
    /// Lets a parser walk the line.
    pub(crate) fn extract(&mut self, wanted: &Wanted, parse: impl FnOnce(&[u8], &mut Extract<'_>)) {
        let batch = self.batch;
        let machine = &mut *self.machine;
        // Taken out, so that the line can be read while labels are written.
        let written = std::mem::take(&mut machine.buffers.written);
        let (line, base) = match &machine.line {
            LineAt::Chunk => (batch.lines.line(self.at), batch.lines.start(self.at)),
            LineAt::Written(place) => (&written[place.clone()], place.start),
        };
        let mut extract = Extract {
            names: &mut machine.names,
            labels: &mut machine.labels,
            buffers: &mut machine.buffers,
            error: (&mut machine.error, &mut machine.details),
            found: &mut machine.found,
            wanted,
            base: base as u32,
            in_chunk: machine.line == LineAt::Chunk,
        };
        parse(line, &mut extract);
        machine.buffers.written = written;
    }
}

impl Extract<'_> {
    /// The label that a key of the line becomes; `None` where it becomes none: nothing of the key
    /// is left as a name, nobody wants it, or it was extracted before.
    pub(crate) fn key(&mut self, key: &[u8]) -> Option<NameId> {
        let name = self.names.of_key(key)?;
        self.name(name)
    }

    /// The name that a key of the line has as a label, whether or not it becomes one.
    pub(crate) fn id(&mut self, key: &[u8]) -> Option<NameId> {
        self.names.of_key(key)
    }

    /// As [`Extract::key`], for a name that needs no sanitising.
    pub(crate) fn name(&mut self, name: NameId) -> Option<NameId> {
        if !self.wanted.holds(name) {
            return None;
        }
        let name = self.target(name);
        match self.labels.get(name) {
            Some((Category::Parsed, _)) => None,
            _ => Some(name),
        }
    }

    /// The name under which a value called `name` is extracted, whether or not it was before.
    pub(crate) fn target(&mut self, name: NameId) -> NameId {
        let is_metadata = matches!(self.labels.get(name), Some((Category::Metadata, _)));
        if is_metadata || self.labels.stream_has(name) {
            self.names.extracted(name)
        } else {
            name
        }
    }

    /// Whether the query reads a label of this name.
    pub(crate) fn wants(&self, name: NameId) -> bool {
        self.wanted.holds(name)
    }

    /// Whether the query reads a label whose name begins with what this key becomes, and `_`; or
    /// is just that.
    pub(crate) fn wants_below(&mut self, prefix: &[u8]) -> bool {
        let wanted = self.wanted;
        if wanted.names.is_none() {
            return true;
        }
        let Some(prefix) = self.names.of_key(prefix) else {
            return true;
        };
        let prefix = self.names.text(prefix);
        wanted.ids.iter().any(|name| {
            let rest = self.names.text(*name).strip_prefix(prefix);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
        })
    }

    /// Whether the line has a label of this name by now.
    pub(crate) fn has(&self, name: NameId) -> bool {
        self.labels.get(name).is_some()
    }

    /// Makes a label of a part of the line.
    pub(crate) fn put_part(&mut self, name: NameId, part: Range<usize>) {
        let (start, len) = (self.base + part.start as u32, part.len() as u32);
        let value = match self.in_chunk {
            true => Value::Chunk { start, len },
            false => Value::Written { start, len },
        };
        self.put(name, value);
    }

    /// Makes a label of a text that is no part of the line.
    pub(crate) fn put_text(&mut self, name: NameId, text: &[u8]) {
        let value = self.buffers.keep(text);
        self.put(name, value);
    }

    fn put(&mut self, name: NameId, value: Value) {
        *self.found += usize::from(self.wanted.holds(name));
        self.labels.set(name, Category::Parsed, value);
    }

    /// The labels as they are now.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            labels: self.labels.mark(),
            found: *self.found,
        }
    }

    /// Takes back the labels that were made since.
    pub(crate) fn undo(&mut self, mark: Mark) {
        self.labels.undo(mark.labels);
        *self.found = mark.found;
    }

    /// Whether every label that the query names has been extracted, so that the rest of the line
    /// does not matter.
    pub(crate) fn is_complete(&self) -> bool {
        let wanted = self.wanted;
        // Labels may have been written twice or removed since, so numbers alone do not tell.
        wanted.names.is_some()
            && *self.found >= wanted.ids.len()
            && wanted
                .ids
                .iter()
                .all(|name| matches!(self.labels.get(*name), Some((Category::Parsed, _))))
    }

    /// Notes what is wrong with the line; labels that were extracted before stay.
    pub(crate) fn fail(&mut self, error: RowError, details: &str) {
        *self.error.0 = Some(ErrorText::Known(error));
        let value = self.buffers.keep(details.as_bytes());
        *self.error.1 = (!details.is_empty()).then_some(ErrorText::Stored(value));
    }
}
