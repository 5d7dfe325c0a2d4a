//! The rows of the catalog: [`SegmentRow`] and [`StreamRow`], with the names that follow from them,
//! and what such a name tells ([`ObjectName`]).
//!
//! Does not know how they are written to DynamoDB: that is `item.rs`.

use bytes::Bytes;
use narvi_model::{Day, Labels, NANOS_PER_SECOND, StreamId, TenantId, Timestamp};
use narvi_segment::{SegmentId, Summary};

use super::Partition;
use crate::limits;

/// Bytes of a stream id that a segment row keeps. Eight are enough to tell streams of one tenant
/// apart nearly always; where they are not, a query reads a footer in vain.
pub(crate) const STREAM_PREFIX: usize = 8;

/// One segment: what it holds and where its bytes are.
#[derive(Clone, Debug, PartialEq)]
pub struct SegmentRow {
    /// Where the row stands.
    pub partition: Partition,
    /// 0 for a push; each merge is higher than everything that it replaces. At most 99.
    pub level: u8,
    /// What the segment holds. In a row that was read back, `streams` has only the first 8 bytes of
    /// each id (the rest is zero), or is empty where there were too many to list: ask
    /// [`SegmentRow::may_hold`], never the list.
    pub summary: Summary,
    /// Where the bytes are.
    pub place: Place,
    /// The segments that a merge has put into this one; empty for a push.
    pub replaces: Vec<SegmentId>,
    /// When the push or the merge arrived.
    pub created: Timestamp,
}

/// Where a segment's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the row itself.
    Inline(Bytes),
    /// In the object of this key.
    Object(String),
}

/// One stream of a tenant on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamRow {
    /// Its key.
    pub id: StreamId,
    /// Its labels.
    pub labels: Labels,
    /// Whether all its lines were erased when this was noted. Newer ones may be there: who has
    /// written the row before need not write it again.
    pub is_emptied: bool,
}

impl StreamRow {
    /// A stream that has lines.
    #[must_use]
    pub const fn new(id: StreamId, labels: Labels) -> Self {
        Self {
            id,
            labels,
            is_emptied: false,
        }
    }
}

impl SegmentRow {
    /// Whether the segment may hold lines of a stream; never wrong where it says no.
    #[must_use]
    pub fn may_hold(&self, stream: &StreamId) -> bool {
        let streams = &self.summary.streams;
        let wanted = prefix(stream);
        streams.is_empty()
            || streams
                .binary_search_by(|held| prefix(held).cmp(wanted))
                .is_ok()
    }

    /// The key of the object for a segment's bytes:
    /// `segments/{tenant}/{day}/{level}/{id}-{five minutes of created}`.
    ///
    /// The last part keeps a push that a client repeats late from writing the very key that is
    /// being deleted as garbage: a merge deletes after a grace that is longer than five minutes.
    #[must_use]
    pub fn object_key(
        partition: &Partition,
        level: u8,
        id: &SegmentId,
        created: Timestamp,
    ) -> String {
        let bucket = created
            .nanos()
            .div_euclid(limits::KEY_BUCKET_SECONDS * NANOS_PER_SECOND);
        format!(
            "segments/{}/{}/{level}/{id}-{bucket}",
            partition.tenant, partition.day
        )
    }

    /// The sort key `{level}/{first time}/{id}`, in the order in which a reader must see rows.
    pub(crate) fn sort_key(&self) -> String {
        let first = sortable(self.summary.first);
        format!("{:02}/{first:020}/{}", self.level, self.summary.id)
    }
}

/// What the key of a segment's object tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName {
    /// Whose segment.
    pub tenant: TenantId,
    /// Of which day.
    pub day: Day,
    /// Whoever writes an object under this key has begun before this time, by its own clock.
    pub begun_before: Timestamp,
}

impl ObjectName {
    /// What all keys of segments begin with.
    pub const PREFIX: &str = "segments/";

