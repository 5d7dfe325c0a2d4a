//! `|= != |~ !~ |> !>`: keeps or drops lines by what they hold.
//!
//! [`LineFilter`] is one filter with its `or` alternatives, each a [`Searcher`]. While a whole run
//! of rows is in play, a searcher runs over the one buffer that holds them and hits are mapped back
//! to rows; once rows are scattered, each is searched alone. Rules: spec `logql.md` §6.

mod ip;
mod pattern;
mod regex;
mod text;

use std::ops::Range;

use crate::batch::{Batch, LineColumn, Selection};
use crate::plan::PlanError;
use crate::required::Required;
use crate::running::Running;
use crate::syntax::ast::{self, FilterText, LineFilterOp};

pub(super) use ip::IpSearch;
use pattern::PatternSearch;
use regex::RegexSearch;
use text::TextSearch;

/// One line filter.
#[derive(Debug)]
pub(super) struct LineFilter {
    /// A line that any of these finds is kept, or dropped where `negative`.
    searchers: Vec<Searcher>,
    negative: bool,
}

/// What one alternative looks for.
#[derive(Debug)]
enum Searcher {
    Text(TextSearch),
    Regex(Box<RegexSearch>),
    Pattern(PatternSearch),
    Ip(IpSearch),
}

impl LineFilter {
    /// Compiles a filter; `None` where it lets every line through.
    ///
    /// An alternative that every line meets is left out of an `or` chain, as Loki does; alone it
    /// decides the filter.
    pub(super) fn compile(filter: &ast::LineFilter) -> Result<Option<Self>, PlanError> {
        let negative = filter.op.is_negative();
        let chained = filter.alternatives.len() > 1;
        let mut searchers = Vec::with_capacity(filter.alternatives.len());
        for alternative in &filter.alternatives {
            let searcher = Searcher::compile(filter.op, alternative)
                .map_err(|cause| PlanError::stage(filter, cause))?;
            if !(chained && searcher.finds_all()) {
                searchers.push(searcher);
            }
        }
        let finds_all = searchers.is_empty() || searchers.iter().any(Searcher::finds_all);
        Ok((negative || !finds_all).then_some(Self {
            searchers,
            negative,
        }))
    }

    /// Shrinks the selection to the lines that the filter lets through; to whatever it has come to
    /// where the query is stopped.
    pub(super) fn run(&self, batch: &mut Batch, running: &Running) {
        let lines = &batch.lines;
        match &mut batch.selection {
            Selection::Run(run) => {
                let hits = self.hits(lines, run.clone(), running);
                if self.negative {
                    batch.selection.subtract(&hits);
                } else if hits.len() < run.len() {
                    batch.selection = Selection::Rows(hits);
                }
            }
            Selection::Rows(rows) => {
                rows.retain(|&row| !running.is_stopped() && self.keeps(lines.line(row)));
            }
        }
    }

    /// What a line that passes holds.
    pub(super) fn required(&self) -> Required {
        if self.negative {
            return Required::Anything;
        }
        Required::any(self.searchers.iter().map(Searcher::required))
    }

    /// Whether one line passes.
    pub(super) fn keeps(&self, line: &[u8]) -> bool {
        self.searchers.iter().any(|s| s.is_match(line)) != self.negative
    }

    /// The rows of `run` that any alternative finds, ascending.
    fn hits(&self, lines: &LineColumn, run: Range<u32>, running: &Running) -> Vec<u32> {
        let mut hits = Vec::new();
        // One that finds nothing has searched all of the run, and there may be thousands.
        let next = |searcher: &Searcher, rows| match running.is_stopped() {
            true => None,
            false => searcher.next(lines, rows),
        };
        let mut nearest: Vec<Option<u32>> = self
            .searchers
            .iter()
            .map(|searcher| next(searcher, run.clone()))
            .collect();
        while let Some(row) = nearest.iter().flatten().min().copied() {
            hits.push(row);
            for (searcher, hit) in self.searchers.iter().zip(&mut nearest) {
                if *hit == Some(row) {
                    *hit = next(searcher, row + 1..run.end);
                }
            }
        }
        hits
    }
}

