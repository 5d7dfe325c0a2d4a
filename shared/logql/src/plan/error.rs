//! [`PlanError`]: a query that parses and yet cannot run.

use std::fmt::Display;

/// Why a query cannot run; the texts are Loki's where Loki has one. All are the client's (HTTP
/// 400) but [`PlanError::ApproxTopkDisabled`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A stage whose argument does not compile.
    #[error("parse error : stage '{stage}' : {cause}")]
    Stage {
        /// The stage in its canonical form.
        stage: String,
        /// What is wrong with it.
        cause: String,
    },
    /// `variants(…) of (…)`, which Loki has switched off by default.
    #[error("multi variant queries are disabled for this instance")]
    VariantsDisabled,
    /// `approx_topk(…)`, which Loki has switched off by default and answers with HTTP 500.
    #[error("approx_topk is not enabled. See -limits.shard_aggregations")]
    ApproxTopkDisabled,
    /// The expression of a `label_replace` does not compile.
    #[error("parse error : invalid regex in label_replace: {0}")]
    LabelReplace(String),
}

impl PlanError {
    /// `stage` prints in its canonical form.
    pub(crate) fn stage(stage: &impl Display, cause: String) -> Self {
        Self::Stage {
            stage: stage.to_string(),
            cause,
        }
    }
}
