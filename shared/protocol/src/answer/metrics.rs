//! Metric results: matrices, vectors and scalars (spec `http-api.md` §1).

use narvi_model::answer::{Sample, Series};

use super::json::{write_float, write_labels, write_list, write_seconds};

/// Writes an array of series, each with all its samples.
pub(super) fn write_matrix(out: &mut Vec<u8>, all: &[Series]) {
    write_list(out, all, |out, series| {
        out.extend_from_slice(br#"{"metric":"#);
        write_labels(out, &series.labels);
        out.extend_from_slice(br#","values":"#);
        write_list(out, &series.samples, |out, sample| {
            write_sample(out, *sample);
        });
        out.push(b'}');
    });
}

/// Writes an array of series, each with its one sample.
pub(super) fn write_vector(out: &mut Vec<u8>, all: &[Series]) {
    let sampled: Vec<_> = all
        .iter()
        .filter_map(|s| Some((s, *s.samples.first()?)))
        .collect();
    write_list(out, &sampled, |out, (series, sample)| {
        out.extend_from_slice(br#"{"metric":"#);
        write_labels(out, &series.labels);
        out.extend_from_slice(br#","value":"#);
        write_sample(out, *sample);
        out.push(b'}');
    });
}

/// Writes `[seconds,"value"]`.
pub(super) fn write_sample(out: &mut Vec<u8>, sample: Sample) {
    out.push(b'[');
    write_seconds(out, sample.millis);
    out.extend_from_slice(br#",""#);
    write_float(out, sample.value);
    out.extend_from_slice(br#""]"#);
}
