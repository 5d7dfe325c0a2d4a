//! [`read_query`]: reads an answer of `query` or `query_range` as strictly as Grafana's streaming
//! parser does: keys in their order, no key that it does not know, times and values in their kinds.
//!
//! Written from what that parser takes, and not with the code that writes answers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Whether the order of keys is as it was sent. Recorded answers have lost it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Kept,
    Lost,
}

/// The elements of each entry: with the flag a third one, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parts {
    Two,
    Three,
}

/// JSON with its keys in order and with repeats.
#[derive(Clone, Debug, PartialEq)]
enum Node {
    Null,
    Bool,
    Number(f64),
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Bool)
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Number(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut out = Vec::new();
        while let Some(one) = list.next_element()? {
            out.push(one);
        }
        Ok(Node::List(out))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut out = Vec::new();
        while let Some(pair) = map.next_entry()? {
            out.push(pair);
        }
        Ok(Node::Object(out))
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

type Read<T = ()> = Result<T, String>;

fn object<'n>(what: &str, node: &'n Node) -> Read<&'n [(String, Node)]> {
    match node {
        Node::Object(pairs) => Ok(pairs),
        other => Err(format!("{what} is no object: {other:?}")),
    }
}

fn list<'n>(what: &str, node: &'n Node) -> Read<&'n [Node]> {
    match node {
        Node::List(list) => Ok(list),
        other => Err(format!("{what} is no list: {other:?}")),
    }
}

fn text<'n>(what: &str, node: &'n Node) -> Read<&'n str> {
    match node {
        Node::Text(text) => Ok(text),
        other => Err(format!("{what} is no text: {other:?}")),
    }
}

fn number(what: &str, node: &Node) -> Read<f64> {
    match node {
        Node::Number(number) => Ok(*number),
        other => Err(format!("{what} is no number: {other:?}")),
    }
}

/// Reads an answer with status 200.
///
/// # Errors
/// What Grafana would stumble over.
pub(crate) fn read_query(body: &[u8], order: Order) -> Read {
    let answer: Node = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut data = None;
    for (key, value) in object("the answer", &answer)? {
        match key.as_str() {
            "status" if text("status", value)? == "success" => {}
            "data" if data.is_none() => data = Some(value),
            "warnings" | "infos" => texts(key, value)?,
            other => return Err(format!("unknown or repeated key {other}")),
        }
    }
    read_data(data.ok_or("no data")?, order)
}

fn texts(what: &str, node: &Node) -> Read {
    list(what, node)?
        .iter()
        .try_for_each(|one| text(what, one).map(drop))
}

/// The keys of `data`, in the only order that the parser reads.
const KEYS: [&str; 4] = ["resultType", "encodingFlags", "result", "stats"];

fn read_data(data: &Node, order: Order) -> Read {
    let pairs = object("data", data)?;
    let mut places = Vec::new();
    for (key, _) in pairs {
        let place = KEYS.iter().position(|known| known == key);
        places.push(place.ok_or_else(|| format!("unknown key {key} in data"))?);
    }
    let is_ordered = places.windows(2).all(|pair| pair[0] < pair[1]);
    if order == Order::Kept && !is_ordered {
        let keys: Vec<_> = pairs.iter().map(|(key, _)| key).collect();
        return Err(format!("keys of data in the order {keys:?}"));
    }
    let find = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, node)| node)
    };
    let kind = text("resultType", find("resultType").ok_or("no resultType")?)?;
    let result = find("result").ok_or("no result")?;
    let mut parts = Parts::Two;
    if let Some(flags) = find("encodingFlags") {
        texts("encodingFlags", flags)?;
        let categorize = Node::Text("categorize-labels".to_owned());
        if list("encodingFlags", flags)?.contains(&categorize) {
            parts = Parts::Three;
        }
    }
    match kind {
        "streams" => {
            for stream in list("result", result)? {
                read_stream(stream, parts)?;
            }
        }
        "matrix" | "vector" => {
            for series in list("result", result)? {
                read_series(series, kind)?;
            }
        }
        "scalar" => read_sample(result)?,
        other => return Err(format!("unknown resultType {other}")),
    }
    find("stats").map_or(Ok(()), read_stats)
}

fn labels(what: &str, node: &Node) -> Read {
    let mut seen = Vec::new();
    for (name, value) in object(what, node)? {
        text(what, value)?;
        if seen.contains(&name) {
            return Err(format!("{what} has {name} twice"));
        }
        seen.push(name);
    }
    Ok(())
}

fn read_stream(stream: &Node, parts: Parts) -> Read {
    let mut found = 0;
    for (key, value) in object("a stream", stream)? {
        found += 1;
        match key.as_str() {
            "stream" => labels("stream", value)?,
            "values" => {
                let entries = list("values", value)?;
                if entries.is_empty() {
                    return Err("a stream without entries".to_owned());
                }
                for entry in entries {
                    read_entry(entry, parts)?;
                }
            }
            other => return Err(format!("unknown key {other} in a stream")),
        }
    }
    if found == 2 {
        Ok(())
    } else {
        Err(format!("{found} keys in a stream"))
    }
}

