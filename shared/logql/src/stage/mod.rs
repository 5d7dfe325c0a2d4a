//! Pipelines: [`Pipeline`] is what is left of the stages of a query once they are compiled.
//!
//! Line filters come first wherever that changes nothing, and run over the lines of a whole chunk
//! at once: they only shrink its selection. From the first stage that reads or makes labels on, the
//! surviving lines run through all stages one by one ([`row`]), so that what is made of a line
//! needs no memory beyond the line. Each kind of stage has its file.

mod convert;
mod decolorize;
mod drop;
mod json;
mod keep;
mod label_filter;
mod label_format;
mod label_match;
mod line_data;
mod line_filter;
mod line_format;
mod logfmt;
mod pattern;
mod regexp;
pub(crate) mod row;
pub(crate) mod same;
mod sound;
mod unpack;
mod unwrap;

use crate::batch::Batch;
use crate::plan::PlanError;
use crate::required::Required;
use crate::running::{Halt, Running};
use crate::syntax::ast;
use crate::template;

use decolorize::Decolorize;
use drop::Drop;
use json::Json;
use keep::Keep;
use label_filter::LabelFilter;
use label_format::LabelFormat;
use line_filter::LineFilter;
use line_format::LineFormat;
use logfmt::Logfmt;
use pattern::Pattern;
use regexp::Regexp;
pub use row::Machine;
pub(crate) use row::{NameId, Names, Row, Wanted};
use unwrap::Unwrap;

/// Which labels a query reads of what a pipeline lets through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand<'a> {
    /// All of them: the answer shows them or tells series apart by them.
    All,
    /// Only these.
    Only(&'a [String]),
}

/// The compiled stages of one log expression, in order.
#[derive(Debug, Default)]
pub struct Pipeline {
    filters: Vec<LineFilter>,
    stages: Vec<RowStage>,
    unwrap: Option<Box<Unwrap>>,
    names: Names,
    wanted: Wanted,
}

/// One compiled stage that runs line by line.
#[derive(Debug)]
enum RowStage {
    LineFilter(LineFilter),
    Decolorize(Decolorize),
    Json(Json),
    Unpack,
    Logfmt(Logfmt),
    Pattern(Pattern),
    Regexp(Box<Regexp>),
    LabelFilter(LabelFilter),
    LabelFormat(LabelFormat),
    LineFormat(LineFormat),
    Drop(Drop),
    Keep(Keep),
}

/// Which labels a stage reads.
#[derive(Clone, Debug)]
enum Reads {
    /// Any.
    All,
    /// These.
    Names(Vec<NameId>),
}

/// Buffers that stages use again for each line.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    json: json::Buffers,
    unpack: unpack::Buffers,
    logfmt: logfmt::Buffers,
    regexp: regexp::Locations,
    template: template::Scratch,
    /// What a template writes.
    text: Vec<u8>,
    /// What the templates of a stage made.
    made: Vec<Option<label_format::Made>>,
}

impl RowStage {
    /// `None` where the stage does nothing.
    fn compile(stage: &ast::Stage, names: &mut Names) -> Result<Option<Self>, PlanError> {
        let refuse = |cause| PlanError::stage(stage, cause);
        Ok(match &stage.kind {
            ast::StageKind::LineFilter(filter) => {
                LineFilter::compile(filter)?.map(Self::LineFilter)
            }
            ast::StageKind::Decolorize => Some(Self::Decolorize(Decolorize::new()?)),
            ast::StageKind::Json(extractions) => Some(Self::Json(
                Json::compile(extractions, names).map_err(refuse)?,
            )),
            ast::StageKind::Unpack => Some(Self::Unpack),
            ast::StageKind::Logfmt {
                strict,
                keep_empty,
                extractions,
            } => {
                let (strict, keep_empty) = (*strict, *keep_empty);
                let flags = logfmt::Flags { strict, keep_empty };
                let logfmt = Logfmt::compile(flags, extractions, names).map_err(refuse)?;
                Some(Self::Logfmt(logfmt))
            }
            ast::StageKind::Pattern(text) => Some(Self::Pattern(Pattern::compile(text, names))),
            ast::StageKind::Regexp(text) => {
                let regexp = Regexp::compile(text, names).map_err(refuse)?;
                Some(Self::Regexp(Box::new(regexp)))
            }
            ast::StageKind::LabelFilter(filter) => {
                LabelFilter::compile(filter, names)?.map(Self::LabelFilter)
            }
            ast::StageKind::LabelFormat(formats) => {
                let stage = LabelFormat::compile(formats, names).map_err(refuse)?;
                Some(Self::LabelFormat(stage))
            }
            ast::StageKind::LineFormat(text) => {
                let stage = LineFormat::compile(text, names).map_err(refuse)?;
                Some(Self::LineFormat(stage))
            }
            ast::StageKind::Drop(items) => {
                let items = drop::Item::compile(items, names).map_err(refuse)?;
                Some(Self::Drop(Drop::new(items)))
            }
            ast::StageKind::Keep(items) => {
                let items = drop::Item::compile(items, names).map_err(refuse)?;
                Some(Self::Keep(Keep::new(items, names)))
            }
        })
    }

