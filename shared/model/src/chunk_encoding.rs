//! [`ChunkEncoding`]: how the columns of a segment are to be compressed, as configuration says it.

/// A column's compression; the names are those of `chunk_encoding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChunkEncoding {
    /// As it is.
    None,
    /// Fast to write and to read; for what is soon merged. A column is one block, whatever size of
    /// blocks the name asks for.
    #[serde(alias = "lz4-64k", alias = "lz4-256k", alias = "lz4-1M")]
    Lz4,
    /// As fast to write, slower to read.
    Snappy,
    /// Small; for what is kept.
    Zstd,
}
