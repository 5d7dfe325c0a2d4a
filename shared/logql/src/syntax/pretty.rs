//! [`pretty`]: a query laid out over several lines, as `format_query` answers.
//!
//! What fits into [`WIDTH`] characters of canonical text stays on one line. Of the rest, each
//! stage, each argument and each operator takes a line of its own, two spaces deeper than what it
//! belongs to. Loki drops the parentheses of an operation that it breaks; here they stay where it
//! is an operand, since the text would mean something else without them.

use std::fmt::{self, Display, Write};

use super::ast::{
    Binary, Grouping, LabelReplace, LogExpr, LogRange, MetricExpr, MetricKind, Query,
    RangeAggregation, Variants, VectorAggregation,
};
use narvi_model::duration;

/// Characters of canonical text that stay on one line.
const WIDTH: usize = 100;

/// Lays `query` out; parsing the text gives the same query.
#[must_use]
pub fn pretty(query: &Query) -> String {
    let mut page = Page {
        text: String::new(),
        level: 0,
    };
    match query {
        Query::Log(log) => page.log(log),
        Query::Metric(metric) => page.metric(metric),
        Query::Variants(variants) => page.variants(variants),
    }
    page.text
}

/// The lines so far, and how deep the next one starts.
struct Page {
    text: String,
    level: usize,
}

impl Page {
    /// Starts a line with `text`.
    fn line(&mut self, text: impl Display) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        for _ in 0..self.level {
            self.text.push_str("  ");
        }
        self.append(text);
    }

    /// Adds to the line.
    fn append(&mut self, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{text}");
    }

    /// Lays out what `inside` does one level deeper.
    fn deeper(&mut self, inside: impl FnOnce(&mut Self)) {
        self.level += 1;
        inside(self);
        self.level -= 1;
    }

    fn log(&mut self, log: &LogExpr) {
        if fits(log) {
            return self.line(log);
        }
        self.line(&log.selector);
        self.deeper(|page| log.stages.iter().for_each(|stage| page.line(stage)));
    }

    fn range(&mut self, range: &LogRange) {
        self.log(&range.log);
        if let Some(unwrap) = &range.unwrap {
            self.deeper(|page| page.line(unwrap));
        }
        self.append(format_args!(" [{}]", duration::to_prometheus(range.range)));
        if range.offset != 0 {
            self.append(format_args!(" offset {}", offset(range.offset)));
        }
    }

    fn metric(&mut self, metric: &MetricExpr) {
        if fits(metric) {
            return self.line(metric);
        }
        match &metric.kind {
            MetricKind::Range(aggregation) => self.range_aggregation(aggregation),
            MetricKind::Vector(aggregation) => self.vector_aggregation(aggregation),
            MetricKind::Binary(binary) => self.binary(binary),
            MetricKind::LabelReplace(replace) => self.label_replace(replace),
            MetricKind::Literal(_) | MetricKind::VectorLiteral(_) => self.line(metric),
        }
    }

    fn range_aggregation(&mut self, aggregation: &RangeAggregation) {
        self.line(format_args!("{}(", aggregation.op.as_str()));
        self.deeper(|page| {
            if let Some(parameter) = aggregation.parameter {
                page.line(format_args!("{parameter},"));
            }
            page.range(&aggregation.range);
        });
        self.line(")");
        self.grouping(aggregation.grouping.as_ref());
    }

    fn vector_aggregation(&mut self, aggregation: &VectorAggregation) {
        self.line(aggregation.op.as_str());
        self.grouping(aggregation.grouping.as_ref());
        self.append("(");
        self.deeper(|page| {
            if let Some(parameter) = aggregation.parameter {
                page.line(format_args!("{parameter},"));
            }
            page.metric(&aggregation.inner);
        });
        self.line(")");
    }

    fn grouping(&mut self, grouping: Option<&Grouping>) {
        match grouping {
            Some(Grouping::By(labels)) => self.append(format_args!(" by ({})", labels.join(", "))),
            Some(Grouping::Without(labels)) => {
                self.append(format_args!(" without ({})", labels.join(", ")));
            }
            None => {}
        }
    }

    fn binary(&mut self, binary: &Binary) {
        let mut operator = String::new();
        // Writing to a string cannot fail.
        let _ = binary.write_operator(&mut operator);
        self.deeper(|page| {
            page.operand(&binary.left);
            page.line(operator);
            page.operand(&binary.right);
        });
    }

    fn operand(&mut self, operand: &MetricExpr) {
        let broken = matches!(operand.kind, MetricKind::Binary(_)) && !fits(operand);
        if !broken {
            return self.metric(operand);
        }
        self.line("(");
        self.metric(operand);
        self.line(")");
    }

    fn label_replace(&mut self, replace: &LabelReplace) {
        self.line("label_replace(");
        self.deeper(|page| {
            page.metric(&replace.inner);
            for text in [
                &replace.destination,
                &replace.replacement,
                &replace.source,
                &replace.regex,
            ] {
                page.append(",");
                page.line("");
                let _ = narvi_model::write_quoted(&mut page.text, text);
            }
        });
        self.line(")");
    }

    fn variants(&mut self, variants: &Variants) {
        if fits(variants) {
            return self.line(variants);
        }
        self.line("variants(");
        self.deeper(|page| {
            for (n, metric) in variants.metrics.iter().enumerate() {
                if n > 0 {
                    page.append(",");
                }
                page.metric(metric);
            }
        });
        self.line(") of (");
        self.deeper(|page| page.range(&variants.of));
        self.line(")");
    }
}

