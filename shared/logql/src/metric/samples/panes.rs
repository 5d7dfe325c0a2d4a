//! [`Panes`]: what the windows of one series are put together from.
//!
//! A [`Pane`] is a run of times that lie in the windows of the same steps. Neighbouring windows
//! share panes, so a sample is looked at once however many windows it lies in, and [`slide`] joins
//! the panes of each window with about three merges a pane, however long the range is. What is
//! kept of a pane's samples ([`Content`]) is the business of each function.

use super::{SampleOrder, TooManyValues};
use crate::metric::{TooManySeries, Window};

/// Samples of one series in one pane, ascending in time; never empty.
pub(super) struct Run<'a> {
    pub(super) order: SampleOrder,
    pub(super) times: &'a [i64],
    pub(super) values: &'a [f64],
}

/// What a pane keeps of its samples.
pub(super) trait Content: Sized {
    fn of(run: &Run<'_>) -> Self;

    /// Takes in what another part found in the same pane; the times of the two may interleave.
    fn absorb(&mut self, other: Self);

    /// Memory beyond the size of the type, in cells of 8 bytes.
    fn heap_cells(&self) -> usize {
        0
    }

    /// What is said when there is too much of it.
    fn refusal() -> TooManyValues {
        TooManyValues::Series(TooManySeries)
    }
}

/// Content of fixed size that merges, so that windows can be put together from panes.
pub(super) trait Summary: Clone {
    fn of(run: &Run<'_>) -> Self;

    /// Takes in what is of later panes, or of another part of the same pane.
    fn merge(&mut self, later: &Self);
}

impl<S: Summary> Content for S {
    fn of(run: &Run<'_>) -> Self {
        S::of(run)
    }

    fn absorb(&mut self, other: Self) {
        self.merge(&other);
    }
}

/// One pane.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Pane<C> {
    /// The first step whose window holds it, and the one after the last. Both only grow from pane
    /// to pane, so that panes stand in the order of time.
    steps: (u32, u32),
    pub(super) content: C,
}

impl<C> Pane<C> {
    pub(super) const CELLS: usize = size_of::<Self>().div_ceil(size_of::<f64>());

    pub(super) fn map<D>(self, change: impl FnOnce(C) -> D) -> Pane<D> {
        Pane {
            steps: self.steps,
            content: change(self.content),
        }
    }

    const fn from(&self) -> usize {
        self.steps.0 as usize
    }

    const fn to(&self) -> usize {
        self.steps.1 as usize
    }
}

/// The panes of one series that have samples, in the order of time.
#[derive(Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Panes<C>(Vec<Pane<C>>);

impl<C> Default for Panes<C> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<C: Content> Panes<C> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds samples, ascending in time; answers how many cells that took.
    pub(super) fn add(&mut self, window: &Window, samples: &Run<'_>) -> usize {
        let before = self.0.len();
        let mut added = 0;
        let mut late = Vec::new();
        for (run, steps) in window.runs(samples.times) {
            let content = C::of(&Run {
                order: samples.order,
                times: &samples.times[run.clone()],
                values: &samples.values[run],
            });
            added += content.heap_cells();
            let pane = Pane {
                steps: (steps.start as u32, steps.end as u32),
                content,
            };
            match self.0.last_mut() {
                Some(last) if pane.steps < last.steps => late.push(pane),
                Some(last) if pane.steps == last.steps => last.content.absorb(pane.content),
                _ => self.0.push(pane),
            }
        }
        added += (self.0.len() - before) * Pane::<C>::CELLS;
        added + self.merge_panes(Self(late)) * Pane::<C>::CELLS
    }

    /// Adds the panes of another part of the same series; answers how many cells that took.
    pub(super) fn merge(&mut self, others: Self) -> usize {
        let heap = others.0.iter().map(|pane| pane.content.heap_cells());
        heap.sum::<usize>() + self.merge_panes(others) * Pane::<C>::CELLS
    }

    /// Merges panes in, and answers how many are new.
    fn merge_panes(&mut self, others: Self) -> usize {
        let Some(first) = others.0.first() else {
            return 0;
        };
        let len = self.0.len();
        let before = self.0.partition_point(|pane| pane.steps < first.steps);
        let mut mine = self.0.split_off(before).into_iter().peekable();
        for other in others.0 {
            while let Some(pane) = mine.next_if(|pane| pane.steps < other.steps) {
                self.0.push(pane);
            }
            match mine.next_if(|pane| pane.steps == other.steps) {
                Some(mut pane) => {
                    pane.content.absorb(other.content);
                    self.0.push(pane);
                }
                None => self.0.push(other),
            }
        }
        self.0.extend(mine);
        self.0.len() - len
    }

    pub(super) fn into_vec(self) -> Vec<Pane<C>> {
        self.0
    }
}

