//! What must hold of what is stored when everything is done: every row has its object and every
//! object its row, and in the bytes there is what must be kept and nothing else.

use std::collections::BTreeSet;

use bytes::Bytes;
use narvi_model::Timestamp;
use narvi_segment::{Footer, Scratch};
use narvi_storage::Place;

use super::ledger::Known;
use super::system::System;

impl System {
    /// When garbage is collected and nothing is merged any more; `known` are the lines before the
    /// last run of retention, which nothing kept from its work.
    pub(crate) async fn check_remains(&self, known: &Known) {
        let garbage = self.catalog.garbage(None, Timestamp::MAX).await.unwrap();
        if !garbage.is_empty() {
            self.ledger.wrong(format!("garbage is left: {garbage:?}"));
        }
        let (mut named, mut found) = (BTreeSet::new(), BTreeSet::new());
        let stored = self.bucket.keys();
        for partition in self.catalog.partitions().await.unwrap() {
            let rows = self.catalog.partition_segments(&partition).await.unwrap();
            for row in rows {
                let bytes = match row.place {
                    Place::Object(key) => {
                        let bytes = self.bucket.bytes(&key);
                        named.insert(key);
                        bytes
                    }
                    Place::Inline(bytes) => Some(bytes),
                };
                found.extend(bytes.into_iter().flat_map(|bytes| self.lines_of(&bytes)));
            }
        }
        for key in stored.difference(&named) {
            self.ledger.wrong(format!("{key} has no row"));
        }
        for key in named.difference(&stored) {
            self.ledger.wrong(format!("{key} has no object"));
        }
        self.look();
        let now = self.world.now();
        self.ledger.check_found("in storage", (known, now), &found);
        self.ledger.check_expired(now, &found);
        for request in self.ledger.requests() {
            if request.is_active {
                self.ledger.wrong(format!("{request:?} is not done"));
            }
        }
    }

    /// The numbers of all lines in a segment.
    fn lines_of(&self, bytes: &Bytes) -> Vec<u64> {
        let footer = Footer::of_segment(bytes).unwrap();
        let mut found = Vec::new();
        for chunk in &footer.chunks {
            let rows = chunk.decode_rows(bytes, &mut Scratch::default()).unwrap();
            for (row, time) in rows.timestamps.iter().enumerate() {
                let text = String::from_utf8_lossy(rows.lines.line(row));
                let time = Timestamp::from_nanos(*time);
                found.push(self.ledger.number("in storage", time, &text));
            }
        }
        found
    }
}
