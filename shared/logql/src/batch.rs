//! [`Batch`]: one decoded chunk on its way through a pipeline; the unit of all evaluation.
//!
//! Columns are whole: [`LineColumn`] is one buffer, so that one search runs over all lines at once.
//! Stages shrink the [`Selection`]; they never move rows. Where a batch comes from is not known
//! here.

use std::ops::Range;

use narvi_model::Labels;

/// Every line of a chunk in one buffer, each followed by one `\n`.
#[derive(Clone, Debug, Default)]
pub struct LineColumn {
    /// The lines and their separators.
    pub bytes: Vec<u8>,
    /// Offset of the separator behind each line.
    pub ends: Vec<u32>,
    /// Whether a line holds `\n` itself, so that a separator is not the only one.
    pub has_newlines: bool,
}

impl LineColumn {
    /// Offset of the first byte of a line.
    #[must_use]
    pub fn start(&self, row: u32) -> usize {
        row.checked_sub(1)
            .map_or(0, |before| self.ends[before as usize] as usize + 1)
    }

    /// Offset of the separator behind a line.
    #[must_use]
    pub fn end(&self, row: u32) -> usize {
        self.ends[row as usize] as usize
    }

    /// A line without its separator.
    #[must_use]
    pub fn line(&self, row: u32) -> &[u8] {
        &self.bytes[self.start(row)..self.end(row)]
    }

    /// The row that holds `offset`, which lies at or behind the start of row `from`.
    ///
    /// Gallops, so that near hits cost little and far ones the logarithm of the distance.
    #[must_use]
    pub fn row_at(&self, offset: usize, from: u32) -> u32 {
        let ends = &self.ends[from as usize..];
        let mut bound = 1;
        while bound < ends.len() && (ends[bound - 1] as usize) < offset {
            bound *= 2;
        }
        let near = &ends[..bound.min(ends.len())];
        from + near.partition_point(|&end| (end as usize) < offset) as u32
    }
}

/// Distinct texts, one behind the other.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    /// All of them.
    pub text: String,
    /// Offset of the end of each.
    pub ends: Vec<u32>,
}

impl Texts {
    /// The text at a place.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&str> {
        let start = match place.checked_sub(1) {
            Some(before) => *self.ends.get(before)? as usize,
            None => 0,
        };
        self.text.get(start..*self.ends.get(place)? as usize)
    }
}

impl<'a> FromIterator<&'a str> for Texts {
    fn from_iter<T: IntoIterator<Item = &'a str>>(texts: T) -> Self {
        let mut all = Self::default();
        for text in texts {
            all.text.push_str(text);
            all.ends.push(all.text.len() as u32);
        }
        all
    }
}

/// One name of structured metadata over all rows of a chunk.
#[derive(Clone, Debug)]
pub struct MetadataColumn {
    /// The name.
    pub name: Box<str>,
    /// The distinct values.
    pub values: Texts,
    /// For each row 0 where the name is absent, else 1 + the place of its value.
    pub refs: Vec<u32>,
}

impl MetadataColumn {
    /// The value in `row`.
    #[must_use]
    pub fn value(&self, row: u32) -> Option<&str> {
        let place = self.refs[row as usize].checked_sub(1)?;
        self.values.get(place as usize)
    }
}

/// The rows that are still in play, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// A run of rows, all of them.
    Run(Range<u32>),
    /// Some rows.
    Rows(Vec<u32>),
}

impl Selection {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Run(run) => run.len(),
            Self::Rows(rows) => rows.len(),
        }
    }

    /// Whether no row is left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The row at `place` in ascending order.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<u32> {
        match self {
            Self::Run(run) => {
                let row = run.start + u32::try_from(place).ok()?;
                run.contains(&row).then_some(row)
            }
            Self::Rows(rows) => rows.get(place).copied(),
        }
    }

    /// The rows, ascending.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u32> + '_ {
        // One of the two is empty, so that both kinds walk as one type.
        let (run, rows) = match self {
            Self::Run(run) => (run.clone(), [].as_slice()),
            Self::Rows(rows) => (0..0, rows.as_slice()),
        };
        run.chain(rows.iter().copied())
    }

    /// Keeps the rows for which `keep` says true.
    pub fn retain(&mut self, mut keep: impl FnMut(u32) -> bool) {
        match self {
            Self::Run(run) => *self = Self::Rows(run.clone().filter(|&row| keep(row)).collect()),
            Self::Rows(rows) => rows.retain(|&row| keep(row)),
        }
    }

    /// Drops `gone`, which is ascending.
    pub fn subtract(&mut self, gone: &[u32]) {
        if gone.is_empty() {
            return;
        }
        let mut gone = gone.iter().copied().peekable();
        self.retain(|row| {
            while gone.next_if(|&other| other < row).is_some() {}
            gone.peek() != Some(&row)
        });
    }
}