impl Searcher {
    fn compile(op: LineFilterOp, what: &FilterText) -> Result<Self, String> {
        match (op, what) {
            (LineFilterOp::Contains | LineFilterOp::NotContains, FilterText::Text(text)) => {
                Ok(Self::Text(TextSearch::new(text)))
            }
            (LineFilterOp::Regex | LineFilterOp::NotRegex, FilterText::Text(text)) => {
                RegexSearch::compile(text).map(|r| Self::Regex(Box::new(r)))
            }
            (LineFilterOp::Pattern | LineFilterOp::NotPattern, FilterText::Text(text)) => {
                PatternSearch::compile(text).map(Self::Pattern)
            }
            (LineFilterOp::Contains | LineFilterOp::NotContains, FilterText::Ip(text)) => {
                IpSearch::compile(text).map(Self::Ip)
            }
            (_, FilterText::Ip(_)) => Err("ip: invalid operation".to_owned()),
        }
    }

    /// Whether every line matches.
    fn finds_all(&self) -> bool {
        match self {
            Self::Text(text) => text.finds_all(),
            Self::Regex(regex) => regex.finds_all(),
            Self::Pattern(_) | Self::Ip(_) => false,
        }
    }

    fn required(&self) -> Required {
        match self {
            Self::Text(text) => text.required(),
            Self::Regex(regex) => regex.required(),
            Self::Pattern(pattern) => pattern.required(),
            Self::Ip(_) => Required::Anything,
        }
    }

    fn is_match(&self, line: &[u8]) -> bool {
        match self {
            Self::Text(text) => text.is_match(line),
            Self::Regex(regex) => regex.is_match(line),
            Self::Pattern(pattern) => pattern.is_match(line),
            Self::Ip(ip) => ip.is_match(line),
        }
    }

