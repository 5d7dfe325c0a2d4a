//! `label_replace`: a label written from what an expression finds in another (spec `logql.md` §16).

use narvi_model::Labels;
use regex::{Captures, Regex, RegexBuilder};

use super::Matrix;
use crate::limits::MAX_REGEX_BYTES;
use crate::syntax::{ast, regexp};

/// A compiled `label_replace`.
#[derive(Debug)]
pub struct LabelReplace {
    destination: Box<str>,
    source: Box<str>,
    regex: Regex,
    replacement: Vec<Piece>,
}

/// A part of the replacement.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(Box<str>),
    Group(usize),
}

impl LabelReplace {
    /// Compiles the expression and the replacement.
    ///
    /// # Errors
    /// Why the expression does not compile, in Go's words.
    pub fn compile(replace: &ast::LabelReplace) -> Result<Self, String> {
        let pattern = format!("^(?:{})$", replace.regex);
        let regex = RegexBuilder::new(&pattern)
            .size_limit(MAX_REGEX_BYTES)
            .build()
            .map_err(|_| regexp::refusal(&pattern))?;
        Ok(Self {
            destination: replace.destination.as_str().into(),
            source: replace.source.as_str().into(),
            replacement: pieces(&replace.replacement, &regex),
            regex,
        })
    }

    /// Replaces in every series. Series whose labels become the same stay apart.
    #[must_use]
    pub fn apply(&self, mut matrix: Matrix) -> Matrix {
        for series in &mut matrix.series {
            if let Some(labels) = self.replaced(&series.labels) {
                series.labels = labels;
            }
        }
        matrix
    }

    /// The new labels; `None` where the expression does not match.
    fn replaced(&self, labels: &Labels) -> Option<Labels> {
        let captures = self
            .regex
            .captures(labels.get(&self.source).unwrap_or_default())?;
        let value = self.expand(&captures);
        Some(if value.is_empty() {
            labels.filter(|name| *name != *self.destination)
        } else {
            labels.with(&self.destination, &value)
        })
    }

    fn expand<'a>(&'a self, captures: &Captures<'a>) -> String {
        let text = |piece: &'a Piece| match piece {
            Piece::Text(text) => &**text,
            Piece::Group(group) => captures.get(*group).map_or("", |found| found.as_str()),
        };
        self.replacement.iter().map(text).collect()
    }
}

/// Reads a replacement as Go's `Regexp.Expand` does: `$1`, `$name` (as long as letters, digits and
/// `_` go), `${1}`, `$$`; what no group is called is empty, any other `$` stands for itself.
fn pieces(replacement: &str, regex: &Regex) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
            continue;
        }
        let Some((name, after)) = reference(after) else {
            text.push('$');
            rest = after;
            continue;
        };
        rest = after;
        if let Some(group) = group(name, regex) {
            pieces.push(Piece::Text(std::mem::take(&mut text).into()));
            pieces.push(Piece::Group(group));
        }
    }
    text.push_str(rest);
    pieces.push(Piece::Text(text.into()));
    pieces.retain(|piece| *piece != Piece::Text("".into()));
    pieces
}

/// The name after a `$` and what follows it.
fn reference(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let inner = braced.unwrap_or(text);
    let end = inner
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    let after = match braced {
        Some(_) => after.strip_prefix('}')?,
        None => after,
    };
    (!name.is_empty()).then_some((name, after))
}

/// The place of the group with this number or name.
fn group(name: &str, regex: &Regex) -> Option<usize> {
    let is_number =
        name.bytes().all(|c| c.is_ascii_digit()) && (name == "0" || !name.starts_with('0'));
    if is_number {
        return name.parse().ok();
    }
    regex.capture_names().position(|group| group == Some(name))
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;
    use crate::metric::Grid;

    #[track_caller]
    fn check(arguments: [&str; 4], labels: &[(&str, &str)], want: &str) {
        let [destination, replacement, source, regex] = arguments.map(str::to_owned);
        let inner = ast::MetricExpr {
            kind: ast::MetricKind::VectorLiteral(1.0),
            span: ast::Span::default(),
        };
        let replace = ast::LabelReplace {
            inner,
            destination,
            replacement,
            source,
            regex,
        };
        let grid = Grid::instant(Timestamp::from_seconds(1));
        let mut matrix = Matrix::constant(grid, 1.0);
        matrix.series[0].labels = Labels::from_pairs(labels.iter().copied());
        let matrix = LabelReplace::compile(&replace).unwrap().apply(matrix);
        assert_eq!(matrix.series[0].labels.to_string(), want, "{replace:?}");
    }

    #[test]
    fn labels() {
        let prod = [("env", "prod")];
        let unchanged = r#"{env="prod"}"#;
        check(
            ["e", "$1", "env", "(.*)"],
            &prod,
            r#"{e="prod", env="prod"}"#,
        );
        check(
            ["e", "${1}x", "env", "p(.*)"],
            &prod,
            r#"{e="rodx", env="prod"}"#,
        );
        check(["e", "$1x", "env", "p(.*)"], &prod, unchanged);
        check(["e", "$1", "env", "p"], &prod, unchanged);
        check(
            ["e", "$0-$$", "env", "p.*"],
            &prod,
            r#"{e="prod-$", env="prod"}"#,
        );
        check(
            ["x", "const", "nope", ""],
            &prod,
            r#"{env="prod", x="const"}"#,
        );
        check(["env", "", "env", ".*"], &prod, "{}");
        check(["env", "$2", "env", "(p)|(x)"], &prod, unchanged);
        check(["env", "$2", "env", "(p.*)|(x)"], &prod, "{}");
        check(
            ["env", "$first", "env", "(?P<first>.).*"],
            &prod,
            r#"{env="p"}"#,
        );
        check(
            ["e", "$ ${ $- ${a-b} $", "env", ".*"],
            &prod,
            r#"{e="$ ${ $- ${a-b} $", env="prod"}"#,
        );
        check(
            ["e", "a$01b${9}c", "env", ".*"],
            &prod,
            r#"{e="ac", env="prod"}"#,
        );
    }
}
