//! [`StreamPack`]: the labels of many streams in a few bytes, and compact in memory; [`pack`] makes
//! them. No part of a segment: the catalog keeps them (`docs/format/streams.md`).
//!
//! Stored as `version | codec | raw length | payload | checksum`, the payload as `texts | stream
//! count | streams`. Ids are not stored, since they are made from the labels. Which streams are
//! looked for is asked of each text once, however many streams have it.

use std::collections::HashMap;

use foldhash::fast::RandomState;
use narvi_model::{Labels, Matcher, StreamId};

use crate::Codec;
use crate::bitpack::PADDING;
use crate::codec::{Compressor, decompress};
use crate::dictionary::{self, Dictionary, Fields};
use crate::error::{Area, Fault, FormatError, WriteError};
use crate::limits::{
    MAX_LABEL_BYTES, MAX_PACK_BYTES, MAX_PACKED_STREAM, PACK_BYTES, PACK_LABEL_BYTES,
};
use crate::varint::{Cursor, Read, put_len};

/// The version that this build writes, and the only one that it reads.
const VERSION: u8 = 1;

/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;

/// Bytes that a label takes at most beside its texts: two places.
const LABEL_BYTES: usize = 6;

/// Bytes that a text takes at most in the dictionary beside itself: its length.
const LENGTH_BYTES: usize = 5;

/// Bytes that a stream takes at most beside its labels: their number.
const STREAM_BYTES: usize = 3;

const FIELDS: Fields = Fields {
    count: "text count",
    length: "text length",
    text: "texts",
};

/// A stream of a pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackedStream {
    /// Its labels.
    pub labels: Labels,
    /// Whether all its lines were erased when this was noted; newer ones may be there.
    pub is_emptied: bool,
}

/// Streams as they were packed. Takes a quarter of the memory of so many [`Labels`].
#[derive(Debug, Default)]
pub struct StreamPack {
    texts: Dictionary,
    streams: Vec<Entry>,
    /// Places of names and values, of all streams one after the other.
    labels: Vec<(u32, u32)>,
}

#[derive(Debug)]
struct Entry {
    id: StreamId,
    /// The end of its labels.
    end: u32,
    is_emptied: bool,
}

/// Whether a stream is small enough to be packed.
#[must_use]
pub fn may_pack(labels: &Labels) -> bool {
    cost(labels, |_| true) <= MAX_PACKED_STREAM
}

/// The bytes of packs of all these streams, each at most [`PACK_BYTES`] and a few more. The same
/// streams in any order make the same bytes.
///
/// # Errors
/// A stream that is too large ([`may_pack`]), or the compressor failed.
pub fn pack(streams: &[PackedStream]) -> Result<Vec<Vec<u8>>, WriteError> {
    let mut sorted: Vec<&PackedStream> = streams.iter().collect();
    // Neighbours that look alike compress well.
    sorted.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut compressor = Compressor::new(Codec::Zstd);
    let (mut packs, mut draft) = (Vec::new(), Draft::default());
    for stream in sorted {
        if !may_pack(&stream.labels) {
            return Err(WriteError::TooLarge {
                what: "labels of a stream",
                size: cost(&stream.labels, |_| true),
                limit: MAX_PACKED_STREAM,
            });
        }
        if !draft.has_room(&stream.labels) {
            packs.push(std::mem::take(&mut draft).finish(&mut compressor)?);
        }
        draft.add(stream);
    }
    if draft.count > 0 {
        packs.push(draft.finish(&mut compressor)?);
    }
    Ok(packs)
}

/// Bytes that labels take at most, where some of their texts are new.
fn cost(labels: &Labels, is_new: impl Fn(&str) -> bool) -> usize {
    let of_text = |text: &str| match is_new(text) {
        true => text.len() + LENGTH_BYTES,
        false => 0,
    };
    let of_label = |(name, value): (&str, &str)| of_text(name) + of_text(value) + LABEL_BYTES;
    STREAM_BYTES + labels.iter().map(of_label).sum::<usize>()
}

/// A pack that is being written.
#[derive(Default)]
struct Draft<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, usize, RandomState>,
    streams: Vec<u8>,
    count: usize,
    /// Bytes so far, at most.
    size: usize,
    /// Bytes of all names and values, repeats counted.
    label_bytes: usize,
}

