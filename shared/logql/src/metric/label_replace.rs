//! `label_replace`: a label written from what an expression finds in another (spec `logql.md` §16).

use narvi_model::Labels;
use narvi_model::regexp::{Expression, referenced};
use regex::bytes::{Captures, Regex};

use super::Matrix;
use crate::syntax::ast;

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
    /// Those that a name may mean, of which the first that took part counts.
    Groups(Box<[usize]>),
}

impl LabelReplace {
    /// Compiles the expression and the replacement.
    ///
    /// # Errors
    /// Why the expression does not compile, in Go's words.
    pub fn compile(replace: &ast::LabelReplace) -> Result<Self, String> {
        let pattern = format!("^(?:{})$", replace.regex);
        let regex = Expression::parse(&pattern)?.compile()?;
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
        let source = labels.get(&self.source).unwrap_or_default();
        let captures = self.regex.captures(source.as_bytes())?;
        let value = self.expand(source, &captures);
        Some(if value.is_empty() {
            labels.filter(|name| *name != *self.destination)
        } else {
            labels.with(&self.destination, &value)
        })
    }

    fn expand<'a>(&'a self, source: &'a str, captures: &Captures<'_>) -> String {
        let text = |piece: &'a Piece| match piece {
            Piece::Text(text) => &**text,
            Piece::Groups(groups) => {
                let found = groups.iter().find_map(|group| captures.get(*group));
                let text = found.and_then(|found| source.get(found.range()));
                text.unwrap_or_default()
            }
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
        pieces.push(Piece::Text(std::mem::take(&mut text).into()));
        pieces.push(Piece::Groups(referenced(name, regex).collect()));
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
        // Sound within the parentheses that are put around it; a name may come twice.
        check(["env", "$1", "env", "p)(.*"], &prod, r#"{env="rod"}"#);
        let twice = "(?P<1a>x)|(?P<1a>p).*";
        check(["env", "${1a}", "env", twice], &prod, r#"{env="p"}"#);
    }
}