/// An offset in the short form (`1h`), where that form can say it.
fn offset(nanos: i64) -> String {
    let short = duration::to_prometheus(nanos);
    let same =
        duration::parse_prometheus(short.trim_start_matches('-')) == Ok(nanos.saturating_abs());
    if same { short } else { duration::to_go(nanos) }
}

/// Whether the canonical text fits on a line; stops counting where it does not.
fn fits(node: &impl Display) -> bool {
    struct Room(usize);
    impl Write for Room {
        fn write_str(&mut self, text: &str) -> fmt::Result {
            self.0 = self.0.checked_sub(text.chars().count()).ok_or(fmt::Error)?;
            Ok(())
        }
    }
    write!(Room(WIDTH), "{node}").is_ok()
}

#[cfg(test)]
mod tests {
    use crate::syntax::{parse, pretty};

    #[track_caller]
    fn check(query: &str, want: &str) {
        let tree = parse(query).unwrap();
        let got = pretty(&tree);
        assert_eq!(got, want);
        assert_eq!(
            parse(&got).unwrap().to_string(),
            tree.to_string(),
            "the meaning stays"
        );
    }

    #[test]
    fn short_queries_stay_on_a_line() {
        check(
            "sum by(x)(rate({a=\"b\"}[5m]))/2",
            "(sum by (x)(rate({a=\"b\"}[5m])) / 2)",
        );
    }

    #[test]
    fn pipelines() {
        check(
            "{a=\"b\", cluster=\"production-eu-west-1\"} |= \"a needle\" | logfmt | duration > 10s \
             and level=\"error\" | line_format \"{{.msg}}\"",
            "{a=\"b\", cluster=\"production-eu-west-1\"}
  |= \"a needle\"
  | logfmt
  | ( duration>10s , level=\"error\" )
  | line_format \"{{.msg}}\"",
        );
    }

    #[test]
    fn aggregations() {
        check(
            "topk(5, sum by (namespace, pod) (quantile_over_time(0.99, {a=\"b\", \
             cluster=\"production-eu-west-1\"} | logfmt | unwrap duration(took) | __error__=\"\" \
             [90m] offset 1h) by (namespace, pod)))",
            "topk(
  5,
  sum by (namespace, pod)(
    quantile_over_time(
      0.99,
      {a=\"b\", cluster=\"production-eu-west-1\"} | logfmt
        | unwrap duration(took) | __error__=\"\" [1h30m] offset 1h
    ) by (namespace, pod)
  )
)",
        );
    }

    #[test]
    fn operations() {
        check(
            "(sum(rate({app=\"frontend\", level=\"error\"}[5m])) + \
             sum(rate({app=\"backend\", level=\"error\"} | json | status >= 500 [5m]))) \
             * on(x) 100",
            "  (
    sum(rate({app=\"frontend\", level=\"error\"}[5m]))
    +
    sum(rate({app=\"backend\", level=\"error\"} | json | status>=500[5m]))
  )
  * on (x)
  100",
        );
        check(
            "label_replace(sum by (cluster, namespace) (rate({app=\"frontend\", \
             level=\"error\"} |= \"x\" [5m])), \"destination\", \"$1\", \"source\", \"(.*)\")",
            "label_replace(
  sum by (cluster,namespace)(rate({app=\"frontend\", level=\"error\"} |= \"x\"[5m])),
  \"destination\",
  \"$1\",
  \"source\",
  \"(.*)\"
)",
        );
    }
}