impl<'a> Draft<'a> {
    fn cost(&self, labels: &Labels) -> usize {
        cost(labels, |text| !self.places.contains_key(text))
    }

    fn has_room(&self, labels: &Labels) -> bool {
        self.count == 0
            || (self.size + self.cost(labels) <= PACK_BYTES && self.label_bytes <= PACK_LABEL_BYTES)
    }

    fn add(&mut self, stream: &'a PackedStream) {
        self.size += self.cost(&stream.labels);
        self.count += 1;
        let head = stream.labels.len() << 1 | usize::from(stream.is_emptied);
        put_len(&mut self.streams, head);
        for (name, value) in stream.labels.iter() {
            self.label_bytes += name.len() + value.len();
            for text in [name, value] {
                let place = *self.places.entry(text).or_insert_with(|| {
                    self.texts.push(text);
                    self.texts.len() - 1
                });
                put_len(&mut self.streams, place);
            }
        }
    }

    fn finish(mut self, compressor: &mut Compressor) -> Result<Vec<u8>, WriteError> {
        let mut raw = Vec::with_capacity(self.size);
        dictionary::put(&mut raw, &self.texts);
        put_len(&mut raw, self.count);
        raw.append(&mut self.streams);
        let (codec, stored) = compressor.compress(&raw)?;
        let mut out = vec![VERSION, codec as u8];
        put_len(&mut out, raw.len());
        out.extend_from_slice(stored);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        Ok(out)
    }
}

impl StreamPack {
    /// Reads what [`pack`] wrote.
    ///
    /// # Errors
    /// The first byte that breaks the format's rules.
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let mut raw = Vec::new();
        open(bytes, &mut raw)?;
        let end = raw.len();
        raw.resize(end + PADDING, 0);
        let mut cursor = Cursor::padded(&raw, end, Area::Pack);
        let texts = Dictionary::read(&mut cursor, &FIELDS, end, &mut Vec::new())?;
        let mut pack = Self {
            texts,
            ..Self::default()
        };
        let mut left = MAX_LABEL_BYTES;
        let count = cursor.count("stream count", 1)?;
        pack.streams.reserve_exact(count);
        for _ in 0..count {
            pack.read_stream(&mut cursor, &mut left)?;
        }
        cursor.finish("pack")?;
        Ok(pack)
    }

    fn read_stream(&mut self, cursor: &mut Cursor<'_>, left: &mut usize) -> Read<()> {
        let head = cursor.varint("stream")?;
        // A label takes two bytes at least.
        let (found, limit) = (head >> 1, cursor.left() as u64 / 2);
        if found > limit {
            return Err(cursor.fail("label count", Fault::TooLarge { found, limit }));
        }
        let start = self.labels.len();
        for _ in 0..found {
            let name = self.read_place(cursor, left)?;
            let value = self.read_place(cursor, left)?;
            if let Some(&(before, _)) = self.labels[start..].last()
                && self.text(before) >= self.text(name)
            {
                return Err(cursor.fail("label name", Fault::Order));
            }
            self.labels.push((name, value));
        }
        let pairs = self.labels[start..].iter();
        let id = StreamId::of(pairs.map(|&(name, value)| (self.text(name), self.text(value))));
        let end = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.streams.push(Entry {
            id,
            end,
            is_emptied: head & 1 == 1,
        });
        Ok(())
    }

    /// The place of a text that is there, as long as `left` bytes last.
    fn read_place(&self, cursor: &mut Cursor<'_>, left: &mut usize) -> Read<u32> {
        let found = cursor.varint("place of a text")?;
        let limit = self.texts.len() as u64;
        let text = usize::try_from(found)
            .ok()
            .and_then(|place| self.texts.get(place));
        let too_large = |found, limit| Fault::TooLarge { found, limit };
        let Some(text) = text else {
            return Err(cursor.fail("place of a text", too_large(found, limit)));
        };
        let (size, limit) = (text.len() as u64, *left as u64);
        *left = left
            .checked_sub(text.len())
            .ok_or_else(|| cursor.fail("label", too_large(size, limit)))?;
        // No more texts than bytes, which MAX_PACK_BYTES bounds.
        Ok(found as u32)
    }

    fn text(&self, place: u32) -> &str {
        self.texts.get(place as usize).unwrap_or_default()
    }

    /// Number of streams.
    #[must_use]
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether there is no stream.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// Bytes of memory, about.
    #[must_use]
    pub fn weight(&self) -> usize {
        let texts = self.texts.text_bytes() + self.texts.len() * size_of::<u32>();
        let labels = self.labels.len() * size_of::<(u32, u32)>();
        texts + labels + self.streams.len() * size_of::<Entry>()
    }

    /// Every stream.
    pub fn iter(&self) -> impl Iterator<Item = (StreamId, PackedStream)> + '_ {
        (0..self.len()).map(|at| self.get(at))
    }

    /// The streams that meet all matchers of any group.
    pub fn meeting<'a>(
        &'a self,
        groups: &'a [&'a [Matcher]],
    ) -> impl Iterator<Item = (StreamId, PackedStream)> + 'a {
        let known = |group: &&'a [Matcher]| group.iter().map(|one| Known::new(self, one)).collect();
        let mut groups: Vec<Vec<Known<'_>>> = groups.iter().map(known).collect();
        let mut is_met = move |at: usize| {
            let mut groups = groups.iter_mut();
            groups.any(|group| group.iter_mut().all(|one| one.is_met(self, at)))
        };
        (0..self.len())
            .filter(move |at| is_met(*at))
            .map(|at| self.get(at))
    }

    /// Places of the names and values of a stream.
    fn labels_of(&self, at: usize) -> &[(u32, u32)] {
        let end = |at: usize| self.streams.get(at).map_or(0, |entry| entry.end as usize);
        let start = at.checked_sub(1).map_or(0, end);
        self.labels.get(start..end(at)).unwrap_or_default()
    }

    /// A stream that is there.
    fn get(&self, at: usize) -> (StreamId, PackedStream) {
        let pairs = self.labels_of(at).iter();
        let pairs = pairs.map(|&(name, value)| (self.text(name), self.text(value)));
        let entry = &self.streams[at];
        let stream = PackedStream {
            labels: Labels::from_pairs(pairs),
            is_emptied: entry.is_emptied,
        };
        (entry.id, stream)
    }
}

