//! `| json`: labels from lines that are JSON (spec `logql.md` §7).
//!
//! [`Json`] is either [`flatten`] (everything) or [`pick`] (some paths, which [`path`] reads).
//! Both stand on [`scan`], which finds where things end, and [`text`], which undoes escapes.

mod flatten;
mod path;
mod pick;
pub(super) mod scan;
pub(super) mod text;

use flatten::Flatten;
use pick::Pick;

use super::row::RowError;
use super::{Names, Row, Wanted};
use crate::syntax::ast;

/// Makes labels of a line that is JSON.
#[derive(Debug)]
pub(super) enum Json {
    /// Of every scalar.
    All,
    /// Of the values at some paths.
    Paths(Pick),
}

/// Buffers that are used again for each line.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    flatten: flatten::Buffers,
    pick: pick::Buffers,
}

impl Json {
    /// The error says which path is none.
    pub(super) fn compile(
        extractions: &[ast::Extraction],
        names: &mut Names,
    ) -> Result<Self, String> {
        if extractions.is_empty() {
            return Ok(Self::All);
        }
        Pick::compile(extractions, names).map(Self::Paths)
    }

    pub(super) fn run(&self, row: &mut Row<'_>, wanted: &Wanted) {
        let mut scratch = row.take_scratch();
        match self {
            Self::All => row.extract(wanted, |line, out| {
                if out.is_complete() {
                    return;
                }
                let flatten = Flatten::new(line, out, &mut scratch.json.flatten);
                if let Err(fault) = flatten.run() {
                    out.fail(RowError::Json, fault.details());
                }
            }),
            Self::Paths(pick) => pick.run(row, wanted, &mut scratch.json.pick),
        }
        row.give_back(scratch);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use serde_json::Value;

    use crate::stage::tests::run;

    /// What of a JSON object becomes labels, by the name of the label.
    fn scalars(value: &Value, name: &str, into: &mut BTreeMap<String, String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(key, value)| {
                let name = if name.is_empty() {
                    key.clone()
                } else {
                    format!("{name}_{key}")
                };
                scalars(value, &name, into);
            }),
            Value::String(text) => {
                into.insert(name.to_owned(), text.replace('\u{fffd}', " "));
            }
            Value::Null | Value::Array(_) => {}
            scalar => {
                into.insert(name.to_owned(), scalar.to_string());
            }
        }
    }

    /// Values whose keys are letters, so that no two of them become one name.
    fn json() -> impl Strategy<Value = Value> {
        let scalar = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[a\"\\\\{}\\[\\],:\u{1}\u{1F600}]{0,40}".prop_map(Value::from),
        ];
        scalar.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map("[a-z]{1,9}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn labels(pipeline: &str, line: &[u8]) -> String {
        run(pipeline, &[("stream", "s")], line).unwrap().1
    }

    const PIPELINES: [&str; 4] = [
        "| json",
        r#"| json a, b="a.b[0]", c="[0].a", d="[\"\"]""#,
        "| unpack",
        "| json | unpack | json a",
    ];

    proptest! {
        #[test]
        fn valid_objects_become_what_they_hold(
            members in proptest::collection::hash_map("[a-z]{1,9}", json(), 0..6),
            is_pretty in any::<bool>(),
        ) {
            let value = Value::Object(members.into_iter().collect());
            let line = match is_pretty {
                true => format!("{value:#}"),
                false => value.to_string(),
            };
            let mut want = BTreeMap::from([("stream".to_owned(), "s".to_owned())]);
            scalars(&value, "", &mut want);
            let want = narvi_model::Labels::from_pairs(want).to_string();
            prop_assert_eq!(labels("| json", line.as_bytes()), want);
        }

        #[test]
        fn any_bytes_do(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            for pipeline in PIPELINES {
                labels(pipeline, &line);
            }
        }

        #[test]
        fn any_brackets_do(line in "[\\[{\"a\":]?[\\[\\]{}\",:\\\\ab0 tn_]{0,60}") {
            for pipeline in PIPELINES {
                labels(pipeline, line.as_bytes());
            }
        }
    }
}
