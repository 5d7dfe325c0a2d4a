//! What series take beside their values: [`label_cells`].

use narvi_model::{Label, Labels};

/// Bytes of a series that are always there: its places in tables, and what the heap adds.
const SERIES_BYTES: usize = 128;

/// Bytes that the heap adds to a text.
const TEXT_BYTES: usize = 16;

/// Memory of a series' labels, in cells of 8 bytes.
pub(super) fn label_cells(labels: &Labels) -> usize {
    let label = |(name, value): (&str, &str)| {
        size_of::<Label>() + 2 * TEXT_BYTES + name.len() + value.len()
    };
    let bytes = SERIES_BYTES + labels.iter().map(label).sum::<usize>();
    bytes.div_ceil(size_of::<f64>())
}