/// One decoded chunk. Columns that the plan does not need are empty.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The labels of the stream.
    pub stream: Labels,
    /// Nanoseconds, ascending; one for each row.
    pub timestamps: Vec<i64>,
    /// Bytes of each line, where the lines themselves were not decoded.
    pub lengths: Vec<u32>,
    /// The lines.
    pub lines: LineColumn,
    /// Structured metadata, by name.
    pub metadata: Vec<MetadataColumn>,
    /// The rows still in play.
    pub selection: Selection,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            stream: Labels::empty(),
            timestamps: Vec::new(),
            lengths: Vec::new(),
            lines: LineColumn::default(),
            metadata: Vec::new(),
            selection: Selection::Run(0..0),
        }
    }
}

impl Batch {
    /// Number of rows, selected or not.
    #[must_use]
    pub fn rows(&self) -> u32 {
        self.timestamps.len() as u32
    }

    /// Bytes of the line in `row`.
    #[must_use]
    pub fn line_len(&self, row: u32) -> u64 {
        match self.lengths.get(row as usize) {
            Some(len) => u64::from(*len),
            None => (self.lines.end(row) - self.lines.start(row)) as u64,
        }
    }

    /// Keeps the rows from `start` on that are before `end` (nanoseconds).
    pub fn clip(&mut self, start: i64, end: i64) {
        let first = self.timestamps.partition_point(|&time| time < start) as u32;
        let last = self.timestamps.partition_point(|&time| time < end) as u32;
        match &mut self.selection {
            Selection::Run(run) => *run = run.start.max(first)..run.end.min(last).max(first),
            Selection::Rows(rows) => rows.retain(|&row| first <= row && row < last),
        }
    }

    /// Structured metadata of `row` as labels of a result: a name that the stream has as well
    /// becomes `name_extracted` (spec `logql.md` §5).
    #[must_use]
    pub fn own_metadata(&self, row: u32) -> Labels {
        if self.metadata.is_empty() {
            return Labels::empty();
        }
        let present = self
            .metadata
            .iter()
            .filter_map(|column| Some((column, column.value(row)?)));
        Labels::from_pairs(present.map(|(column, value)| (self.metadata_name(&column.name), value)))
    }

    /// The label name under which metadata called `name` shows.
    #[must_use]
    pub fn metadata_name(&self, name: &str) -> String {
        match self.stream.get(name) {
            Some(_) => format!("{name}_extracted"),
            None => name.to_owned(),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A batch of lines at 1 ns, 2 ns, …
    pub(crate) fn batch(lines: &[impl AsRef<[u8]>]) -> Batch {
        let mut column = LineColumn::default();
        for line in lines.iter().map(AsRef::as_ref) {
            column.has_newlines |= line.contains(&b'\n');
            column.bytes.extend_from_slice(line);
            column.ends.push(column.bytes.len() as u32);
            column.bytes.push(b'\n');
        }
        Batch {
            timestamps: (1..=lines.len() as i64).collect(),
            lines: column,
            selection: Selection::Run(0..lines.len() as u32),
            ..Batch::default()
        }
    }

    #[test]
    fn rows_are_found_from_offsets() {
        let batch = batch(&["ab", "", "cde", "f"]);
        for row in 0..4 {
            for from in 0..=row {
                for offset in batch.lines.start(row)..=batch.lines.end(row) {
                    assert_eq!(batch.lines.row_at(offset, from), row);
                }
            }
        }
    }

    #[test]
    fn clipping_and_subtracting() {
        let mut batch = batch(&["a", "b", "c", "d", "e"]);
        batch.clip(2, 5);
        assert_eq!(batch.selection, Selection::Run(1..4));
        batch.selection.subtract(&[0, 2]);
        assert_eq!(batch.selection, Selection::Rows(vec![1, 3]));
        batch.clip(3, 9);
        assert_eq!(batch.selection.iter().collect::<Vec<_>>(), [3]);
        batch.clip(9, 9);
        assert!(batch.selection.is_empty());
    }

    #[test]
    fn metadata_steps_aside_for_the_stream() {
        let mut batch = batch(&["a", "b"]);
        batch.stream = Labels::from_pairs([("lat", "9")]);
        let column = |name: &str, value: &str, refs: [u32; 2]| MetadataColumn {
            name: name.into(),
            values: [value].into_iter().collect(),
            refs: refs.into(),
        };
        batch.metadata = vec![column("lat", "sm", [1, 0]), column("id", "7", [1, 1])];
        assert_eq!(
            batch.own_metadata(0).to_string(),
            r#"{id="7", lat_extracted="sm"}"#
        );
        assert_eq!(batch.own_metadata(1).to_string(), r#"{id="7"}"#);
    }
}
