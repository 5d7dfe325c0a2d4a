//! [`Pushed`]: the streams of a push as batches that a query can run over, each made when a tail
//! first asks for it.

use std::collections::HashMap;

use narvi_logql::batch::{Batch, LineColumn, MetadataColumn, Selection, Texts};
use narvi_logql::logs::{Arrival, LogPartial};
use narvi_logql::plan::LogPlan;
use narvi_logql::running::Running;
use narvi_model::answer::LogStream;
use narvi_model::{Direction, Entry, Timestamp, matches_all};
use narvi_protocol::push::PushStream;

/// The streams of a push.
pub(crate) struct Pushed<'a> {
    streams: Vec<(&'a PushStream, Option<Batch>)>,
}

impl<'a> Pushed<'a> {
    pub(crate) fn new(streams: &'a [PushStream]) -> Self {
        Self {
            streams: streams.iter().map(|stream| (stream, None)).collect(),
        }
    }

    /// The entries that a query answers with at `now`, each set of labels in the order of time.
    pub(crate) fn matching(&mut self, plan: &LogPlan, now: Timestamp) -> Vec<LogStream> {
        let pipeline = &plan.pipeline;
        let running = Running::new(now.nanos());
        let mut machine = pipeline.machine(&running);
        let mut found = LogPartial::new(Direction::Forward, usize::MAX, &running);
        for (place, (stream, made)) in self.streams.iter_mut().enumerate() {
            if !matches_all(&plan.matchers, &stream.labels) {
                continue;
            }
            let batch = made.get_or_insert_with(|| batch(stream));
            // Another tail may have left less than all.
            batch.selection = Selection::Run(0..batch.rows());
            let arrival = Arrival(place as u64);
            let added = match pipeline.filter(batch, &running) {
                Err(halt) => Err(halt.into()),
                Ok(()) if pipeline.only_filters() => found.add_batch(batch, arrival),
                Ok(()) => {
                    let into = (pipeline, &mut machine);
                    found.add_rows(into, batch, arrival).map(drop)
                }
            };
            // Far more than a tail can be sent: it gets the first of it.
            if added.is_err() {
                break;
            }
        }
        found.finish(0, usize::MAX)
    }
}

fn batch(stream: &PushStream) -> Batch {
    let mut entries: Vec<&Entry> = stream.entries.iter().collect();
    entries.sort_by_key(|entry| entry.timestamp);
    let mut lines = LineColumn::default();
    for entry in &entries {
        let line = entry.line.as_bytes();
        lines.has_newlines |= line.contains(&b'\n');
        lines.bytes.extend_from_slice(line);
        // A push is bounded far below 4 GiB.
        lines.ends.push(lines.bytes.len() as u32);
        lines.bytes.push(b'\n');
    }
    Batch {
        stream: stream.labels.clone(),
        timestamps: entries.iter().map(|e| e.timestamp.nanos()).collect(),
        lengths: Vec::new(),
        selection: Selection::Run(0..entries.len() as u32),
        metadata: metadata(&entries),
        lines,
    }
}

/// A column for each name, in the order of names.
fn metadata(entries: &[&Entry]) -> Vec<MetadataColumn> {
    let mut names: Vec<&str> = entries
        .iter()
        .flat_map(|entry| entry.metadata.iter().map(|(name, _)| name))
        .collect();
    names.sort_unstable();
    names.dedup();
    let column = |name: &str| {
        let (mut values, mut places) = (Vec::new(), HashMap::new());
        let place = |entry: &&Entry| {
            let Some(value) = entry.metadata.get(name) else {
                return 0;
            };
            let value: &str = value;
            *places.entry(value.to_owned()).or_insert_with(|| {
                values.push(value.to_owned());
                values.len() as u32
            })
        };
        let refs = entries.iter().map(place).collect();
        MetadataColumn {
            name: name.into(),
            values: values.iter().map(String::as_str).collect::<Texts>(),
            refs,
        }
    };
    names.into_iter().map(column).collect()
}

#[cfg(test)]
mod tests {
    use narvi_logql::stage::Demand;
    use narvi_logql::syntax;
    use narvi_model::{Labels, Line};

    use super::*;

    fn stream(app: &str, entries: &[(i64, &str, &str)]) -> PushStream {
        let entry = |&(time, line, id): &(i64, &str, &str)| Entry {
            timestamp: Timestamp::from_nanos(time),
            line: Line::from(line),
            metadata: Labels::from_pairs([("id", id)].into_iter().filter(|(_, id)| !id.is_empty())),
        };
        PushStream {
            labels: Labels::from_pairs([("app", app)]),
            entries: entries.iter().map(entry).collect(),
        }
    }

    fn ask(pushed: &mut Pushed<'_>, query: &str) -> Vec<String> {
        let plan = LogPlan::new(&syntax::parse_log(query).unwrap(), Demand::All).unwrap();
        let streams = pushed.matching(&plan, Timestamp::from_nanos(9));
        let shown = streams.iter().flat_map(|stream| {
            stream.entries.iter().map(|entry| {
                let line = String::from_utf8_lossy(entry.line.as_bytes());
                let labels = &stream.labels;
                format!(
                    "{labels}{} {} {line}",
                    entry.metadata,
                    entry.timestamp.nanos()
                )
            })
        });
        shown.collect()
    }

    #[test]
    fn a_query_runs_over_a_push() {
        let streams = [
            stream(
                "a",
                &[(3, "late\nline", "x"), (1, "early", ""), (2, "early", "x")],
            ),
            stream("b", &[(1, "early", "y")]),
            stream("a", &[(1, "again", "")]),
        ];
        let pushed = &mut Pushed::new(&streams);
        for (query, want) in [
            (
                "{app=\"a\"}",
                &[
                    "{app=\"a\"}{} 1 early",
                    "{app=\"a\"}{} 1 again",
                    "{app=\"a\"}{id=\"x\"} 2 early",
                    "{app=\"a\"}{id=\"x\"} 3 late\nline",
                ][..],
            ),
            ("{app=~\".+\"} |= \"again\"", &["{app=\"a\"}{} 1 again"]),
            (
                "{app=\"b\"} | id=\"y\" | line_format \"{{.id}}!\"",
                &["{app=\"b\"}{id=\"y\"} 1 y!"],
            ),
            (
                "{app=\"b\"} | decolorize",
                &["{app=\"b\"}{id=\"y\"} 1 early"],
            ),
            ("{app=\"b\"} |= \"late\"", &[]),
            ("{app=\"c\"}", &[]),
            (
                "{app=\"a\"} != \"early\" != \"again\"",
                &["{app=\"a\"}{id=\"x\"} 3 late\nline"],
            ),
        ] {
            assert_eq!(ask(pushed, query), want, "{query}");
        }
    }
}