    /// Whether line filters behind see what the stage made of the line. Those behind a `decolorize`
    /// see the line as it was, in Loki and so here.
    fn writes_line(&self) -> bool {
        matches!(self, Self::LineFormat(_) | Self::Unpack)
    }

    /// Whether all it does is to make labels of the line.
    fn only_extracts(&self) -> bool {
        matches!(
            self,
            Self::Json(_) | Self::Logfmt(_) | Self::Pattern(_) | Self::Regexp(_)
        )
    }

    /// Whether every label behind it is one of the stream, metadata, or a part of the stored line.
    fn is_faithful(&self) -> bool {
        match self {
            Self::LabelFilter(_) | Self::Drop(_) | Self::Keep(_) => true,
            other => other.only_extracts(),
        }
    }

    fn reads(&self) -> Reads {
        let mut names = Vec::new();
        match self {
            Self::LabelFilter(filter) => filter.reads(&mut names),
            Self::LabelFormat(stage) => return stage.reads(),
            Self::LineFormat(stage) => return stage.reads(),
            // What is dropped or kept by its value need not be there to vanish.
            Self::Drop(_) | Self::Keep(_) => {}
            Self::LineFilter(_) | Self::Decolorize(_) | Self::Unpack => {}
            Self::Json(_) | Self::Logfmt(_) | Self::Pattern(_) | Self::Regexp(_) => {}
        }
        Reads::Names(names)
    }

    /// Runs a line through; answers whether it is kept.
    fn run(&self, row: &mut Row<'_>, wanted: &Wanted) -> bool {
        match self {
            Self::LineFilter(filter) => return filter.keeps(row.line()),
            Self::Decolorize(stage) => stage.run(row),
            Self::Json(stage) => stage.run(row, wanted),
            Self::Unpack => unpack::run(row, wanted),
            Self::Logfmt(stage) => stage.run(row, wanted),
            Self::Pattern(stage) => stage.run(row, wanted),
            Self::Regexp(stage) => stage.run(row, wanted),
            Self::LabelFilter(filter) => return filter.keeps(row),
            Self::LabelFormat(stage) => stage.run(row),
            Self::LineFormat(stage) => stage.run(row),
            Self::Drop(stage) => stage.run(row),
            Self::Keep(stage) => stage.run(row),
        }
        true
    }
}

impl Pipeline {
    /// Compiles the stages; those that do nothing vanish, and so do parsers whose labels nobody
    /// demands.
    ///
    /// # Errors
    /// What is wrong with the argument of a stage, in Loki's words.
    pub fn compile(stages: &[ast::Stage], demand: Demand<'_>) -> Result<Self, PlanError> {
        Self::sampling(stages, None, demand)
    }

    /// As [`Pipeline::compile`], for lines of which a number is taken in the end.
    ///
    /// # Errors
    /// As [`Pipeline::compile`].
    pub fn sampling(
        stages: &[ast::Stage],
        unwrap: Option<&ast::Unwrap>,
        demand: Demand<'_>,
    ) -> Result<Self, PlanError> {
        let mut compiled = Self::default();
        for stage in stages {
            let stage = RowStage::compile(stage, &mut compiled.names)?;
            match stage {
                Some(RowStage::LineFilter(filter))
                    if !compiled.stages.iter().any(RowStage::writes_line) =>
                {
                    compiled.filters.push(filter);
                }
                other => compiled.stages.extend(other),
            }
        }
        compiled.unwrap = match unwrap {
            Some(unwrap) => Some(Box::new(Unwrap::compile(unwrap, &mut compiled.names)?)),
            None => None,
        };
        compiled.wanted = compiled.wanted(demand);
        if compiled.wanted.is_nothing() {
            compiled.stages.retain(|stage| !stage.only_extracts());
        }
        Ok(compiled)
    }

