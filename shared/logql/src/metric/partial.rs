//! [`Function`]: every function over a window; [`Partial`]: what part of a scan yields, whichever
//! family its function is of.

use super::{Counting, Matrix, RangePartial, SamplePartial, Sampling, TooManyValues, Window};

/// A function over the lines or values in a window.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function {
    /// Counts lines or their bytes.
    Counting(Counting),
    /// Computes with the values of lines.
    Sampling(Sampling),
}

/// What part of a scan yielded; merges with other parts of the same scan in any order.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub enum Partial {
    /// Of a counting function.
    Counted(RangePartial),
    /// Of a function over values.
    Sampled(SamplePartial),
}

impl Partial {
    /// Nothing yet.
    #[must_use]
    pub fn new(function: Function, window: Window) -> Self {
        match function {
            Function::Counting(counting) => Self::Counted(RangePartial::new(counting, window)),
            Function::Sampling(sampling) => Self::Sampled(SamplePartial::new(sampling, window)),
        }
    }

    /// Adds what another part of the same scan yielded; a part of another scan is a mistake of the
    /// caller and adds nothing.
    ///
    /// # Errors
    /// Where both together take more memory than allowed.
    pub fn merge(&mut self, other: Self) -> Result<(), TooManyValues> {
        match (self, other) {
            (Self::Counted(mine), Self::Counted(other)) => Ok(mine.merge(other)?),
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
