//! What is stored: [`Entry`], a line at a time with structured metadata.

use std::str::Utf8Error;

use bytes::Bytes;

use crate::{Labels, Timestamp};

/// Structured metadata of an entry: sorted by name, each name once.
pub type Metadata = Labels;

/// One line of text. Shares the memory of the request that brought it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Line(Bytes);

impl Line {
    /// Checks that `bytes` are UTF-8, as Loki's protobuf `string` demands.
    ///
    /// # Errors
    /// Where the first byte that is not UTF-8 stands.
    pub fn new(bytes: Bytes) -> Result<Self, Utf8Error> {
        std::str::from_utf8(&bytes)?;
        Ok(Self(bytes))
    }

    /// The bytes, which are UTF-8.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether the line is empty; Loki stores such lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&str> for Line {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

/// One entry of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When it happened, as the client says.
    pub timestamp: Timestamp,
    /// The text.
    pub line: Line,
    /// Structured metadata.
    pub metadata: Metadata,
}

impl Entry {
    /// The size that rates and limits count: line plus names and values of metadata, in bytes.
    #[must_use]
    pub fn size(&self) -> usize {
        self.line.len() + self.metadata_size()
    }

    /// Bytes of the names and values of structured metadata.
    #[must_use]
    pub fn metadata_size(&self) -> usize {
        self.metadata
            .iter()
            .map(|(name, value)| name.len() + value.len())
            .sum()
    }
}