/// Checks the bytes of a pack and decompresses them.
fn open(bytes: &[u8], raw: &mut Vec<u8>) -> Result<(), FormatError> {
    let end = bytes.len().saturating_sub(CHECKSUM_BYTES);
    let mut behind = Cursor::new(&bytes[end..], Area::Pack);
    let stored = behind.fixed_u32("checksum")?;
    let mut cursor = Cursor::new(&bytes[..end], Area::Pack);
    let computed = crc32c::crc32c(&bytes[..end]);
    if computed != stored {
        return Err(cursor.fail("pack", Fault::Checksum { computed, stored }));
    }
    let version = cursor.byte("version")?;
    if version != VERSION {
        return Err(cursor.fail("version", Fault::Unknown(version.into())));
    }
    let byte = cursor.byte("codec")?;
    let unknown = || cursor.fail("codec", Fault::Unknown(byte.into()));
    let codec = Codec::from_byte(byte).ok_or_else(unknown)?;
    let raw_len = cursor.at_most("raw length", MAX_PACK_BYTES)?;
    let payload = cursor.take("payload", cursor.left())?;
    decompress(codec, payload, raw_len, raw).map_err(|fault| cursor.fail("payload", fault))
}

/// A matcher, and what it says of the texts of a pack as far as it was asked.
struct Known<'a> {
    matcher: &'a Matcher,
    /// The place of its name; none where no stream has the label.
    name: Option<u32>,
    absent: bool,
    texts: Vec<Option<bool>>,
}

impl<'a> Known<'a> {
    fn new(pack: &StreamPack, matcher: &'a Matcher) -> Self {
        let name = pack.texts.iter().position(|text| text == matcher.name());
        Self {
            matcher,
            name: name.and_then(|place| u32::try_from(place).ok()),
            absent: matcher.matches_empty(),
            texts: vec![None; name.map_or(0, |_| pack.texts.len())],
        }
    }

