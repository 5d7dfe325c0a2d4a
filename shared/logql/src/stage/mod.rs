//! Pipelines: [`Pipeline`] is what is left of the stages of a query once they are compiled.
//!
//! A stage maps a batch to a batch; each kind has its file. A filter only shrinks the selection.

mod line_filter;

use crate::batch::Batch;
use crate::plan::PlanError;
use crate::syntax::ast;

use line_filter::LineFilter;

/// The compiled stages of one log expression, in order.
#[derive(Debug, Default)]
pub struct Pipeline {
    stages: Vec<Stage>,
}

/// One compiled stage.
#[derive(Debug)]
enum Stage {
    LineFilter(LineFilter),
}

impl Pipeline {
    /// Compiles the stages; those that let every line through vanish.
    ///
    /// # Errors
    /// What is wrong with a regular expression, a pattern or an address, in Loki's words.
    pub fn compile(stages: &[ast::Stage]) -> Result<Self, PlanError> {
        let mut compiled = Vec::with_capacity(stages.len());
        for stage in stages {
            match &stage.kind {
                ast::StageKind::LineFilter(filter) => {
                    compiled.extend(LineFilter::compile(filter)?.map(Stage::LineFilter));
                }
                other => return Err(PlanError::unsupported(stage_name(other), stage.span)),
            }
        }
        Ok(Self { stages: compiled })
    }

    /// Whether every line passes unread, so that counts need no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stages.is_empty()
    }

    /// Runs a batch through the stages; stops early when no row is left.
    pub fn run(&self, batch: &mut Batch) {
        for stage in &self.stages {
            if batch.selection.is_empty() {
                return;
            }
            match stage {
                Stage::LineFilter(filter) => filter.run(batch),
            }
        }
    }
}

fn stage_name(kind: &ast::StageKind) -> &'static str {
    match kind {
        ast::StageKind::LineFilter(_) => "line filter",
        ast::StageKind::Json(_) => "json",
        ast::StageKind::Logfmt { .. } => "logfmt",
        ast::StageKind::Regexp(_) => "regexp",
        ast::StageKind::Pattern(_) => "pattern",
        ast::StageKind::Unpack => "unpack",
        ast::StageKind::LabelFilter(_) => "label filter",
        ast::StageKind::LineFormat(_) => "line_format",
        ast::StageKind::LabelFormat(_) => "label_format",
        ast::StageKind::Decolorize => "decolorize",
        ast::StageKind::Drop(_) => "drop",
        ast::StageKind::Keep(_) => "keep",
    }
}