    /// The labels that `demand` or any stage reads.
    fn wanted(&mut self, demand: Demand<'_>) -> Wanted {
        let Demand::Only(demanded) = demand else {
            return Wanted::ALL;
        };
        let mut ids = Vec::new();
        for stage in &self.stages {
            match stage.reads() {
                Reads::All => return Wanted::ALL,
                Reads::Names(read) => ids.extend(read),
            }
        }
        if let Some(unwrap) = &self.unwrap {
            unwrap.reads(&mut ids);
        }
        let mut wanted: Vec<String> = demanded.to_vec();
        wanted.extend(ids.iter().map(|id| self.names.text(*id).to_owned()));
        Wanted::only(wanted.iter().map(String::as_str), &mut self.names)
    }

    /// Whether every line passes unread, so that counts need no lines.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty() && self.only_filters()
    }

    /// Whether lines pass as they were stored, with the labels that they were stored with.
    #[must_use]
    pub fn only_filters(&self) -> bool {
        self.stages.is_empty() && self.unwrap.is_none()
    }

    /// What follows from a line being kept: of the texts that the line filters in front look for,
    /// and of the label filters that see labels as they were stored or stand in the line.
    #[must_use]
    pub fn required(&self) -> Required {
        let filters = self.filters.iter().map(LineFilter::required);
        let as_stored = self.stages.iter().take_while(|stage| stage.is_faithful());
        let labels = as_stored.filter_map(|stage| match stage {
            RowStage::LabelFilter(filter) => Some(filter.required(&self.names)),
            _ => None,
        });
        Required::all(filters.chain(labels))
    }

    /// What a worker needs to run lines through; serves chunk after chunk.
    #[must_use]
    pub fn machine(&self, running: &Running) -> Machine {
        Machine::new(&self.names, running)
    }

    /// The number of a name, for whoever reads labels behind the stages. Machines made before do
    /// not know it.
    pub(crate) fn name(&mut self, name: &str) -> NameId {
        self.names.id(name)
    }

    /// Runs the line filters in front over a batch; ends early when no row is left.
    ///
    /// # Errors
    /// Where the query was stopped; the selection is of no use then.
    pub fn filter(&self, batch: &mut Batch, running: &Running) -> Result<(), Halt> {
        for filter in &self.filters {
            if batch.selection.is_empty() {
                return Ok(());
            }
            filter.run(batch, running);
            running.check()?;
        }
        Ok(())
    }

    /// Runs a line through the stages behind; answers whether it is kept.
    ///
    /// # Errors
    /// Where the query was stopped.
    pub(crate) fn keeps(&self, row: &mut Row<'_>) -> Result<bool, Halt> {
        for stage in &self.stages {
            row.running().check()?;
            if !stage.run(row, &self.wanted) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether [`Pipeline::value`] takes numbers of lines.
    pub(crate) fn takes_values(&self) -> bool {
        self.unwrap.is_some()
    }

    /// The number of a line behind the stages; `None` where it has none.
    pub(crate) fn value(&self, row: &mut Row<'_>) -> Option<f64> {
        self.unwrap.as_ref()?.value(row)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::batch::tests::batch;
    use crate::syntax;
    use narvi_model::Labels;

    /// The stages behind a selector.
    pub(crate) fn compile(pipeline: &str, demand: Demand<'_>) -> Result<Pipeline, PlanError> {
        let ast = syntax::parse(&format!("{{app=~\".+\"}} {pipeline}")).unwrap();
        let ast::Query::Log(log) = ast else {
            panic!("a log query")
        };
        Pipeline::compile(&log.stages, demand)
    }

    /// What one line becomes in a pipeline behind a selector: `None` where it is dropped, else the
    /// line and the labels by category, as `stream | metadata | parsed`.
    pub(crate) fn run(
        pipeline: &str,
        labels: &[(&str, &str)],
        line: impl AsRef<[u8]>,
    ) -> Option<(String, String)> {
        run_in(&compile(pipeline, Demand::All).unwrap(), labels, line)
    }

    /// As [`run`].
    pub(crate) fn run_in(
        pipeline: &Pipeline,
        labels: &[(&str, &str)],
        line: impl AsRef<[u8]>,
    ) -> Option<(String, String)> {
        let mut batch = batch(&[line]);
        batch.stream = Labels::from_pairs(labels.iter().copied());
        let running = Running::default();
        pipeline.filter(&mut batch, &running).unwrap();
        let at = batch.selection.get(0)?;
        let mut machine = pipeline.machine(&running);
        machine.start_chunk(&batch);
        let mut row = machine.start_row(&batch, at);
        if !pipeline.keeps(&mut row).unwrap() {
            return None;
        }
        let line = String::from_utf8_lossy(row.line()).into_owned();
        Some((line, row.labels().to_string()))
    }
}
