//! [`Request`]: a request to delete, as those see it who made it: which lines it names, and what is
//! known of its fate.

use narvi_model::Timestamp;

use super::ledger::{Line, Sent, Tick};
use super::setting::STREAMS;

/// Selectors, and which streams they choose.
pub(crate) const SELECTORS: [(&str, [bool; STREAMS]); 5] = [
    (r#"{app="s0"}"#, [true, false, false]),
    (r#"{app="s1"}"#, [false, true, false]),
    (r#"{app=~"s[12]"}"#, [false, true, true]),
    (r#"{app!="s1"}"#, [true, false, true]),
    ("{}", [true, true, true]),
];

/// Filters, and which words of lines they let through, which are 0, 1 and 2.
pub(crate) const FILTERS: [(&str, [bool; 3]); 5] = [
    ("", [true, true, true]),
    ("", [true, true, true]),
    (r#" |= " w=1 ""#, [false, true, false]),
    (r#" != " w=0 ""#, [false, true, true]),
    (r#" | logfmt | w="2""#, [false, false, true]),
];

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) selector: usize,
    pub(crate) filter: usize,
    pub(crate) first: Timestamp,
    pub(crate) last: Timestamp,
}

impl Asked {
    pub(crate) fn query(&self) -> String {
        format!("{}{}", SELECTORS[self.selector].0, FILTERS[self.filter].0)
    }

    /// Whether it names every line of a stream from `first` to `last`.
    pub(crate) fn is_whole(&self, stream: usize, first: Timestamp, last: Timestamp) -> bool {
        let all = FILTERS[self.filter].0.is_empty() && SELECTORS[self.selector].1[stream];
        all && self.first <= first && last <= self.last
    }

    pub(crate) fn names(&self, line: &Line) -> bool {
        SELECTORS[self.selector].1[line.stream]
            && FILTERS[self.filter].1[line.word()]
            && (self.first..=self.last).contains(&line.time)
    }
}

/// A request, and when what was heard of it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) asked: Asked,
    /// Its id, and when it was accepted.
    pub(crate) accepted: Option<(String, Tick)>,
    /// It was refused, and does nothing.
    pub(crate) is_refused: bool,
    /// Somebody has tried to take it back.
    pub(crate) is_doubtful: bool,
    /// It was taken back before anything was done.
    pub(crate) cancelled: Option<Tick>,
    /// Whether it was heeded when somebody looked last.
    pub(crate) is_active: bool,
    /// It was found to be among those of the past.
    pub(crate) retired: Option<Tick>,
}

impl Request {
    pub(crate) fn new(asked: Asked) -> Self {
        Self {
            asked,
            accepted: None,
            is_refused: false,
            is_doubtful: false,
            cancelled: None,
            is_active: false,
            retired: None,
        }
    }

    pub(crate) fn has_id(&self, id: &str) -> bool {
        self.accepted.as_ref().is_some_and(|(own, _)| own == id)
    }

    /// Whether who began to read at `began` may miss a line because of it, of which the last push
    /// that had been acknowledged by then began at `pushed`.
    pub(crate) fn may_hide(&self, line: &Line, (began, pushed): (Tick, Tick)) -> bool {
        let is_over = self.cancelled.is_some_and(|tick| tick <= began)
            || self.retired.is_some_and(|tick| tick <= pushed);
        !self.is_refused && !is_over && self.asked.names(line)
    }

    /// Whether who began to read at `began` must not meet a line. A line that was not sent anew
    /// since is gone for good; while the request is heeded, all are.
    pub(crate) fn hides(&self, sent: &Sent, began: Tick) -> bool {
        let Some((_, accepted)) = &self.accepted else {
            return false;
        };
        let is_old = sent.began < *accepted || self.is_active;
        *accepted <= began && !self.is_doubtful && is_old && self.asked.names(&sent.line)
    }

    /// Whether it is sure to be heeded by who began to read at `began`, up to the last look.
    pub(crate) fn is_heeded(&self, began: Tick) -> bool {
        let accepted = self.accepted.as_ref();
        accepted.is_some_and(|(_, tick)| *tick <= began) && !self.is_doubtful && self.is_active
    }
}