    /// The first row of `rows` that matches.
    fn next(&self, lines: &LineColumn, rows: Range<u32>) -> Option<u32> {
        match self {
            Self::Text(text) => text.next(lines, rows),
            Self::Regex(regex) => regex.next(lines, rows),
            Self::Pattern(pattern) => pattern.next(lines, rows),
            Self::Ip(ip) => rows.into_iter().find(|&row| ip.is_match(lines.line(row))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::tests::batch;

    /// Runs a filter over a whole run of rows and over scattered ones; both must agree.
    #[track_caller]
    fn check(op: LineFilterOp, alternatives: &[&str], lines: &[&str], want: &[u32]) {
        let alternatives = alternatives
            .iter()
            .map(|text| match text.strip_prefix("ip:") {
                Some(pattern) => FilterText::Ip(pattern.to_owned()),
                None => FilterText::Text((*text).to_owned()),
            });
        let filter = ast::LineFilter {
            op,
            alternatives: alternatives.collect(),
        };
        let filter = LineFilter::compile(&filter).unwrap();
        let run = |selection: Selection| {
            let mut batch = batch(lines);
            batch.selection = selection;
            if let Some(filter) = &filter {
                filter.run(&mut batch, &Running::default());
            }
            batch.selection.iter().collect::<Vec<_>>()
        };
        assert_eq!(run(Selection::Run(0..lines.len() as u32)), want);
        assert_eq!(
            run(Selection::Rows((0..lines.len() as u32).collect())),
            want
        );
    }

    #[test]
    fn text() {
        use LineFilterOp::{Contains, NotContains};
        let lines = ["error: x", "", "ok", "an error", "err", "or\n"];
        check(Contains, &["error"], &lines, &[0, 3]);
        check(NotContains, &["error"], &lines, &[1, 2, 4, 5]);
        check(Contains, &[""], &lines, &[0, 1, 2, 3, 4, 5]);
        check(NotContains, &[""], &lines, &[]);
        check(Contains, &["\n"], &lines, &[5]);
        check(Contains, &["x\n"], &lines, &[]);
        check(Contains, &["error", "ok"], &lines, &[0, 2, 3]);
        check(NotContains, &["error", "ok"], &lines, &[1, 4, 5]);
        check(Contains, &["", "ok"], &lines, &[2]);
    }

    #[test]
    fn regexes() {
        use LineFilterOp::{NotRegex, Regex};
        let lines = ["error: x", "", "ok", "an error", "err", "abc def"];
        check(Regex, &["err(or)?$"], &lines, &[3, 4]);
        check(Regex, &["^err"], &lines, &[0, 4]);
        check(Regex, &["\\Aerr\\z"], &lines, &[4]);
        check(Regex, &["^$"], &lines, &[1]);
        check(Regex, &["(?i)ERROR"], &lines, &[0, 3]);
        check(NotRegex, &["e[^z]*r"], &lines, &[1, 2, 5]);
        check(Regex, &["x\\s*ok"], &lines, &[]);
        check(Regex, &["c[^x]d"], &lines, &[5]);
        check(Regex, &[".*"], &lines, &[0, 1, 2, 3, 4, 5]);
        check(NotRegex, &[".*"], &lines, &[]);
        check(Regex, &["\\bx", "^ok"], &lines, &[0, 2]);
        check(Regex, &["a.b"], &["a\nb", "axb"], &[1]);
        check(Regex, &["(?s)a.b"], &["a\nb", "axb"], &[0, 1]);
        check(Regex, &["^b"], &["a\nb", "b"], &[1]);
        check(Regex, &["(?m)^b"], &["a\nb", "b"], &[0, 1]);
        check(Regex, &["a\nb"], &["a\nb", "b"], &[0]);
        check(Regex, &["\n"], &["a", "b"], &[]);
        check(Regex, &[r"\d"], &["٣", "3"], &[1]);
        check(Regex, &[r"k\b"], &["ké", "k\n"], &[0, 1]);
        check(Regex, &[r"\B", "^b"], &["aéa", "éé", "", "b"], &[1, 2, 3]);
        check(Regex, &[r"\Qa.\E[[b]$"], &["a.b", "a.[", "axb"], &[0, 1]);
    }

    #[test]
    fn patterns() {
        use LineFilterOp::{NotPattern, Pattern};
        check(Pattern, &["foo <_>"], &["xx foo bar", "foo ", "foo"], &[0]);
        check(Pattern, &["foo"], &["a foo", "foo a", "foo"], &[0, 2]);
        check(Pattern, &["<_>foo<_>"], &["foo", "afoob", "foob"], &[1]);
        check(
            NotPattern,
            &["<_>foo<_>"],
            &["foo", "afoob", "foob"],
            &[0, 2],
        );
        check(
            Pattern,
            &["<_>a<_>", "<_>b<_>"],
            &["xay", "xby", "c"],
            &[0, 1],
        );
        check(Pattern, &[""], &["", "a"], &[0]);
        check(Pattern, &["<_>"], &["", "a"], &[1]);
        check(Pattern, &["a <1> b"], &["a <1> b", "a x b"], &[0]);
    }

    #[test]
    fn addresses() {
        use LineFilterOp::{Contains, NotContains};
        let lines = [
            "from 192.168.4.5 to 10.0.0.1",
            "ip=192.168.4.77:80",
            "2001:db8::68 connected",
            "10.1.2.3.4",
            "nothing 1.2",
            "[::1]:80",
        ];
        check(Contains, &["ip:192.168.4.5"], &lines, &[0]);
        check(Contains, &["ip:192.168.4.0/24"], &lines, &[0, 1]);
        check(NotContains, &["ip:192.168.4.0/24"], &lines, &[2, 3, 4, 5]);
        check(Contains, &["ip:192.168.4.1-192.168.4.9"], &lines, &[0]);
        check(Contains, &["ip:2001:db8::/32"], &lines, &[2]);
        check(Contains, &["ip:10.1.2.3"], &lines, &[]);
    }

    #[test]
    fn mistakes_name_the_stage() {
        let compile = |op, what| {
            let filter = ast::LineFilter {
                op,
                alternatives: vec![what],
            };
            LineFilter::compile(&filter).unwrap_err().to_string()
        };
        let text = |text: &str| FilterText::Text(text.to_owned());
        let ip = |text: &str| FilterText::Ip(text.to_owned());
        for (op, what, want) in [
            (
                LineFilterOp::Regex,
                ip("1.1.1.1"),
                r#"stage '|~ ip("1.1.1.1")' : ip: invalid operation"#,
            ),
            (
                LineFilterOp::Contains,
                ip("xx"),
                r#"stage '|= ip("xx")' : ip: invalid pattern: "xx""#,
            ),
            (
                LineFilterOp::Regex,
                text("("),
                r#"stage '|~ "("' : error parsing regexp: "#,
            ),
            (
                LineFilterOp::Pattern,
                text("a<x>"),
                "stage '|> \"a<x>\"' : named captures are not allowed: found '<x>'",
            ),
        ] {
            let got = compile(op, what);
            assert!(got.starts_with(&format!("parse error : {want}")), "{got}");
        }
    }
}
