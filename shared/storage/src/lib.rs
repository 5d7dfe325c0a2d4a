//! Where Narvi keeps things: objects (S3 or a directory) and the catalog (DynamoDB).
//!
//! Reading order: [`Settings`] and [`Connection`] (how to reach the services), [`Objects`] (bytes
//! under keys), [`Catalog`] with [`Partition`], [`SegmentRow`] and [`StreamRow`] (what exists),
//! [`Lease`] (who may merge), [`StorageError`] (what to do when it fails), [`Requests`] (the bill).
//!
//! It is the only user of the AWS SDK for data. It does not know what is inside a segment, reads no
//! clock (`now` is an argument) and no environment (variables come through a look-up function).

mod catalog;
mod connection;
mod error;
mod failure;
pub mod limits;
mod objects;
mod requests;
mod settings;

pub use catalog::{
    Catalog, Claim, DeleteRow, Garbage, Lease, ObjectName, Partition, Place, Progress,
    RuleGroupRow, SegmentRow, StreamRow, Sweep, TableNames, TailRow, left_behind,
    split_left_behind, visible,
};
pub use connection::Connection;
pub use error::{ErrorKind, StorageError};
#[cfg(feature = "directory")]
pub use objects::DirectoryObjects;
pub use objects::{CountingObjects, ObjectInfo, Objects, Put, S3Objects};
pub use requests::Requests;
pub use settings::{AccessKeys, Settings};
