//! `Display` for the tree: Loki's canonical text of a query, on one line.
//!
//! Parsing the text gives the tree again but for its spans, so every form that Loki prints with a
//! loss is kept only where nothing is lost: a size is `5.0kB` but `5432B`, and `by ()` is always
//! written. Names of stages are in [`log`], those of functions in [`metric`].

mod log;
mod metric;

use std::fmt::{self, Display, Formatter};

use super::ast::Query;

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(log) => log.fmt(f),
            Self::Metric(metric) => metric.fmt(f),
            Self::Variants(variants) => variants.fmt(f),
        }
    }
}

/// Writes `items` with `separator` between them.
fn joined<T: Display>(f: &mut Formatter<'_>, items: &[T], separator: &str) -> fmt::Result {
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            f.write_str(separator)?;
        }
        item.fmt(f)?;
    }
    Ok(())
}

/// A text in Go's quotes.
struct Quoted<'a>(&'a str);

impl Display for Quoted<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        narvi_model::write_quoted(f, self.0)
    }
}
