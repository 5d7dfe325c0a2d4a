//! [`DeletionMode`]: what becomes of a tenant's requests to delete, as configuration says it.

/// What becomes of requests to delete lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionMode {
    /// None are taken, and those that were are not heeded.
    Disabled,
    /// Lines are hidden and stay stored.
    FilterOnly,
    /// Lines are hidden, and gone for good when a request can no longer be taken back.
    #[default]
    FilterAndDelete,
}
