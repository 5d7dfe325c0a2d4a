//! What an expression takes once it is compiled, before it is.

use regex_syntax::hir::{Class, Hir, HirKind};

/// Memory of a state of the automaton and of the ways out of it, about; there are two automata,
/// one of which runs backwards.
const STATE_BYTES: usize = 64;

/// Memory of a place that a group may begin or end at; a search keeps two sets.
const PLACE_BYTES: usize = 2 * 2 * size_of::<usize>();

/// Bytes of the compiled expression, within a factor of a few.
pub(super) fn compiled(hir: &Hir) -> usize {
    states(hir).saturating_mul(STATE_BYTES)
}

/// Bytes that a search takes which tells where each group matched: each state has a place for each
/// group.
pub(super) fn searched(hir: &Hir) -> usize {
    let groups = 1 + hir.properties().explicit_captures_len();
    let places = states(hir).saturating_mul(groups);
    places.saturating_mul(PLACE_BYTES)
}

/// States of the automaton, about. Calls itself as deep as the expression nests, which
/// `regex_syntax` bounds.
fn states(hir: &Hir) -> usize {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(Class::Bytes(_)) => 1,
        HirKind::Literal(literal) => literal.0.len(),
        // A range of characters becomes some sequences of ranges of bytes.
        HirKind::Class(Class::Unicode(class)) if class.is_ascii() => 1,
        HirKind::Class(Class::Unicode(class)) => 2 + 2 * class.ranges().len(),
        HirKind::Capture(capture) => states(&capture.sub).saturating_add(2),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(1, |sum, part| sum.saturating_add(states(part))),
        HirKind::Repetition(repetition) => {
            let times = repetition.max.unwrap_or(repetition.min).max(1);
            (states(&repetition.sub).saturating_add(1)).saturating_mul(times as usize)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::regexp::Expression;

    #[test]
    fn sizes_are_near_those_of_compiled_expressions() {
        for pattern in [
            "abc",
            "(foo|bar).*baz",
            r"\d{1,3}(\.\d{1,3}){3}",
            r"(?i)error|warn(ing)?|fatal",
            ".{0,1000}x",
            "[^ ]{100}",
            r"\pL{40}",
            r"(?i)\p{Greek}{40}",
            &"abcdefgh".repeat(500),
            &["GET", "POST", "é", "日本"].join("|").repeat(40),
        ] {
            let expression = Expression::parse(pattern).unwrap();
            let guess = compiled(&regex_syntax::parse(expression.as_rust()).unwrap());
            let (mut low, mut high) = (0, super::super::MAX_BYTES);
            while high - low > 64 {
                let middle = low.midpoint(high);
                match expression.compile_within(middle) {
                    Ok(_) => high = middle,
                    Err(_) => low = middle,
                }
            }
            let shown: String = pattern.chars().take(20).collect();
            let near = high / 3..=high.max(100) * 3;
            assert!(
                near.contains(&guess) || guess < 100_000,
                "{shown}: {guess}, {high}"
            );
        }
    }
}
