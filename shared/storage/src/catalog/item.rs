//! Rows as DynamoDB items and back. Pure; the only place that knows names of attributes.
//!
//! [`Fields`] reads an item and names table, key and attribute in every refusal.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use narvi_model::{Labels, StreamId, Timestamp};
use narvi_segment::{FooterPlace, SegmentId, Summary};

use super::row::{STREAM_PREFIX, from_sortable};
use super::{Place, SegmentRow, StreamRow};
use crate::{StorageError, limits};

/// One item of DynamoDB.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Bytes of a [`SegmentId`].
const SEGMENT_ID: usize = 16;

pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

fn binary(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// The key of an item, or the beginning of one.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
}

/// The sort key of an item that was read.
pub(crate) fn sort_key(item: &Item) -> &str {
    match item.get("sk") {
        Some(AttributeValue::S(key)) => key,
        _ => "",
    }
}

/// Writes a segment row.
///
/// # Errors
/// `TooMuch` or `Invalid` for what does not fit into an item.
pub(crate) fn of_segment(row: &SegmentRow) -> Result<Item, StorageError> {
    check_size(row)?;
    let Summary {
        size,
        tail,
        footer,
        first,
        last,
        rows,
        line_bytes,
        ..
    } = row.summary;
    let mut item = key(row.partition.to_string(), row.sort_key());
    let mut set = |name: &str, value| drop(item.insert(name.to_owned(), value));
    set("size", number(size));
    set("tail", number(tail));
    set("footer", number(footer.offset));
    set("footer_len", number(footer.len));
    set("first", number(first.nanos()));
    set("last", number(last.nanos()));
    set("rows", number(rows));
    set("line_bytes", number(line_bytes));
    set("created", number(row.created.nanos()));
    match &row.place {
        Place::Inline(bytes) => set("inline", binary(&bytes[..])),
        Place::Object(key) => set("object", text(key)),
    }
    if row.summary.streams.len() <= limits::STREAMS_LISTED_MAX {
        let ids = row.summary.streams.iter();
        let prefixes: Vec<u8> = ids
            .flat_map(|id| &id.as_bytes()[..STREAM_PREFIX])
            .copied()
            .collect();
        set("streams", binary(prefixes));
    }
    if !row.replaces.is_empty() {
        let ids: Vec<u8> = row
            .replaces
            .iter()
            .flat_map(|id| id.as_bytes())
            .copied()
            .collect();
        set("replaces", binary(ids));
    }
    Ok(item)
}

fn check_size(row: &SegmentRow) -> Result<(), StorageError> {
    let what = |part: &str| {
        format!(
            "{part} of segment {} in `{}`",
            row.summary.id, row.partition
        )
    };
    if row.level > limits::LEVEL_MAX {
        let reason = format!("is {}, over {}", row.level, limits::LEVEL_MAX);
        return Err(StorageError::invalid(what("level"), reason));
    }
    if row.replaces.len() > limits::REPLACES_MAX {
        return Err(StorageError::TooMuch {
            what: what("number of replaced segments"),
            size: row.replaces.len(),
            limit: limits::REPLACES_MAX,
            way_out: "merge fewer at a time",
        });
    }
    match &row.place {
        Place::Inline(bytes) if bytes.len() > limits::INLINE_MAX => Err(StorageError::TooMuch {
            what: what("inline bytes"),
            size: bytes.len(),
            limit: limits::INLINE_MAX,
            way_out: "store them as an object",
        }),
        _ => Ok(()),
    }
}

/// Reads a segment row.
pub(crate) fn to_segment(table: &str, item: Item) -> Result<SegmentRow, StorageError> {
    let mut fields = Fields::new(table, item);
    let partition = fields.pk.parse()?;
    let (level, first, id) = split_sort_key(&fields)?;
    if fields.number::<i64>("first")? != first.nanos() {
        return Err(fields.broken("first", "is not the time in the sort key"));
    }
    let summary = Summary {
        id,
        size: fields.number("size")?,
        tail: fields.number("tail")?,
        footer: FooterPlace {
            offset: fields.number("footer")?,
            len: fields.number("footer_len")?,
        },
        first,
        last: Timestamp::from_nanos(fields.number("last")?),
        rows: fields.number("rows")?,
        line_bytes: fields.number("line_bytes")?,
        streams: streams(&mut fields)?,
    };
    let replaces = fields.chunks::<SEGMENT_ID>("replaces")?;
    let created = Timestamp::from_nanos(fields.number("created")?);
    let place = match fields.optional_binary("inline")? {
        Some(bytes) => Place::Inline(Bytes::from(bytes)),
        None => Place::Object(fields.text("object")?),
    };
    let replaces = replaces.into_iter().map(SegmentId::from_bytes).collect();
    Ok(SegmentRow {
        partition,
        level,
        summary,
        place,
        replaces,
        created,
    })
}

