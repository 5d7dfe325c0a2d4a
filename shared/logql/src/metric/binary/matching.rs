//! Pairs the samples of two sides at each step: one to one, or many to one with `group_left` and
//! `group_right`.
//!
//! What pairs is decided step by step: two series of the same matching labels are in each other's
//! way only where both have a sample.

use foldhash::HashMap;
use narvi_model::Labels;

use super::Operation;
use crate::limits::MAX_CELLS;
use crate::metric::{ABSENT, Matrix, MatrixSeries, SeriesKey, TooManySeries, is_absent};
use crate::syntax::ast::Cardinality;

/// Series of two sides that do not pair as they must; the texts are Loki's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// The side of which each series may pair with many has two for the same labels.
    #[error(
        "found duplicate series on the {side} hand-side;many-to-many matching not allowed: \
         matching labels must be unique on one side"
    )]
    Duplicate {
        /// `left` or `right`.
        side: &'static str,
    },
    /// Two series pair with one, which needs a `group_left` or `group_right`.
    #[error(
        "multiple matches for labels: many-to-one matching must be explicit \
         (group_left/group_right)"
    )]
    ManyToOne,
    /// Two series of the many side would make results with the same labels.
    #[error("multiple matches for labels: grouping labels must ensure unique matches")]
    Ambiguous,
    /// The result is larger than memory allows.
    #[error(transparent)]
    TooManySeries(#[from] TooManySeries),
}

/// No series of the one side has a sample.
const NOBODY: u32 = u32::MAX;

/// Computes an arithmetic operation or a comparison of two sides of series.
pub(super) fn pairs(
    operation: &Operation,
    left: Matrix,
    right: Matrix,
) -> Result<Matrix, MatchError> {
    let key = &operation.matching.key;
    let swapped = matches!(operation.matching.cardinality, Cardinality::GroupRight(_));
    let (many, one) = if swapped {
        (right, left)
    } else {
        (left, right)
    };
    let owners = owners(key, &one, if swapped { "left" } else { "right" })?;
    let mut taken = Taken::default();
    let mut result = Vec::new();
    let mut cells = 0_usize;
    for series in &many.series {
        let signature = key.of(&series.labels);
        let Some(owners) = owners.get(&signature) else {
            continue;
        };
        let results = pair(operation, series, owners, &one);
        cells = cells.saturating_add(results.len().saturating_mul(many.grid.len()));
        if cells > MAX_CELLS {
            return Err(TooManySeries.into());
        }
        for (series, paired) in results {
            let labels = match operation.matching.cardinality {
                Cardinality::OneToOne => None,
                _ => Some(series.labels.clone()),
            };
            taken.take((signature.clone(), labels), paired)?;
            result.push(series);
        }
    }
    Ok(Matrix {
        grid: many.grid,
        series: result,
    })
}

/// For the labels that match, the series of the one side that has the sample of each step.
fn owners(
    key: &SeriesKey,
    one: &Matrix,
    side: &'static str,
) -> Result<HashMap<Labels, Vec<u32>>, MatchError> {
    let mut owners: HashMap<Labels, Vec<u32>> = HashMap::default();
    for (place, series) in one.series.iter().enumerate() {
        let owner = owners
            .entry(key.of(&series.labels))
            .or_insert_with(|| vec![NOBODY; one.grid.len()]);
        for (owner, value) in owner.iter_mut().zip(&series.cells) {
            if is_absent(*value) {
                continue;
            }
            if *owner != NOBODY {
                return Err(MatchError::Duplicate { side });
            }
            *owner = place as u32;
        }
    }
    Ok(owners)
}

/// The results of one series of the many side, and at which steps each paired. There are several
/// only where labels are copied from series that take turns on the one side.
fn pair(
    operation: &Operation,
    series: &MatrixSeries,
    owners: &[u32],
    one: &Matrix,
) -> Vec<(MatrixSeries, Vec<bool>)> {
    let steps = owners.len();
    let mut results: Vec<(MatrixSeries, Vec<bool>)> = Vec::new();
    // Owners seldom change from step to step, so the last one's result is remembered.
    let (mut known, mut at) = (NOBODY, 0);
    for (step, (&value, &owner)) in series.cells.iter().zip(owners).enumerate() {
        if is_absent(value) || owner == NOBODY {
            continue;
        }
        let partner = &one.series[owner as usize];
        if owner != known {
            let labels = result_labels(operation, &series.labels, &partner.labels);
            let found = results.iter().position(|(made, _)| made.labels == labels);
            (known, at) = (owner, found.unwrap_or(results.len()));
            if found.is_none() {
                let cells = vec![ABSENT; steps];
                results.push((MatrixSeries { labels, cells }, vec![false; steps]));
            }
        }
        let other = partner.cells[step];
        // A filtering comparison keeps the left side, whichever side is many.
        let (left, right) = match operation.matching.cardinality {
            Cardinality::GroupRight(_) => (other, value),
            _ => (value, other),
        };
        let (result, paired) = &mut results[at];
        result.cells[step] = operation.cell((left, right), left);
        paired[step] = true;
    }
    results
}

fn result_labels(operation: &Operation, many: &Labels, one: &Labels) -> Labels {
    let copied = match &operation.matching.cardinality {
        Cardinality::OneToOne => {
            return match &operation.matching.key {
                SeriesKey::All => many.clone(),
                SeriesKey::By(_) => operation.matching.key.of(many),
                SeriesKey::Without(names) if names.is_empty() => many.clone(),
                SeriesKey::Without(names) => many.filter(|label| !names.iter().any(|n| n == label)),
            };
        }
        Cardinality::GroupLeft(copied) | Cardinality::GroupRight(copied) => copied,
    };
    let mut labels = many.clone();
    for name in copied {
        labels = match one.get(name).filter(|value| !value.is_empty()) {
            Some(value) => labels.with(name, value),
            None => labels.filter(|label| label != name),
        };
    }
    labels
}

