//! [`Fields`]: what lines hold, by name, as far as a sample of them shows.

use std::collections::{BTreeMap, BTreeSet};

use narvi_logql::batch::{Batch, LineColumn, Selection};
use narvi_logql::logs::{Arrival, LogPartial};
use narvi_logql::running::Running;
use narvi_logql::stage::{Demand, Pipeline};
use narvi_logql::syntax;
use narvi_model::answer::{DetectedField, FieldKind, LogEntry, LogStream};
use narvi_model::{Direction, Labels};

use super::kind::{kind, shown};
use super::paths::paths;
use crate::error::EngineError;

/// Fields by name.
#[derive(Debug, Default)]
pub(super) struct Fields(BTreeMap<String, Field>);

#[derive(Debug)]
struct Field {
    /// How many lines have a value of each kind.
    kinds: Vec<(FieldKind, usize)>,
    values: BTreeSet<String>,
    parsers: Vec<&'static str>,
    path: Vec<String>,
}

/// What one line says of itself.
#[derive(Debug)]
struct Parsed {
    parser: Option<&'static str>,
    labels: Labels,
}

impl Fields {
    /// Takes the lines of a stream.
    pub(super) fn add(&mut self, stream: &LogStream) -> Result<(), EngineError> {
        let lines = parse(stream)?;
        for (entry, line) in stream.entries.iter().zip(&lines) {
            for (name, value) in entry.metadata.iter() {
                self.put(name, value);
            }
            let paths = match line.parser {
                Some("json") => paths(entry.line.as_bytes()),
                _ => Default::default(),
            };
            for (name, value) in entry.parsed.iter().chain(line.labels.iter()) {
                let Some(field) = self.put(name, value) else {
                    continue;
                };
                if let Some(parser) = line.parser.filter(|parser| !field.parsers.contains(parser)) {
                    field.parsers.push(parser);
                }
                let key = name.strip_suffix("_extracted");
                let path = paths.get(name).or_else(|| paths.get(key?));
                if let Some(path) = path.filter(|_| field.path.is_empty()) {
                    field.path.clone_from(path);
                }
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: &str) -> Option<&mut Field> {
        if name.starts_with("__error") {
            return None;
        }
        let field = self.0.entry(name.to_owned()).or_insert_with(|| Field {
            kinds: Vec::new(),
            values: BTreeSet::new(),
            parsers: Vec::new(),
            path: Vec::new(),
        });
        let kind = kind(value);
        match field.kinds.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, lines)) => *lines += 1,
            None => field.kinds.push((kind, 1)),
        }
        if !field.values.contains(value) {
            field.values.insert(value.to_owned());
        }
        Some(field)
    }

    /// The first `most` fields by name.
    pub(super) fn summary(self, most: usize) -> Vec<DetectedField> {
        let fields = self.0.into_iter().take(most);
        let detected = fields.map(|(name, field)| DetectedField {
            name,
            kind: field.kind(),
            cardinality: field.values.len() as u64,
            parsers: field.parsers,
            path: field.path,
        });
        detected.collect()
    }

    /// The first `most` values of a field, as they are shown.
    pub(super) fn values(&self, name: &str, most: usize) -> Vec<String> {
        let values = self.0.get(name).into_iter().flat_map(|field| &field.values);
        let shown: BTreeSet<String> = values.map(|value| shown(value)).collect();
        shown.into_iter().take(most).collect()
    }
}

impl Field {
    /// The kind of most lines; of the newest one where several have as many. Whole numbers among
    /// others that are not are numbers.
    fn kind(&self) -> FieldKind {
        let newest_last = self.kinds.iter().rev();
        let most = newest_last.max_by_key(|(_, lines)| *lines);
        let has_floats = self.kinds.iter().any(|(kind, _)| *kind == FieldKind::Float);
        match most.map(|(kind, _)| *kind) {
            Some(FieldKind::Int) if has_floats => FieldKind::Float,
            Some(kind) => kind,
            None => FieldKind::String,
        }
    }
}

/// What each line holds as JSON, or else as logfmt.
fn parse(stream: &LogStream) -> Result<Vec<Parsed>, EngineError> {
    let json = extract("json", stream)?;
    let logfmt = extract("logfmt", stream)?;
    let parsed = json.into_iter().zip(logfmt).map(|(json, logfmt)| {
        let all = [("json", json), ("logfmt", logfmt)];
        let sound = |labels: &Labels| !labels.is_empty() && labels.get("__error__").is_none();
        let first = all.into_iter().find(|(_, labels)| sound(labels));
        match first {
            Some((parser, labels)) => Parsed {
                parser: Some(parser),
                labels,
            },
            None => Parsed {
                parser: None,
                labels: Labels::empty(),
            },
        }
    });
    Ok(parsed.collect())
}