fn split_sort_key(fields: &Fields<'_>) -> Result<(u8, Timestamp, SegmentId), StorageError> {
    let mut parts = fields.sk.split('/');
    let read = (|| {
        let level = parts.next()?.parse().ok()?;
        let first = from_sortable(parts.next()?.parse().ok()?);
        let id = parts.next()?.parse().ok()?;
        parts.next().is_none().then_some((level, first, id))
    })();
    read.ok_or_else(|| fields.broken("sk", "is not `level/time/id`"))
}

/// Ids with zeros for the bytes that the row does not keep.
fn streams(fields: &mut Fields<'_>) -> Result<Vec<StreamId>, StorageError> {
    let prefixes = fields.chunks::<STREAM_PREFIX>("streams")?;
    let padded = |prefix: [u8; STREAM_PREFIX]| {
        let mut id = [0; StreamId::BYTES];
        id[..STREAM_PREFIX].copy_from_slice(&prefix);
        StreamId::from_bytes(id)
    };
    if !prefixes.is_sorted() {
        return Err(fields.broken("streams", "is not sorted"));
    }
    Ok(prefixes.into_iter().map(padded).collect())
}

/// Writes a stream row of a partition.
pub(crate) fn of_stream(partition: &str, row: &StreamRow) -> Item {
    let labels = row
        .labels
        .iter()
        .map(|(name, value)| (name.to_owned(), text(value)))
        .collect();
    let mut item = key(partition, row.id.to_string());
    item.insert("labels".to_owned(), AttributeValue::M(labels));
    if row.is_emptied {
        item.insert("emptied".to_owned(), AttributeValue::Bool(true));
    }
    item
}

/// Reads a stream row.
pub(crate) fn to_stream(table: &str, item: Item) -> Result<StreamRow, StorageError> {
    let mut fields = Fields::new(table, item);
    let id = fields
        .sk
        .parse()
        .map_err(|_| fields.broken("sk", "is not a stream id"))?;
    let Some(AttributeValue::M(map)) = fields.rest.remove("labels") else {
        return Err(fields.broken("labels", "is not a map"));
    };
    let mut pairs = Vec::with_capacity(map.len());
    for (name, value) in map {
        let AttributeValue::S(value) = value else {
            return Err(fields.broken(&format!("labels.{name}"), "is not a text"));
        };
        pairs.push((name, value));
    }
    Ok(StreamRow {
        id,
        labels: Labels::from_pairs(pairs),
        is_emptied: fields.has("emptied"),
    })
}

