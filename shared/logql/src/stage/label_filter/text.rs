//! `a = "b"`, `a =~ "b.*"`: the text of a label. An absent label is an empty one.

use narvi_model::{MatchOp, Matcher};

use crate::required::Required;
use crate::stage::label_match::LabelMatch;
use crate::stage::{NameId, Names, Row};

/// Whether every value meets a condition, so that its label need not be read.
pub(super) fn finds_all(matcher: &Matcher) -> bool {
    matcher.op() == MatchOp::Regex && matcher.value() == ".*"
}

/// Whether a line meets a condition. `__error__` is a label here, what it says is not.
pub(super) fn holds(condition: &LabelMatch, row: &Row<'_>) -> bool {
    let value = match condition.name {
        NameId::DETAILS => None,
        name => row.get(name),
    };
    condition.holds(value.unwrap_or_default())
}

/// What follows from a line meeting a condition. What errors say does not stand in lines.
pub(super) fn required(condition: &LabelMatch, names: &Names) -> Required {
    match names.text(condition.name) {
        name if name.starts_with("__") => Required::Anything,
        name => condition.required().in_label(name),
    }
}

#[cfg(test)]
mod tests {
    use crate::stage::tests::run;

    #[test]
    fn texts() {
        for (filter, kept) in [
            (r#"s="str""#, true),
            (r#"s!="str""#, false),
            (r#"s=~"s.*""#, true),
            (r#"s=~"t.*""#, false),
            (r#"s=~".*t.*""#, true),
            (r#"s=~"(?i)STR""#, true),
            (r#"s!~"t.*""#, true),
            (r#"s!~".*""#, false),
            (r#"b="""#, true),
            (r#"b!="x""#, true),
            (r#"b!~"x""#, true),
            (r#"b=~"x|""#, true),
            (r#"b=~".+""#, false),
            (r#"b=~".*""#, true),
            (r#"__error__="""#, true),
        ] {
            let got = run(&format!("| {filter}"), &[("s", "str")], "line");
            assert_eq!(got.is_some(), kept, "{filter}");
        }
    }
}
