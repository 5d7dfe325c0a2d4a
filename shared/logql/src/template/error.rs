//! What can go wrong: [`TemplateError`] when a template is read, [`RenderError`] when it is
//! rendered, [`Failure`] inside of a function, which does not know where it was called.
//!
//! Texts are Go's, since clients show them; those about our own limits say what to do.

use std::borrow::Cow;

use crate::limits::{MAX_TEMPLATE_MEMORY, MAX_TEMPLATE_OUTPUT, MAX_TEMPLATE_STEPS};

/// A text that is no template: `template: line:1: unclosed action`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct TemplateError(pub(super) String);

/// A line that could not be made, such as ``template: line:1:2: executing "line" at <div 7 0>:
/// error calling div: runtime error: integer divide by zero``.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RenderError(pub(super) String);

/// Why a function did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    /// Its own complaint.
    #[error("{0}")]
    Said(Cow<'static, str>),
    /// The text that is written, or a text in memory, became too long.
    #[error("the template makes more than {MAX_TEMPLATE_OUTPUT} bytes; make it shorter")]
    TooLong,
    /// All texts and lists together became too large.
    #[error("the template holds more than {MAX_TEMPLATE_MEMORY} bytes; make it simpler")]
    TooLarge,
    /// It takes too long.
    #[error("the template takes more than {MAX_TEMPLATE_STEPS} steps; make it simpler")]
    TooSlow,
}

impl Failure {
    /// From a text.
    pub(super) fn said(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Said(text.into())
    }
}

/// What functions answer.
pub(super) type Answer<T> = Result<T, Failure>;
