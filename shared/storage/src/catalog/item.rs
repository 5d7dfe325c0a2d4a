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

pub(crate) fn number(value: impl ToString) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

fn binary(value: impl Into<Vec<u8>>) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// The key of an item, or the beginning of one.
pub(crate) fn key(pk: impl Into<String>, sk: impl Into<String>) -> Item {
    Item::from([("pk".to_owned(), text(pk)), ("sk".to_owned(), text(sk))])
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

    pub(crate) fn text(&mut self, name: &str) -> Result<String, StorageError> {
        match self.rest.remove(name) {
            Some(AttributeValue::S(text)) => Ok(text),
            Some(_) => Err(self.broken(name, "is not a text")),
            None => Err(self.broken(name, "is missing")),
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
