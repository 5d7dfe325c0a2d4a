//! Reads arbitrary bytes as a footer's body and as the columns that it places. Trailer and
//! checksums are made right first, or no change would get past them.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narvi_segment::{Column, Footer, Scratch, TRAILER_BYTES, VERSION};

fuzz_target!(|bytes: &[u8]| {
    let Some((&split, rest)) = bytes.split_first() else {
        return;
    };
    let (columns, body) = rest.split_at(usize::from(split).min(rest.len()));
    let Ok(mut footer) = Footer::decode(&with_trailer(body)) else {
        return;
    };
    let mut scratch = Scratch::default();
    for chunk in &mut footer.chunks {
        chunk
            .metadata
            .iter_mut()
            .for_each(|column| mend(column, columns));
        for column in [&mut chunk.lines, &mut chunk.lengths, &mut chunk.timestamps] {
            mend(column, columns);
        }
        let _ = chunk.decode_rows(columns, &mut scratch);
    }
});

fn with_trailer(body: &[u8]) -> Vec<u8> {
    let mut footer = Vec::with_capacity(body.len() + TRAILER_BYTES);
    footer.extend_from_slice(body);
    footer.extend_from_slice(&(body.len() as u32).to_le_bytes());
    footer.extend_from_slice(&VERSION.to_le_bytes());
    footer.extend_from_slice(&crc32c::crc32c(&footer).to_le_bytes());
    footer.extend_from_slice(b"NRVI");
    footer
}

fn mend(column: &mut Column, columns: &[u8]) {
    if let Ok(stored) = column.of(columns) {
        column.crc = crc32c::crc32c(stored);
    }
}
