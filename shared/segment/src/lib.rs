//! Narvi's segment format: writer, reader, columns, filters. Bytes in, bytes out. No IO.
//!
//! A segment holds chunks of many streams, by columns: lines, metadata, line lengths, timestamps,
//! then the footer that places them (`docs/format/segment.md` has the bytes). Reading order:
//! [`Writer`] makes one; [`Footer`] says what is in it; [`ChunkMeta`] turns the stored bytes of a
//! [`Column`] into values; [`Rows`] are the values of a chunk together; [`Filter`] tells which
//! chunks cannot hold a text; [`verify`] reads it all; [`merge`] makes one segment of many, without
//! what a [`Keep`] leaves out. Beside it there is [`StreamPack`], the labels of many streams.
//!
//! Bytes from outside are not trusted: what breaks a rule is a [`FormatError`], and nothing is
//! allocated beyond [`limits`].

mod bitpack;
mod chunk;
mod chunk_table;
mod codec;
mod column;
mod dictionary;
mod error;
mod filter;
mod footer;
mod id;
pub mod limits;
mod lines;
mod merge;
mod metadata;
mod metadata_draft;
mod options;
mod order;
mod rows;
mod stream_pack;
mod summary;
mod symbols;
mod timestamps;
mod trailer;
mod varint;
mod verify;
mod writer;

pub use chunk::ChunkMeta;
pub use codec::{Codec, CodecError};
pub use column::{Column, Scratch};
pub use dictionary::Dictionary;
pub use error::{Area, Fault, FormatError, Place, WriteError};
pub use filter::Filter;
pub use footer::{FilterPlace, Footer, FooterPlace, FooterStream};
pub use id::{SegmentId, SegmentIdError};
pub use lines::{LineBuffer, SEPARATOR};
pub use merge::{Keep, MergeError, MergeOptions, Share, merge, merge_kept};
pub use metadata::{MetadataColumn, MetadataColumns};
pub use options::WriterOptions;
pub use rows::Rows;
pub use stream_pack::{PackedStream, StreamPack, may_pack, pack};
pub use summary::Summary;
pub use trailer::{TRAILER_BYTES, VERSION};
pub use verify::{Report, verify};
pub use writer::{Encoded, Writer};
