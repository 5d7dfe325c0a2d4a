//! [`ChunkEncoding`]: how the columns of a segment are to be compressed, as configuration says it.

/// A column's compression; the names are those of `chunk_encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChunkEncoding {
    /// As it is.
    None,
    /// Fast; for what is soon merged.
    Snappy,
    /// Small; for what is kept.
    Zstd,
}