fn read_entry(entry: &Node, wanted: Parts) -> Read {
    let parts = list("an entry", entry)?;
    let (time, line, rest) = match parts {
        [time, line, rest @ ..] => (time, line, rest),
        _ => return Err(format!("an entry of {} parts", parts.len())),
    };
    let time = text("a time", time)?;
    time.parse::<i64>()
        .map_err(|_| format!("time {time:?} is no nanoseconds"))?;
    text("a line", line)?;
    match (rest, wanted) {
        ([], Parts::Two) => Ok(()),
        ([third], Parts::Three) => {
            for (key, value) in object("the third element", third)? {
                match key.as_str() {
                    "structuredMetadata" | "parsed" => labels(key, value)?,
                    other => return Err(format!("unknown key {other} in a third element")),
                }
            }
            Ok(())
        }
        (rest, _) => Err(format!("{} more elements, want {wanted:?}", rest.len())),
    }
}

fn read_series(series: &Node, kind: &str) -> Read {
    let wanted = if kind == "matrix" { "values" } else { "value" };
    let mut found = 0;
    for (key, value) in object("a series", series)? {
        found += 1;
        match key.as_str() {
            "metric" => labels("metric", value)?,
            "values" if wanted == "values" => {
                list("values", value)?.iter().try_for_each(read_sample)?;
            }
            "value" if wanted == "value" => read_sample(value)?,
            other => return Err(format!("unknown key {other} in a {kind}")),
        }
    }
    if found == 2 {
        Ok(())
    } else {
        Err(format!("{found} keys in a series"))
    }
}

fn read_sample(sample: &Node) -> Read {
    match list("a sample", sample)? {
        [time, value] => {
            number("the time of a sample", time)?;
            let value = text("the value of a sample", value)?;
            let is_number = value.parse::<f64>().is_ok();
            if is_number {
                Ok(())
            } else {
                Err(format!("sample value {value:?}"))
            }
        }
        parts => Err(format!("a sample of {} parts", parts.len())),
    }
}

/// Numbers and flags below names; Grafana reads the numbers of `summary`.
fn read_stats(stats: &Node) -> Read {
    match stats {
        Node::Object(pairs) => pairs.iter().try_for_each(|(_, node)| read_stats(node)),
        Node::Number(_) | Node::Bool => Ok(()),
        other => Err(format!("stats hold {other:?}")),
    }
}

#[track_caller]
fn check(body: &str, want: Result<(), &str>) {
    match (read_query(body.as_bytes(), Order::Kept), want) {
        (Ok(()), Ok(())) => {}
        (Err(error), Err(want)) => assert!(error.contains(want), "{error}, want {want}"),
        (got, want) => panic!("{body}: {got:?}, want {want:?}"),
    }
}

#[test]
fn what_grafana_reads_and_what_not() {
    let of = |data: &str| format!(r#"{{"status":"success","data":{{{data}}}}}"#);
    let streams = |flags: &str, stream: &str| {
        of(&format!(
            r#""resultType":"streams",{flags}"result":[{stream}],"stats":{{"a":1}}"#
        ))
    };
    let flag = r#""encodingFlags":["categorize-labels"],"#;
    let plain = r#"{"stream":{"a":"b"},"values":[["1","x"]]}"#;
    let third = r#"{"stream":{},"values":[["1","x",{}],["2","y",{"parsed":{"a":"b"}}]]}"#;
    check(&streams("", plain), Ok(()));
    check(&streams(flag, third), Ok(()));
    check(&streams("", third), Err("1 more elements"));
    check(&streams(flag, plain), Err("0 more elements"));
    for (from, to, want) in [
        (r#""1""#, "1", "a time is no text"),
        (r#""1""#, r#""1.5""#, "no nanoseconds"),
        (r#""b""#, "7", "stream is no text"),
        (
            r#""stream""#,
            r#""labels""#,
            "unknown key labels in a stream",
        ),
        (r#"[["1","x"]]"#, "[]", "without entries"),
        (r#"{"a":1}"#, r#"{"a":"1"}"#, "stats hold"),
        (r#""data""#, r#""warnings":["w"],"data""#, ""),
        (
            r#""data""#,
            r#""warnings":"w","data""#,
            "warnings is no list",
        ),
        (
            r#""data""#,
            r#""error":"w","data""#,
            "unknown or repeated key error",
        ),
    ] {
        let changed = streams("", plain).replacen(from, to, 1);
        check(&changed, if want.is_empty() { Ok(()) } else { Err(want) });
    }
    let swapped = of(r#""result":[],"resultType":"streams""#);
    check(&swapped, Err("order"));
    assert_eq!(read_query(swapped.as_bytes(), Order::Lost), Ok(()));
    let of_kind =
        |kind: &str, result: &str| of(&format!(r#""resultType":"{kind}","result":{result}"#));
    check(
        &of_kind("matrix", r#"[{"metric":{},"values":[[1.5,"+Inf"]]}]"#),
        Ok(()),
    );
    check(
        &of_kind("vector", r#"[{"metric":{},"value":[1,"NaN"]}]"#),
        Ok(()),
    );
    check(&of_kind("scalar", r#"[1,"2"]"#), Ok(()));
    check(&of_kind("scalar", r#"["1","2"]"#), Err("no number"));
    check(
        &of_kind("vector", r#"[{"metric":{},"value":[1,2]}]"#),
        Err("no text"),
    );
    check(
        &of_kind("vector", r#"[{"metric":{},"values":[]}]"#),
        Err("unknown key values"),
    );
}
