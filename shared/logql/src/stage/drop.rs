//! `| drop a, b="c"`: removes labels (spec `logql.md` §10).

use super::label_match::LabelMatch;
use super::{NameId, Names, Row};
use crate::syntax::ast::LabelItem;

/// Removes labels, errors among them.
#[derive(Debug)]
pub(super) struct Drop {
    items: Vec<Item>,
}

#[derive(Debug)]
pub(super) enum Item {
    Name(NameId),
    Match(LabelMatch),
}

impl Item {
    /// Compiles items; in the words of Go what is wrong with one.
    pub(super) fn compile(items: &[LabelItem], names: &mut Names) -> Result<Vec<Self>, String> {
        let mut item = |item: &LabelItem| match item {
            LabelItem::Name(name) => Ok(Self::Name(names.id(name))),
            LabelItem::Matcher(matcher) => LabelMatch::compile(matcher, names).map(Self::Match),
        };
        items.iter().map(&mut item).collect()
    }
}

impl Drop {
    pub(super) const fn new(items: Vec<Item>) -> Self {
        Self { items }
    }

    pub(super) fn run(&self, row: &mut Row<'_>) {
        for item in &self.items {
            match item {
                Item::Name(name) => row.remove(*name),
                Item::Match(label) => {
                    if label.holds(row.get(label.name).unwrap_or_default()) {
                        row.remove(label.name);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn labels_vanish() {
        let error = "| a > 5";
        for (pipeline, want) in [
            ("| drop a", r#"{app="x", b="2"}"#),
            ("| drop a, nope, app", r#"{b="2"}"#),
            (r#"| drop a="one", b="two""#, r#"{app="x", b="2"}"#),
            (r#"| drop a!="one", b!="two""#, r#"{a="one", app="x"}"#),
            (r#"| drop a=~"o.*", b=~"o.*""#, r#"{app="x", b="2"}"#),
            (r#"| drop nope="""#, r#"{a="one", app="x", b="2"}"#),
            (
                &format!("{error} | drop __error__"),
                r#"{a="one", app="x", b="2"}"#,
            ),
            (
                &format!(r#"{error} | drop __error__="JSONParserErr", __error_details__"#),
                r#"{__error__="LabelFilterErr", a="one", app="x", b="2"}"#,
            ),
            (
                &format!(r#"{error} | drop __error__=~"Label.*", __error_details__=~".*syntax""#),
                r#"{a="one", app="x", b="2"}"#,
            ),
        ] {
            let labels = [("app", "x"), ("a", "one"), ("b", "2")];
            let (_, got) = run(pipeline, &labels, "line").unwrap();
            assert_eq!(got, want, "{pipeline}");
        }
    }
}
