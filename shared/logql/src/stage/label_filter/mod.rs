//! `| a = "b" and c > 5`: keeps or drops lines by their labels (spec `logql.md` §8).
//!
//! [`LabelFilter`] is a tree of conditions, each with its file. Where a condition cannot read its
//! label the line is kept with an error, so it matters which conditions are evaluated: `or` stops
//! at a left side that holds, `and` evaluates both.

mod address;
mod number;
mod text;

use super::label_match::LabelMatch;
use super::{NameId, Names, Row};
use crate::plan::PlanError;
use crate::required::Required;
use crate::syntax::ast::{self, LabelCondition, LabelFilterKind};

use address::AddressCondition;
use number::NumberCondition;

/// Conditions that a line must all meet.
#[derive(Debug)]
pub(super) struct LabelFilter {
    all: Vec<Node>,
}

#[derive(Debug)]
enum Node {
    /// Always holds.
    Any,
    Text(LabelMatch),
    Number(NumberCondition),
    Address(AddressCondition),
    And(Box<Node>, Box<Node>),
    Or(Box<Node>, Box<Node>),
}

impl LabelFilter {
    /// Compiles a filter; `None` where it lets every line through.
    pub(super) fn compile(
        filter: &ast::LabelFilter,
        names: &mut Names,
    ) -> Result<Option<Self>, PlanError> {
        let refused = |cause| PlanError::stage(&format_args!("| {filter}"), cause);
        let mut all = Vec::new();
        Node::compile(filter, names)
            .map_err(refused)?
            .flatten(&mut all);
        Ok((!all.is_empty()).then_some(Self { all }))
    }

    /// The labels that its conditions name.
    pub(super) fn reads(&self, names: &mut Vec<NameId>) {
        self.all.iter().for_each(|node| node.reads(names));
    }

    /// What follows from a line being kept, where its labels are those of its stream, metadata, or
    /// parts of the line.
    pub(super) fn required(&self, names: &Names) -> Required {
        Required::all(self.all.iter().map(|node| node.required(names)))
    }

    /// Whether the line is kept. Of a line that is dropped nobody sees the errors, so the first
    /// condition that does not hold ends it.
    pub(super) fn keeps(&self, row: &mut Row<'_>) -> bool {
        self.all.iter().all(|node| node.holds(row))
    }
}

impl Node {
    fn compile(filter: &ast::LabelFilter, names: &mut Names) -> Result<Self, String> {
        Ok(match &filter.kind {
            LabelFilterKind::And(left, right) => Self::And(
                Box::new(Self::compile(left, names)?),
                Box::new(Self::compile(right, names)?),
            ),
            LabelFilterKind::Or(left, right) => Self::Or(
                Box::new(Self::compile(left, names)?),
                Box::new(Self::compile(right, names)?),
            ),
            LabelFilterKind::Condition(condition) => Self::condition(condition, names)?,
        })
    }

    fn condition(condition: &LabelCondition, names: &mut Names) -> Result<Self, String> {
        Ok(match condition {
            LabelCondition::Text(matcher) if text::finds_all(matcher) => Self::Any,
            LabelCondition::Text(matcher) => Self::Text(LabelMatch::compile(matcher, names)?),
            LabelCondition::Number {
                name,
                comparison,
                number,
            } => Self::Number(NumberCondition::new(names.id(name), *comparison, *number)),
            LabelCondition::Ip { name, op, pattern } => {
                Self::Address(AddressCondition::compile(names.id(name), *op, pattern)?)
            }
        })
    }

    /// Takes a conjunction apart.
    fn flatten(self, all: &mut Vec<Self>) {
        match self {
            Self::Any => {}
            Self::And(left, right) => {
                left.flatten(all);
                right.flatten(all);
            }
            node => all.push(node),
        }
    }

    fn reads(&self, names: &mut Vec<NameId>) {
        match self {
            Self::Any => {}
            Self::Text(condition) => names.push(condition.name),
            Self::Number(condition) => names.push(condition.name),
            Self::Address(condition) => names.push(condition.name),
            Self::And(left, right) | Self::Or(left, right) => {
                left.reads(names);
                right.reads(names);
            }
        }
    }

