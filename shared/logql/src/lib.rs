//! LogQL: syntax, plan, stages and metric evaluation over columns. Pure, synchronous, no IO.
//!
//! Reading order: [`syntax`] (text to tree), [`plan`] (tree to something that can run), [`batch`]
//! (what it runs over), [`stage`] (pipelines), [`template`] (lines and labels made of others),
//! [`metric`] (numbers), [`logs`] (lines), [`eval`] (the answer), [`patterns`] (forms of lines),
//! [`required`] (what may be left unread),
//! [`deletion`] (what is not to be seen); [`running`] is what the threads of a query share.
//! Chunks, segments and requests are not known here: whoever calls brings batches.

pub mod batch;
pub mod deletion;
pub mod eval;
mod limits;
pub mod logs;
pub mod metric;
pub mod patterns;
pub mod plan;
pub mod required;
pub mod running;
pub mod stage;
pub mod syntax;
pub mod template;
