//! [`Function`]: every function over a window; [`Partial`]: what part of a scan yields, whichever
//! family its function is of.

use super::{Counting, Matrix, RangePartial, SamplePartial, Sampling, TooManySeries};
use super::{TooManyValues, Window};
use crate::running::{Halt, Running};

/// A function over the lines or values in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// Counts lines or their bytes.
    Counting(Counting),
    /// Computes with the values of lines.
    Sampling(Sampling),
}

/// Why a partial result cannot take more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PartialError {
    /// It is too large by itself.
    #[error(transparent)]
    TooManyValues(#[from] TooManyValues),
    /// All partial results of the query are too large together, or it was stopped.
    #[error(transparent)]
    Halt(#[from] Halt),
}

impl From<TooManySeries> for PartialError {
    fn from(error: TooManySeries) -> Self {
        Self::TooManyValues(error.into())
    }
}

/// What part of a scan yielded; merges with other parts of the same scan in any order.
#[derive(Debug)]
pub enum Partial {
    /// Of a counting function.
    Counted(RangePartial),
    /// Of a function over values.
    Sampled(SamplePartial),
}

impl Partial {
    /// Nothing yet.
    #[must_use]
    pub fn new(function: Function, window: Window, running: &Running) -> Self {
        match function {
            Function::Counting(counting) => {
                Self::Counted(RangePartial::new(counting, window, running))
            }
            Function::Sampling(sampling) => {
                Self::Sampled(SamplePartial::new(sampling, window, running))
            }
        }
    }

    /// Whether it has more than `most` series with a sample; those that others add come on top.
    #[must_use]
    pub fn exceeds(&self, most: usize) -> bool {
        match self {
            Self::Counted(partial) => partial.exceeds(most),
            Self::Sampled(partial) => partial.exceeds(most),
        }
    }

    /// Adds what another part of the same scan yielded; a part of another scan is a mistake of the
    /// caller and adds nothing.
    ///
    /// # Errors
    /// Where both together take more memory than allowed.
    pub fn merge(&mut self, other: Self) -> Result<(), PartialError> {
        match (self, other) {
            (Self::Counted(mine), Self::Counted(other)) => mine.merge(other),
            (Self::Sampled(mine), Self::Sampled(other)) => mine.merge(other),
            (Self::Counted(_), Self::Sampled(_)) | (Self::Sampled(_), Self::Counted(_)) => Ok(()),
        }
    }

    /// The values of every step.
    #[must_use]
    pub fn finish(self) -> Matrix {
        match self {
            Self::Counted(partial) => partial.finish(),
            Self::Sampled(partial) => partial.finish(),
        }
    }
}