/// The attributes of one item, taken out one by one.
pub(crate) struct Fields<'a> {
    table: &'a str,
    pk: String,
    /// The sort key.
    pub(crate) sk: String,
    rest: Item,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(table: &'a str, mut item: Item) -> Self {
        // Every item has both keys, as texts: the table says so.
        let mut part = |name| match item.remove(name) {
            Some(AttributeValue::S(text)) => text,
            _ => String::new(),
        };
        Self {
            table,
            pk: part("pk"),
            sk: part("sk"),
            rest: item,
        }
    }

    pub(crate) fn broken(&self, attribute: &str, reason: &str) -> StorageError {
        let Self { table, pk, sk, .. } = self;
        let what = format!("attribute `{attribute}` of `{pk}` `{sk}` in table `{table}`");
        StorageError::corrupt(what, reason)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.rest.contains_key(name)
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<String, StorageError> {
        match self.rest.remove(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            Some(_) => Err(self.broken(name, "is not a text")),
            None => Err(self.broken(name, "is missing")),
        }
    }

    /// A text that not every item has.
    pub(crate) fn optional_text(&mut self, name: &str) -> Result<Option<String>, StorageError> {
        match self.rest.contains_key(name) {
            true => self.text(name).map(Some),
            false => Ok(None),
        }
    }

    pub(crate) fn number<T: std::str::FromStr>(&mut self, name: &str) -> Result<T, StorageError> {
        match self.rest.remove(name) {
            Some(AttributeValue::N(digits)) => digits
                .parse()
                .map_err(|_| self.broken(name, "is out of range")),
            Some(_) => Err(self.broken(name, "is not a number")),
            None => Err(self.broken(name, "is missing")),
        }
    }

    pub(crate) fn binary(&mut self, name: &str) -> Result<Vec<u8>, StorageError> {
        self.optional_binary(name)?
            .ok_or_else(|| self.broken(name, "is missing"))
    }

    fn optional_binary(&mut self, name: &str) -> Result<Option<Vec<u8>>, StorageError> {
        match self.rest.remove(name) {
            Some(AttributeValue::B(blob)) => Ok(Some(blob.into_inner())),
            Some(_) => Err(self.broken(name, "is not binary")),
            None => Ok(None),
        }
    }

    /// Pieces of `N` bytes; none where the attribute is missing.
    fn chunks<const N: usize>(&mut self, name: &str) -> Result<Vec<[u8; N]>, StorageError> {
        let bytes = self.optional_binary(name)?.unwrap_or_default();
        let (pieces, rest) = bytes.as_chunks::<N>();
        if rest.is_empty() {
            return Ok(pieces.to_vec());
        }
        Err(self.broken(
            name,
            &format!("has {} bytes, no multiple of {N}", bytes.len()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::{Day, TenantId};
    use proptest::prelude::*;

    use super::*;
    use crate::Partition;

    prop_compose! {
        fn any_place()(inline: bool, bytes: Vec<u8>, key in "[ -~]{1,40}") -> Place {
            if inline { Place::Inline(bytes.into()) } else { Place::Object(key) }
        }
    }

    prop_compose! {
        fn any_partition()(
            tenant in "[a-z!_*'()-]{1,9}", day in -90_000..90_000, shard: u16,
        ) -> Partition {
            let tenant = TenantId::parse(&tenant).unwrap();
            Partition { tenant, day: Day::from_number(day), shard }
        }
    }

    prop_compose! {
        fn any_summary()(
            ids: (u128, Vec<u64>), places: (u64, u64, u64, u32), times: (i64, i64),
            counts: (u64, u64),
        ) -> Summary {
            let mut streams: Vec<StreamId> = ids.1.iter().map(|n| {
                StreamId::from_bytes((u128::from(*n) << 64).to_be_bytes())
            }).collect();
            streams.sort();
            Summary {
                id: SegmentId::from_bytes(ids.0.to_be_bytes()),
                size: places.0,
                tail: places.1,
                footer: FooterPlace { offset: places.2, len: places.3 },
                first: Timestamp::from_nanos(times.0),
                last: Timestamp::from_nanos(times.1),
                rows: counts.0,
                line_bytes: counts.1,
                streams,
            }
        }
    }

    prop_compose! {
        fn any_segment()(
            partition in any_partition(), level in 0..=limits::LEVEL_MAX,
            summary in any_summary(), place in any_place(),
            replaces in prop::collection::vec(any::<[u8; 16]>(), 0..5), created: i64,
        ) -> SegmentRow {
            let replaces = replaces.into_iter().map(SegmentId::from_bytes).collect();
            let created = Timestamp::from_nanos(created);
            SegmentRow { partition, level, summary, place, replaces, created }
        }
    }

    prop_compose! {
        fn any_stream()(pairs: Vec<(String, String)>, is_emptied: bool) -> StreamRow {
            let labels = Labels::from_pairs(pairs);
            StreamRow { id: labels.stream_id(), labels, is_emptied }
        }
    }

    /// Any attribute, of a right or a wrong type.
    fn any_value() -> impl Strategy<Value = AttributeValue> {
        prop_oneof![
            any::<String>().prop_map(AttributeValue::S),
            "-?[0-9]{0,40}".prop_map(AttributeValue::N),
            any::<Vec<u8>>().prop_map(|bytes| AttributeValue::B(Blob::new(bytes))),
            Just(AttributeValue::Null(true)),
            any::<String>().prop_map(|name| AttributeValue::M(key(name, ""))),
        ]
    }

    proptest! {
        #[test]
        fn segments_read_back(row in any_segment()) {
            let item = of_segment(&row).unwrap();
            prop_assert_eq!(to_segment("t", item).unwrap(), row);
        }

        #[test]
        fn streams_read_back(row in any_stream()) {
            prop_assert_eq!(to_stream("t", of_stream("p", &row)).unwrap(), row);
        }

        #[test]
        fn no_two_segments_share_a_key(a in any_segment(), b in any_segment()) {
            let place = |row: &SegmentRow| (row.level, row.summary.first, row.summary.id);
            let same_place = a.partition == b.partition && place(&a) == place(&b);
            let key = |row: &SegmentRow| (row.partition.to_string(), row.sort_key());
            prop_assert_eq!(same_place, key(&a) == key(&b));
        }

        #[test]
        fn broken_items_never_panic(
            row in any_segment(), stream in any_stream(), at: prop::sample::Index,
            value in prop::option::of(any_value()),
        ) {
            for mut item in [of_segment(&row).unwrap(), of_stream("a/2026-01-31/0", &stream)] {
                let mut names: Vec<String> = item.keys().cloned().collect();
                names.sort();
                let name = at.get(&names).clone();
                match &value {
                    Some(value) => item.insert(name, value.clone()),
                    None => item.remove(&name),
                };
                let _ = to_segment("t", item.clone());
                let _ = to_stream("t", item);
            }
        }
    }

    fn segment_item() -> Item {
        let mut item = key(
            "a/2026-01-31/0",
            format!("00/{:020}/{}", 1_u64 << 63, "0f".repeat(16)),
        );
        for name in [
            "size",
            "tail",
            "footer",
            "footer_len",
            "last",
            "rows",
            "line_bytes",
        ] {
            item.insert(name.to_owned(), number(7));
        }
        item.insert("first".to_owned(), number(0));
        item.insert("created".to_owned(), number(9));
        item.insert("object".to_owned(), text("k"));
        item
    }

    #[track_caller]
    fn check(attribute: &str, value: Option<AttributeValue>, want: &str) {
        let mut item = segment_item();
        assert!(to_segment("t", item.clone()).is_ok());
        match value {
            Some(value) => drop(item.insert(attribute.to_owned(), value)),
            None => drop(item.remove(attribute)),
        }
        let error = to_segment("t", item).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Corrupt);
        assert!(error.to_string().contains(want), "{error}");
        assert!(
            error.to_string().contains(attribute) || attribute == "pk",
            "{error}"
        );
    }

    #[test]
    fn a_broken_item_says_where() {
        check(
            "rows",
            None,
            "`a/2026-01-31/0` `00/09223372036854775808/0f0f",
        );
        check("rows", None, "in table `t` is corrupt: is missing");
        check("rows", Some(text("7")), "is not a number");
        check("rows", Some(number(-1)), "is out of range");
        check("footer_len", Some(number(1_u64 << 32)), "is out of range");
        check("object", None, "is missing");
        check("object", Some(number(1)), "is not a text");
        check("inline", Some(text("x")), "is not binary");
        check(
            "streams",
            Some(binary([1; 9])),
            "has 9 bytes, no multiple of 8",
        );
        check(
            "streams",
            Some(binary([[2; 8], [1; 8]].concat())),
            "is not sorted",
        );
        check("replaces", Some(binary([1; 15])), "no multiple of 16");
        check("first", Some(number(1)), "is not the time in the sort key");
        check("sk", Some(text("00/1")), "is not `level/time/id`");
        check(
            "pk",
            Some(text("a")),
            "partition key `a` is corrupt: is not `tenant/day/shard`",
        );
    }

    #[test]
    fn a_broken_stream_says_where() {
        let id = "0f".repeat(16);
        for (item, want) in [
            (
                key("p", "x"),
                "attribute `sk` of `p` `x` in table `t` is corrupt: is not a stream id",
            ),
            (key("p", &id), "attribute `labels`"),
            (
                Item::from([
                    ("sk".to_owned(), text(&id)),
                    (
                        "labels".to_owned(),
                        AttributeValue::M([("a".to_owned(), number(1))].into()),
                    ),
                ]),
                "attribute `labels.a`",
            ),
        ] {
            let error = to_stream("t", item).unwrap_err().to_string();
            assert!(error.contains(want), "{error}");
        }
    }
}
