//! The endpoints that describe what there is, of which Logs Drilldown is made: which path leads to
//! which. Knows no parameters.

use narvi_gateway::{Response, capture};

use crate::handler::Read;
use crate::{detected, index, patterns};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Explore {
    Stats,
    Shards,
    Volume,
    VolumeRange,
    Patterns,
    DetectedLabels,
    DetectedFields,
    /// The values of a field.
    DetectedValues(String),
}

impl Explore {
    /// The endpoint of a path; `None` for the paths of others.
    pub(crate) fn of(path: &str) -> Option<Self> {
        let values = capture("/loki/api/v1/detected_field/{name}/values", path);
        if let Some([name]) = values.as_deref() {
            return Some(Self::DetectedValues((*name).to_owned()));
        }
        Some(match path.strip_prefix("/loki/api/v1/")? {
            "index/stats" => Self::Stats,
            "index/shards" => Self::Shards,
            "index/volume" => Self::Volume,
            "index/volume_range" => Self::VolumeRange,
            "patterns" => Self::Patterns,
            "detected_labels" => Self::DetectedLabels,
            "detected_fields" => Self::DetectedFields,
            _ => return None,
        })
    }

    pub(crate) async fn answer(&self, read: &Read<'_>) -> Response {
        match self {
            Self::Stats => index::stats(read).await,
            Self::Shards => index::shards(read).await,
            Self::Volume => index::volume(read).await,
            Self::VolumeRange => index::volume_range(read).await,
            Self::Patterns => patterns::patterns(read).await,
            Self::DetectedLabels => detected::labels(read).await,
            Self::DetectedFields => detected::fields(read).await,
            Self::DetectedValues(name) => detected::values(read, name).await,
        }
    }
}
