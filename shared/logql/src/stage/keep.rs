//! `| keep a, b="c"`: removes every label but these (spec `logql.md` §10). Errors stay.

use super::drop::Item;
use super::{NameId, Names, Row};

/// Removes labels that no item asks for.
#[derive(Debug)]
pub(super) struct Keep {
    items: Vec<Item>,
    /// The label that says that errors are asked for, which stays as they do.
    preserved: NameId,
}

impl Keep {
    pub(super) fn new(items: Vec<Item>, names: &mut Names) -> Self {
        Self {
            items,
            preserved: names.id("__preserve_error__"),
        }
    }

    pub(super) fn run(&self, row: &mut Row<'_>) {
        row.retain_labels(|name, value| {
            let asked = |item: &Item| match item {
                Item::Name(kept) => *kept == name,
                Item::Match(label) => label.name == name && label.holds(value),
            };
            name == self.preserved || self.items.iter().any(asked)
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn labels_stay() {
        for (pipeline, want) in [
            ("| keep a", r#"{a="one"}"#),
            ("| keep a, b, nope", r#"{a="one", b="2"}"#),
            (r#"| keep a="one", b="two""#, r#"{a="one"}"#),
            (r#"| keep a!="one", b=~"[0-9]""#, r#"{b="2"}"#),
            (r#"| keep a="one", a="two""#, r#"{a="one"}"#),
            (
                "| a > 5 | keep app",
                "{__error__=\"LabelFilterErr\", __error_details__=\
                 \"strconv.ParseFloat: parsing \\\"one\\\": invalid syntax\", app=\"x\"}",
            ),
        ] {
            let labels = [("app", "x"), ("a", "one"), ("b", "2")];
            let (_, got) = run(pipeline, &labels, "line").unwrap();
            assert_eq!(got, want, "{pipeline}");
        }
    }
}