/// Calls `each` with every step that has samples in its window, and what the window holds.
///
/// The front panes of a window are kept as the merges of each with all after it, the rest as one
/// merge; when the front is used up, all that is left becomes it.
pub(super) fn slide<S: Summary>(panes: &[Pane<S>], mut each: impl FnMut(usize, &S)) {
    struct Queue<S> {
        front: Vec<S>,
        back: Option<S>,
    }
    let mut queue = Queue {
        front: Vec::new(),
        back: None,
    };
    let moves = |queue: &mut Queue<S>, content: &S, to| match (to, &mut queue.back) {
        (Move::In, Some(back)) => back.merge(content),
        (Move::In, None) => queue.back = Some(content.clone()),
        (Move::Out, _) => {
            if queue.front.pop().is_none() {
                queue.back = None;
            }
        }
    };
    walk(panes, &mut queue, moves, |queue, step, window| {
        if queue.front.is_empty() {
            for pane in window.iter().rev() {
                let mut whole = pane.content.clone();
                if let Some(rest) = queue.front.last() {
                    whole.merge(rest);
                }
                queue.front.push(whole);
            }
            queue.back = None;
        }
        match (queue.front.last(), &queue.back) {
            (Some(front), Some(back)) => {
                let mut whole = front.clone();
                whole.merge(back);
                each(step, &whole);
            }
            (Some(front), None) => each(step, front),
            (None, _) => {}
        }
    });
}

/// Calls `moves` for every pane that comes into the windows or leaves them from step to step, and
/// then `each` with the panes of the step's window where there are any.
pub(super) fn walk<C, T>(
    panes: &[Pane<C>],
    state: &mut T,
    mut moves: impl FnMut(&mut T, &C, Move),
    mut each: impl FnMut(&mut T, usize, &[Pane<C>]),
) {
    let (Some(first), Some(last)) = (panes.first(), panes.last()) else {
        return;
    };
    let (mut start, mut end) = (0, 0);
    for step in first.from()..last.to() {
        while let Some(pane) = panes.get(end).filter(|pane| pane.from() <= step) {
            moves(state, &pane.content, Move::In);
            end += 1;
        }
        while let Some(pane) = panes[start..end].first().filter(|pane| pane.to() <= step) {
            moves(state, &pane.content, Move::Out);
            start += 1;
        }
        if start < end {
            each(state, step, &panes[start..end]);
        }
    }
}

/// Whether a pane comes into a window or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Move {
    In,
    Out,
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    /// Keeps the values as text, so that order and multiplicity show.
    #[derive(Clone, Debug, PartialEq)]
    struct Text(String);

    impl Summary for Text {
        fn of(run: &Run<'_>) -> Self {
            Self(run.values.iter().map(|value| format!("{value} ")).collect())
        }

        fn merge(&mut self, later: &Self) {
            self.0.push_str(&later.0);
        }
    }

    fn text_at(window: &Window, parts: &[&[i64]]) -> Vec<String> {
        let mut panes = Panes::<Text>::default();
        for times in parts {
            let values: Vec<f64> = times.iter().map(|&time| time as f64).collect();
            let order = SampleOrder {
                stream: 0,
                arrival: 0,
            };
            let mut part = Panes::<Text>::default();
            part.add(
                window,
                &Run {
                    order,
                    times,
                    values: &values,
                },
            );
            panes.merge(part);
        }
        let mut texts = vec![String::new(); window.grid().len()];
        slide(&panes.into_vec(), |step, text| {
            texts[step] = text.0.trim_end().to_owned();
        });
        texts
    }

    #[test]
    fn windows_hold_their_samples_in_order() {
        for (step, range, offset) in [
            (10, 10, 0),
            (10, 3, 0),
            (10, 35, 0),
            (3, 100, 0),
            (7, 20, -4),
            (1, 13, 5),
        ] {
            let (start, end) = (Timestamp::from_nanos(20), Timestamp::from_nanos(90));
            let window = Grid::range(start, end, step).unwrap().window(range, offset);
            // In parts whose panes do not meet in the middle, the late one first.
            let late: Vec<i64> = (61..120).step_by(2).collect();
            let early: Vec<i64> = (0..30).step_by(3).collect();
            let texts = text_at(&window, &[&late, &early]);
            for (step, text) in texts.iter().enumerate() {
                let end = window.grid().time(step).nanos() - offset;
                let inside = |time: &&i64| end - range < **time && **time <= end;
                let want: Vec<String> = early
                    .iter()
                    .chain(&late)
                    .filter(inside)
                    .map(ToString::to_string)
                    .collect();
                assert_eq!(*text, want.join(" "), "{window:?} step {step}");
            }
        }
    }

    #[test]
    fn parts_of_one_pane_meet() {
        let grid = Grid::range(Timestamp::from_nanos(10), Timestamp::from_nanos(30), 10).unwrap();
        let texts = text_at(&grid.window(10, 0), &[&[5, 25], &[7, 15], &[28]]);
        assert_eq!(texts, ["5 7", "15", "25 28"]);
    }
}
