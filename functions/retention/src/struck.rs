//! [`Struck`]: what requests to delete leave of a partition, as a [`Keep`]. Pure.

use std::sync::Arc;

use narvi_logql::batch::{Batch, LineColumn, MetadataColumn, Selection, Texts};
use narvi_logql::deletion::Deletion;
use narvi_logql::running::Running;
use narvi_model::{Labels, Timestamp};
use narvi_segment::{Keep, Rows, Share};

/// Every line but those that one of the requests names.
pub(crate) struct Struck(pub(crate) Vec<Arc<Deletion>>);

impl Keep for Struck {
    fn share(&self, labels: &Labels, first: Timestamp, last: Timestamp) -> Share {
        let of = |one: &&Arc<Deletion>| one.touches(first, last) && one.is_of(labels);
        let mut share = Share::All;
        for deletion in self.0.iter().filter(of) {
            if deletion.covers(first, last) {
                return Share::Nothing;
            }
            share = Share::Part;
        }
        share
    }

    fn rows(&self, labels: &Labels, rows: &Rows, kept: &mut [bool]) {
        let mut batch = batch(labels, rows);
        for deletion in self.0.iter().filter(|one| one.is_of(labels)) {
            // Nobody stops this work; were it stopped, everything would stay.
            if deletion.strike(&mut batch, &Running::default()).is_err() {
                return;
            }
        }
        kept.fill(false);
        for row in batch.selection.iter() {
            if let Some(kept) = kept.get_mut(row as usize) {
                *kept = true;
            }
        }
    }
}

/// The rows as a pipeline reads them.
fn batch(labels: &Labels, rows: &Rows) -> Batch {
    let bytes = rows.lines.bytes.clone();
    let separators = bytes.iter().filter(|byte| **byte == b'\n').count();
    let metadata = rows.metadata.columns.iter().map(|column| {
        let (text, ends) = column.values.clone().into_parts();
        MetadataColumn {
            name: column.name.clone(),
            values: Texts { text, ends },
            refs: column.refs.clone(),
        }
    });
    Batch {
        stream: labels.clone(),
        timestamps: rows.timestamps.clone(),
        lengths: Vec::new(),
        lines: LineColumn {
            has_newlines: separators > rows.lines.ends.len(),
            ends: rows.lines.ends.clone(),
            bytes,
        },
        metadata: metadata.collect(),
        selection: Selection::Run(0..rows.timestamps.len() as u32),
    }
}