/// Which results exist already at each step: by the labels that matched, and where several results
/// may share those, by their own.
#[derive(Default)]
struct Taken(HashMap<(Labels, Option<Labels>), Vec<bool>>);

impl Taken {
    fn take(&mut self, key: (Labels, Option<Labels>), paired: Vec<bool>) -> Result<(), MatchError> {
        let error = match key.1 {
            None => MatchError::ManyToOne,
            Some(_) => MatchError::Ambiguous,
        };
        let steps = paired.len();
        let taken = self.0.entry(key).or_insert_with(|| vec![false; steps]);
        for (taken, paired) in taken.iter_mut().zip(paired) {
            if *taken && paired {
                return Err(error);
            }
            *taken |= paired;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{matrix, operation, text, vector};
    use super::*;

    type Side<'a> = &'a [(&'a str, f64)];

    #[track_caller]
    fn check(op: &str, left: Side<'_>, right: Side<'_>, want: &str) {
        let result = pairs(&operation(op), vector(left), vector(right));
        let got = result.map_or_else(|error| error.to_string(), |matrix| text(&matrix));
        assert_eq!(got, want, "{op}");
    }

    #[test]
    fn one_to_one() {
        let left: Side<'_> = &[("a=1 b=1", 10.0), ("a=2 b=1", 20.0), ("a=3", 30.0)];
        let right: Side<'_> = &[("a=1 b=1", 1.0), ("a=2 b=2", 2.0), ("a=3", 30.0)];
        check("+", left, right, "a=1 b=1:11, a=3:60");
        check("- on(a)", left, right, "a=1:9, a=2:18, a=3:0");
        check("- ignoring(b)", left, right, "a=1:9, a=2:18, a=3:0");
        check("+ on(a, b)", left, right, "a=1 b=1:11, a=3:60");
        check("==", left, right, "a=3:30");
        check("!=", left, right, "a=1 b=1:10");
        check("> bool", left, right, "a=1 b=1:1, a=3:0");
        check("> on(a)", left, right, "a=1:10, a=2:20");
        check("/ on()", &[("a=1", 6.0)], &[("b=2", 3.0)], ":2");
        check("+", left, &[], "");
    }

    #[test]
    fn many_to_one() {
        let many: Side<'_> = &[("a=1 b=1", 10.0), ("a=1 b=2", 20.0), ("a=2 b=1", 30.0)];
        let one: Side<'_> = &[("a=1 c=x", 10.0), ("a=2 b=9", 5.0)];
        check(
            "/ on(a) group_left",
            many,
            one,
            "a=1 b=1:1, a=1 b=2:2, a=2 b=1:6",
        );
        check(
            "/ on(a) group_right",
            one,
            many,
            "a=1 b=1:1, a=1 b=2:0.5, a=2 b=1:0.16666666666666666",
        );
        check(
            "* on(a) group_left(c)",
            many,
            one,
            "a=1 b=1 c=x:100, a=1 b=2 c=x:200, a=2 b=1:150",
        );
        check("> on(a) group_left", many, one, "a=1 b=2:20, a=2 b=1:30");
        check("> on(a) group_right", one, many, "");
        check("< on(a) group_right", one, many, "a=1 b=2:10, a=2 b=1:5");
        check(
            "- ignoring(b, c) group_left(c, b)",
            many,
            &[("a=2 c=y", 1.0)],
            "a=2 c=y:29",
        );
        check(
            "+ on() group_left",
            many,
            &[("z=1", 1.0)],
            "a=1 b=1:11, a=1 b=2:21, a=2 b=1:31",
        );
    }

    #[test]
    fn texts() {
        let two: Side<'_> = &[("a=1 b=1", 1.0), ("a=1 b=2", 2.0)];
        let one: Side<'_> = &[("a=1", 1.0)];
        let duplicate = |side| MatchError::Duplicate { side }.to_string();
        assert_eq!(
            duplicate("right"),
            "found duplicate series on the right hand-side;many-to-many matching not allowed: \
             matching labels must be unique on one side"
        );
        check("+ on(a)", one, two, &duplicate("right"));
        check("+ on(a) group_left", two, two, &duplicate("right"));
        check("+ on(a) group_right", two, two, &duplicate("left"));
        check("+ on(a)", two, one, &MatchError::ManyToOne.to_string());
        // Even where the comparison would drop both.
        check(
            "> on(a)",
            two,
            &[("a=1", 9.0)],
            &MatchError::ManyToOne.to_string(),
        );
        check(
            "+ on(a) group_left(b)",
            two,
            one,
            &MatchError::Ambiguous.to_string(),
        );
    }

    #[test]
    fn each_step_pairs_anew() {
        let many = || {
            matrix(
                3,
                &[
                    ("a=1 b=1", &[1.0, 1.0, ABSENT]),
                    ("a=1 b=2", &[ABSENT, ABSENT, 3.0]),
                ],
            )
        };
        let one = || {
            matrix(
                3,
                &[
                    ("a=1 c=x", &[10.0, ABSENT, ABSENT]),
                    ("a=1 c=y", &[ABSENT, 20.0, 30.0]),
                ],
            )
        };
        let check = |op: &str, want: &str| {
            let result = pairs(&operation(op), many(), one()).unwrap();
            assert_eq!(text(&result), want, "{op}");
        };
        check("+ on(a)", "a=1:11 | a=1:21 | a=1:33");
        check(
            "+ on(a) group_left(c)",
            "a=1 b=1 c=x:11 | a=1 b=1 c=y:21 | a=1 b=2 c=y:33",
        );
    }
}