/// The labels that a parser makes of each line.
fn extract(parser: &str, stream: &LogStream) -> Result<Vec<Labels>, EngineError> {
    let query = syntax::parse_log(&format!(r#"{{a="b"}} | {parser}"#))?;
    let pipeline = Pipeline::compile(&query.stages, Demand::All)?;
    let rows = stream.entries.len();
    let running = Running::default();
    let mut found = LogPartial::new(Direction::Forward, rows, &running);
    let mut machine = pipeline.machine(&running);
    let batch = batch(stream);
    found.add_rows((&pipeline, &mut machine), &batch, Arrival(0))?;
    let mut labels = vec![Labels::empty(); rows];
    let entries = found
        .finish(0, rows)
        .into_iter()
        .flat_map(|stream| stream.entries);
    for LogEntry {
        timestamp, parsed, ..
    } in entries
    {
        // The time of a row is its place.
        if let Some(place) = usize::try_from(timestamp.nanos())
            .ok()
            .and_then(|n| labels.get_mut(n))
        {
            *place = parsed;
        }
    }
    Ok(labels)
}

/// The lines of a stream, each at the time of its place.
fn batch(stream: &LogStream) -> Batch {
    let mut lines = LineColumn::default();
    for entry in &stream.entries {
        let line = entry.line.as_bytes();
        lines.has_newlines |= line.contains(&b'\n');
        lines.bytes.extend_from_slice(line);
        lines.ends.push(lines.bytes.len() as u32);
        lines.bytes.push(b'\n');
    }
    Batch {
        stream: stream.labels.clone(),
        timestamps: (0..stream.entries.len() as i64).collect(),
        lines,
        selection: Selection::Run(0..stream.entries.len() as u32),
        ..Batch::default()
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Timestamp;

    use super::*;

    fn stream(labels: &[(&str, &str)], lines: &[(&str, &[(&str, &str)])]) -> LogStream {
        let entry = |(line, metadata): &(&str, &[(&str, &str)])| LogEntry {
            timestamp: Timestamp::from_nanos(5),
            line: (*line).into(),
            metadata: Labels::from_pairs(metadata.iter().copied()),
            parsed: Labels::empty(),
        };
        LogStream {
            labels: Labels::from_pairs(labels.iter().copied()),
            entries: lines.iter().map(entry).collect(),
        }
    }

    /// `name kind cardinality parsers path`
    #[track_caller]
    fn check(lines: &[(&str, &[(&str, &str)])], want: &[&str]) {
        let mut fields = Fields::default();
        fields.add(&stream(&[("app", "x")], lines)).unwrap();
        let got: Vec<String> = fields
            .summary(100)
            .into_iter()
            .map(|field| {
                let (parsers, path) = (field.parsers.join("+"), field.path.join("/"));
                let text = format!(
                    "{} {} {} {parsers} {path}",
                    field.name,
                    field.kind.as_str(),
                    field.cardinality
                );
                text.trim_end().to_owned()
            })
            .collect();
        assert_eq!(got, want, "{lines:?}");
    }

    #[test]
    fn sources() {
        check(
            &[
                (r#"{"a":{"b":1},"app":"y","s":""}"#, &[("trace", "t1")]),
                ("a_b=2 level=info empty= word", &[("trace", "t2")]),
            ],
            &[
                "a_b int 2 json+logfmt a/b",
                "app_extracted string 1 json app",
                "level string 1 logfmt",
                "s string 1 json s",
                "trace string 2",
            ],
        );
        check(&[("plain text", &[]), ("", &[]), ("{broken", &[])], &[]);
        check(
            &[("a=1 b=1", &[]), ("a=x b=2", &[]), ("a=y b=2.5", &[])],
            &["a string 3 logfmt", "b float 3 logfmt"],
        );
        check(&[("a=1 b=\"x", &[("__error__", "e")])], &["a int 1 logfmt"]);
    }

    #[test]
    fn values_are_distinct_and_limited() {
        let mut fields = Fields::default();
        let lines: &[(&str, &[(&str, &str)])] =
            &[("size=1500B", &[]), ("size=1.5kB", &[]), ("size=7", &[])];
        fields.add(&stream(&[], lines)).unwrap();
        assert_eq!(fields.values("size", 9), ["1.5kB", "7"]);
        assert_eq!(fields.values("size", 1), ["1.5kB"]);
        assert_eq!(fields.values("other", 9), [""; 0]);
    }
}