    /// Reads what [`SegmentRow::object_key`] wrote, and nothing else.
    #[must_use]
    pub fn parse(key: &str) -> Option<Self> {
        let mut parts = key.strip_prefix(Self::PREFIX)?.split('/');
        let tenant = TenantId::parse(parts.next()?).ok()?;
        let day = Day::parse(parts.next()?)?;
        let level = parts.next()?;
        let (id, bucket) = parts.next()?.split_once('-')?;
        let (level, id) = (level.parse::<u8>().ok()?, id.parse::<SegmentId>().ok()?);
        let bucket = bucket.parse::<i64>().ok()?;
        let seconds = |bucket: i64| bucket.checked_mul(limits::KEY_BUCKET_SECONDS);
        let begun = Timestamp::from_nanos(seconds(bucket)?.checked_mul(NANOS_PER_SECOND)?);
        let partition = Partition {
            tenant,
            day,
            shard: 0,
        };
        // Comparing with the key refuses whatever reads alike.
        (SegmentRow::object_key(&partition, level, &id, begun) == key).then(|| Self {
            tenant: partition.tenant,
            day,
            begun_before: begun.plus(limits::KEY_BUCKET_SECONDS * NANOS_PER_SECOND),
        })
    }
}

/// The part of a stream id that a row keeps.
fn prefix(id: &StreamId) -> &[u8] {
    &id.as_bytes()[..STREAM_PREFIX]
}

/// A number that sorts as the time does, also before 1970.
pub(crate) const fn sortable(time: Timestamp) -> u64 {
    time.nanos().cast_unsigned() ^ (1 << 63)
}

/// The time that [`sortable`] was given.
pub(crate) const fn from_sortable(number: u64) -> Timestamp {
    Timestamp::from_nanos((number ^ (1 << 63)).cast_signed())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn object_keys() {
        let partition = "a/2026-01-31/3".parse().unwrap();
        let id: SegmentId = "00112233445566778899aabbccddeeff".parse().unwrap();
        let key =
            |seconds| SegmentRow::object_key(&partition, 1, &id, Timestamp::from_seconds(seconds));
        assert_eq!(
            key(599),
            "segments/a/2026-01-31/1/00112233445566778899aabbccddeeff-1"
        );
        assert_ne!(key(599), key(600));
        assert_eq!(key(300), key(599));
    }

    #[test]
    fn names_tell_what_they_were_made_of() {
        let id = "00112233445566778899aabbccddeeff";
        let name = ObjectName::parse(&format!("segments/a/2026-01-31/12/{id}-2")).unwrap();
        assert_eq!(
            (name.tenant.as_str(), name.day.to_string().as_str()),
            ("a", "2026-01-31")
        );
        assert_eq!(name.begun_before, Timestamp::from_seconds(900));
        for other in [
            format!("segments/a/2026-01-31/0/{id}"),
            format!("segments/a/2026-01-31/0/{id}-"),
            format!("segments/a/2026-01-31/0/{id}-+2"),
            format!("segments/a/2026-01-31/0/{id}-02"),
            format!("segments/a/2026-01-31/00/{id}-2"),
            format!("segments/a/2026-01-31/0/{id}-2/x"),
            format!("segments/a/2026-01-31/0/{id}-9223372036854775807"),
            format!("segments/a/2026-1-31/0/{id}-2"),
            format!("segments/a/2026-01-31/{id}-2"),
            format!("rules/a/2026-01-31/0/{id}-2"),
            "segments/a".to_owned(),
            String::new(),
        ] {
            assert_eq!(ObjectName::parse(&other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn every_key_reads_back(
            tenant in "[a-z!_.*'()-]{1,9}", day in -90_000..90_000, level in 0_u8..100,
            id: [u8; 16], seconds in -9_000_000_000..9_000_000_000_i64,
        ) {
            let Ok(tenant) = TenantId::parse(&tenant) else { return Ok(()) };
            let partition = Partition { tenant, day: Day::from_number(day), shard: 0 };
            let created = Timestamp::from_seconds(seconds);
            let id = SegmentId::from_bytes(id);
            let key = SegmentRow::object_key(&partition, level, &id, created);
            let name = ObjectName::parse(&key).unwrap();
            prop_assert_eq!((name.tenant, name.day), (partition.tenant, partition.day));
            let ahead = name.begun_before.since(created);
            prop_assert!(ahead > 0 && ahead <= limits::KEY_BUCKET_SECONDS * NANOS_PER_SECOND);
        }

        #[test]
        fn sortable_times_keep_their_order(a: i64, b: i64) {
            let (a, b) = (Timestamp::from_nanos(a), Timestamp::from_nanos(b));
            let (ta, tb) = (format!("{:020}", sortable(a)), format!("{:020}", sortable(b)));
            prop_assert_eq!(a.cmp(&b), ta.cmp(&tb));
            prop_assert_eq!(from_sortable(sortable(a)), a);
        }
    }
}