    fn required(&self, names: &Names) -> Required {
        match self {
            // A line is kept, too, where a number or an address cannot be read.
            Self::Any | Self::Number(_) | Self::Address(_) => Required::Anything,
            Self::Text(condition) => text::required(condition, names),
            Self::And(left, right) => left.required(names).and(right.required(names)),
            Self::Or(left, right) => Required::any([left.required(names), right.required(names)]),
        }
    }

    fn holds(&self, row: &mut Row<'_>) -> bool {
        match self {
            Self::Any => true,
            Self::Text(condition) => text::holds(condition, row),
            Self::Number(condition) => condition.holds(row),
            Self::Address(condition) => condition.holds(row),
            Self::And(left, right) => {
                let left = left.holds(row);
                right.holds(row) && left
            }
            Self::Or(left, right) => left.holds(row) || right.holds(row),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::plan::Plan;
    use crate::stage::tests::run;
    use crate::syntax;

    /// Runs a filter over a line of a stream with some labels; what is kept shows its error.
    #[track_caller]
    fn check(filter: &str, want: Option<&str>) {
        let labels = [("app", "x"), ("n", "5"), ("s", "str"), ("ip", "10.1.2.3")];
        let got = run(&format!("| {filter}"), &labels, "line");
        let stream = r#"app="x", ip="10.1.2.3", n="5", s="str""#;
        let got = got.map(|(_, labels)| labels.replace(stream, "…"));
        assert_eq!(got.as_deref(), want, "{filter}");
    }

    const KEPT: Option<&str> = Some("{…}");
    const FAILED: Option<&str> = Some(
        "{__error__=\"LabelFilterErr\", \
         __error_details__=\"strconv.ParseFloat: parsing \\\"str\\\": invalid syntax\", …}",
    );

    #[test]
    fn trees() {
        check(r#"app="x" and n=5"#, KEPT);
        check(r#"app="y" and n=5"#, None);
        check(r#"app="y" or n=5"#, KEPT);
        check(r#"app="y" or n=6"#, None);
        check(r#"app="x", s!="str""#, None);
        check(r#"(app="y" or n=5) and s="str""#, KEPT);
    }

    #[test]
    fn which_sides_are_evaluated() {
        check(r#"app="x" or s > 5"#, KEPT);
        check(r#"app="y" or s > 5"#, FAILED);
        check(r#"s > 5 or app="x""#, FAILED);
        check(r#"(app="y" and s > 5) or app="x""#, FAILED);
        check(r#"app="y" and s > 5"#, None);
        check(r#"s > 5 and app="x""#, FAILED);
        check(r#"s > 5 | __error__="""#, None);
        check(r#"s > 5 | __error__="LabelFilterErr""#, FAILED);
        check(r#"s > 5 | __error__=~".+" | __error_details__="""#, FAILED);
    }

    #[test]
    fn what_always_holds_reads_nothing() {
        for (filter, reads) in [
            (r#"a=~".*""#, "{}"),
            (r#"a=~".*" and b="""#, r#"{b="2"}"#),
            (r#"a=~".*" or b="""#, r#"{b="2"}"#),
        ] {
            let query = format!(r#"sum(count_over_time({{app="x"}} | {filter} [1m]))"#);
            let Plan::Metric(plan) = Plan::new(&syntax::parse(&query).unwrap()).unwrap() else {
                panic!("a metric query")
            };
            let reads_something = !plan.scans[0].source.pipeline.only_filters();
            assert_eq!(reads_something, reads != "{}", "{filter}");
        }
    }

    #[test]
    fn mistakes_name_the_stage() {
        let query = syntax::parse(r#"{app="x"} | a=ip("xx")"#).unwrap();
        let error = Plan::new(&query).unwrap_err().to_string();
        let want = r#"stage '| a=ip("xx")' : ip: invalid pattern: "xx""#;
        assert_eq!(error, format!("parse error : {want}"));
    }
}
