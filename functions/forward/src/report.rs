//! [`Report`]: what became of the lines of one event, for the log and for metrics.

use narvi_gateway::Metric;

/// What became of the lines of one event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Lines that are stored; those that came before and came again are among them.
    pub stored: usize,
    /// Lines that the tenant's limits refused; they are lost.
    pub refused: usize,
}

impl Report {
    /// Its metrics.
    #[must_use]
    pub const fn metrics(&self) -> [Metric; 2] {
        [
            Metric::count("StoredLines", self.stored as u64),
            Metric::count("RefusedLines", self.refused as u64),
        ]
    }
}