    fn is_met(&mut self, pack: &StreamPack, at: usize) -> bool {
        let labels = pack.labels_of(at).iter();
        let mut own = labels.filter(|(name, _)| Some(*name) == self.name);
        let Some(&(_, value)) = own.next() else {
            return self.absent;
        };
        let ask = || self.matcher.is_match(pack.text(value));
        match self.texts.get_mut(value as usize) {
            Some(known) => *known.get_or_insert_with(ask),
            None => ask(),
        }
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::{MatchOp, matches_all};
    use proptest::prelude::*;

    use super::*;
    use crate::varint::put;

    fn stream(pairs: &[(&str, &str)]) -> PackedStream {
        PackedStream {
            labels: Labels::from_pairs(pairs.iter().copied()),
            is_emptied: false,
        }
    }

    fn emptied(pairs: &[(&str, &str)]) -> PackedStream {
        PackedStream {
            is_emptied: true,
            ..stream(pairs)
        }
    }

    fn streams() -> Vec<PackedStream> {
        vec![
            stream(&[("app", "web"), ("pod", "web-7")]),
            emptied(&[("app", "web"), ("pod", "web-6")]),
            stream(&[]),
            stream(&[("pod", "app"), ("é", "ü")]),
        ]
    }

    fn unpack(packs: &[Vec<u8>]) -> Vec<PackedStream> {
        let mut found = Vec::new();
        for bytes in packs {
            let pack = StreamPack::decode(bytes).unwrap();
            assert_eq!(pack.iter().count(), pack.len());
            assert!(!pack.is_empty());
            for (id, stream) in pack.iter() {
                assert_eq!(id, stream.labels.stream_id());
                found.push(stream);
            }
        }
        found
    }

    fn sorted(mut streams: Vec<PackedStream>) -> Vec<PackedStream> {
        streams.sort_by(|a, b| a.labels.cmp(&b.labels));
        streams
    }

    #[test]
    fn streams_come_back() {
        assert_eq!(pack(&[]).unwrap(), [[0_u8; 0]; 0]);
        let mut streams = streams();
        let packs = pack(&streams).unwrap();
        assert_eq!(unpack(&packs), sorted(streams.clone()));
        streams.reverse();
        assert_eq!(pack(&streams).unwrap(), packs);
    }

    #[test]
    fn many_streams_are_many_packs_that_fit_an_item() {
        let value = |n: u64| format!("{:064x}", n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let of = |n| match n % 7 {
            0 => emptied(&[("app", "a"), ("id", &value(n))]),
            _ => stream(&[("app", "a"), ("id", &value(n))]),
        };
        let streams: Vec<_> = (0..10_000).map(of).collect();
        let packs = pack(&streams).unwrap();
        assert_eq!(packs.len(), 3);
        assert!(packs.iter().all(|bytes| bytes.len() <= PACK_BYTES));
        assert_eq!(unpack(&packs), sorted(streams));
        let weight: usize = packs
            .iter()
            .map(|bytes| StreamPack::decode(bytes).unwrap().weight())
            .sum();
        assert!(weight < 150 * 10_000, "{weight}");
    }

    #[test]
    fn repeats_do_not_make_a_pack_that_cannot_be_read() {
        // A long text that many streams have takes nothing but memory.
        let long = "x".repeat(60 << 10);
        let of = |n: usize| stream(&[("id", &n.to_string()), ("long", &long)]);
        let streams: Vec<_> = (0..400).map(of).collect();
        let packs = pack(&streams).unwrap();
        assert_eq!(packs.len(), 3);
        assert_eq!(unpack(&packs), sorted(streams));
    }

    #[test]
    fn a_stream_may_be_too_large() {
        let of = |bytes: usize| stream(&[("a", &"x".repeat(bytes))]);
        let most = MAX_PACKED_STREAM - STREAM_BYTES - LABEL_BYTES - 2 * LENGTH_BYTES - 1;
        assert!(pack(&[of(most)]).is_ok());
        let error = pack(&[of(most + 1)]).unwrap_err().to_string();
        assert!(error.starts_with("labels of a stream of size"), "{error}");
    }

    #[test]
    fn groups_choose_streams() {
        let streams = streams();
        let bytes = pack(&streams).unwrap().remove(0);
        let pack = StreamPack::decode(&bytes).unwrap();
        let matcher = |name, op, value| Matcher::new(name, op, value).unwrap();
        let web = [matcher("app", MatchOp::Equal, "web")];
        let other = [matcher("app", MatchOp::NotEqual, "web")];
        let sixes = [
            matcher("pod", MatchOp::Regex, ".*6|app"),
            matcher("app", MatchOp::NotRegex, "x.*"),
        ];
        let missing = [matcher("nobody", MatchOp::Equal, "")];
        let cases: [(&[&[Matcher]], usize); 8] = [
            (&[], 0),
            (&[&[]], 4),
            (&[&web], 2),
            (&[&other], 2),
            (&[&sixes], 2),
            (&[&web, &sixes], 3),
            (&[&missing], 4),
            (&[&[], &[]], 4),
        ];
        for (groups, want) in cases {
            let found: Vec<_> = pack.meeting(groups).map(|(_, stream)| stream).collect();
            let is_met = |labels: &Labels| groups.iter().any(|group| matches_all(group, labels));
            let mut all = sorted(streams.clone());
            all.retain(|stream| is_met(&stream.labels));
            assert_eq!(found, all);
            assert_eq!(found.len(), want);
        }
    }

    /// A pack of a payload, as it is.
    fn framed(version: u8, codec: u8, raw_len: u64, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![version, codec];
        put(&mut out, raw_len);
        out.extend_from_slice(payload);
        let crc = crc32c::crc32c(&out);
        out.extend_from_slice(&crc.to_le_bytes());
        out
    }

    #[track_caller]
    fn check(bytes: &[u8], want: &str) {
        let error = StreamPack::decode(bytes).unwrap_err().to_string();
        assert!(error.contains(want), "{error}");
    }

    #[test]
    fn broken_bytes_say_what_is_wrong() {
        check(b"", "checksum at byte 0 of the pack: cut short");
        check(b"abcd", "checksum 00000000, was written as 64636261");
        check(
            &framed(2, 0, 0, b""),
            "version at byte 1 of the pack: 2 has no",
        );
        check(
            &framed(1, 9, 0, b""),
            "codec at byte 2 of the pack: 9 has no",
        );
        check(&framed(1, 0, 1 << 40, b""), "is more than 524288");
        check(&framed(1, 0, 3, b""), "is 0, should be 3");
        check(&framed(1, 2, 3, b"xyz"), "zstd cannot decompress it");
        let plain = |payload: &[u8]| framed(1, 0, payload.len() as u64, payload);
        check(
            &plain(&[9]),
            "text count at byte 1 of the pack: 9 is more than 1",
        );
        // No text, so many streams; their labels; the places.
        check(
            &plain(&[0, 3, 0]),
            "stream count at byte 2 of the pack: 3 is more than 2",
        );
        check(&plain(&[0, 1, 4, 0, 0]), "label count");
        check(&plain(&[0, 1, 2, 0, 0]), "place of a text");
        check(
            &plain(&[0, 1, 0, 0]),
            "pack at byte 3 of the pack: is 1, should be 0",
        );
        // One text twice as a name.
        check(&plain(&[1, 1, 0, b'a', 1, 4, 0, 0, 0, 0]), "label name");
    }

    #[test]
    fn labels_that_a_few_bytes_claim_are_bounded() {
        let long = "x".repeat(200 << 10);
        let mut raw = Vec::new();
        dictionary::put(&mut raw, &[&long]);
        put_len(&mut raw, 1000);
        for _ in 0..1000 {
            raw.extend([2, 0, 0]);
        }
        check(&framed(1, 0, raw.len() as u64, &raw), "label at byte");
    }

    proptest! {
        #[test]
        fn whatever_is_packed_comes_back(
            all in prop::collection::btree_map(
                prop::collection::btree_map(".{0,4}", ".{0,9}", 0..5), any::<bool>(), 0..30,
            ),
        ) {
            let streams: Vec<_> = all.into_iter().map(|(pairs, is_emptied)| {
                PackedStream { labels: Labels::from_pairs(pairs), is_emptied }
            }).collect();
            prop_assert_eq!(unpack(&pack(&streams).unwrap()), sorted(streams));
        }

        #[test]
        fn broken_bytes_never_panic(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
            let packs = pack(&streams()).unwrap();
            let mut payload = packs[0][3..packs[0].len() - CHECKSUM_BYTES].to_vec();
            let at = at.index(payload.len());
            payload[at] = byte;
            payload.truncate(cut.index(payload.len()) + 1);
            for codec in 0..4 {
                let _ = StreamPack::decode(&framed(1, codec, payload.len() as u64, &payload));
            }
            let mut bytes = packs[0].clone();
            bytes[at] ^= byte | 1;
            prop_assert!(StreamPack::decode(&bytes).is_err());
        }
    }
}
