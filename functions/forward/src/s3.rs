//! Objects that S3 says were written: [`read`] makes [`Written`] of an event, [`source`] lines of
//! an object's bytes.
//!
//! Lines are taken as they are, whatever wrote them: a load balancer, VPC flow logs, an
//! application. A file of CloudTrail is one JSON document, of which each record becomes a line. The
//! form of events: "Event message structure" of the S3 user guide.

use bytes::Bytes;
use narvi_aws_logs::limits::BATCH_BYTES;
use narvi_aws_logs::{BUCKET, LOG_TYPE, Source, inflate, lines};
use narvi_gateway::Params;
use narvi_model::{Labels, Line, Timestamp};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::ForwardError;
use crate::limits::{OBJECT_BYTES, OBJECTS};
use crate::options::S3Rule;

/// What the keys of CloudTrail's files have in them; its digests lie elsewhere.
const TRAIL: &str = "/CloudTrail/";

/// An object that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) size: u64,
    /// When.
    pub(crate) time: Timestamp,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    event_name: String,
    event_time: String,
    s3: Place,
}

#[derive(Deserialize)]
struct Place {
    bucket: Bucket,
    object: Object,
}

#[derive(Deserialize)]
struct Bucket {
    name: String,
}

#[derive(Deserialize)]
struct Object {
    /// Written as in a form.
    key: String,
    #[serde(default)]
    size: u64,
}

/// The objects of an event that hold anything; other events than that something was written hold
/// none.
///
/// # Errors
/// Where it is no such event, or has too many or too large objects.
pub(crate) fn read(event: Value) -> Result<Vec<Written>, ForwardError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Event {
        records: Vec<Record>,
    }
    let event: Event = serde_json::from_value(event).map_err(ForwardError::Records)?;
    if event.records.len() > OBJECTS {
        return Err(ForwardError::TooManyRecords(event.records.len()));
    }
    let created = |record: &Record| record.event_name.starts_with("ObjectCreated:");
    let written = event.records.into_iter().filter(created).map(written);
    let mut written: Vec<Written> = written.collect::<Result<_, _>>()?;
    written.retain(|object| object.size > 0);
    Ok(written)
}

fn written(record: Record) -> Result<Written, ForwardError> {
    let Object { key, size } = record.s3.object;
    let form = Params::parse(format!("key={key}").as_bytes());
    let key = match form.as_ref().ok().and_then(|form| form.get("key")) {
        Some(key) if !key.is_empty() => key.to_owned(),
        _ => return Err(ForwardError::Key(key)),
    };
    if size > OBJECT_BYTES {
        return Err(ForwardError::ObjectTooLarge { key, size });
    }
    let time: Result<narvi_model::Timestamp, _> =
        narvi_protocol::params::parse_time(&record.event_time);
    let time = time.map_err(|_| ForwardError::EventTime(record.event_time))?;
    Ok(Written {
        bucket: record.s3.bucket.name,
        key,
        size,
        time,
    })
}

/// The lines of an object, each a nanosecond after the one before. Gzip is undone by the suffix.
///
/// # Errors
/// Where it is broken or grows too large.
pub(crate) fn source(
    object: &Written,
    bytes: Bytes,
    rules: &[S3Rule],
) -> Result<Source, ForwardError> {
    let text = if object.key.ends_with(".gz") {
        inflate(&bytes, BATCH_BYTES)?
    } else {
        bytes
    };
    let of_rule = S3Rule::of(rules, &object.bucket, &object.key);
    let labels = [(BUCKET, object.bucket.as_str()), (LOG_TYPE, "s3")];
    let labels = of_rule
        .iter()
        .flat_map(|rule| rule.labels.iter())
        .chain(labels);
    Ok(Source {
        labels: Labels::from_pairs(labels),
        part: ("s3_key", object.key.clone()),
        events: trail(object, &text).unwrap_or_else(|| lines(&text, object.time)),
    })
}

/// The records of a file of CloudTrail; `None` where it is no such file.
fn trail(object: &Written, text: &[u8]) -> Option<Vec<(Timestamp, Line)>> {
    #[derive(Deserialize)]
    struct Trail<'t> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'t RawValue>,
    }
    if !object.key.contains(TRAIL) {
        return None;
    }
    let trail: Trail<'_> = serde_json::from_slice(text).ok()?;
    let records = trail.records.into_iter().enumerate();
    let line =
        |(n, record): (usize, &RawValue)| (object.time.plus(n as i64), Line::from(record.get()));
    Some(records.map(line).collect())
}

#[cfg(test)]
mod tests {
    use narvi_embedded::gzip;
    use serde_json::json;

    use super::*;

    fn event(name: &str, key: &str, size: u64) -> Value {
        json!({"Records": [{
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
            "eventTime": "2026-01-15T10:00:00.123Z", "eventName": name,
            "s3": {"s3SchemaVersion": "1.0", "bucket": {"name": "logs", "arn": "arn:aws:s3:::logs"},
                "object": {"key": key, "size": size, "eTag": "0123456789abcdef"}},
        }]})
    }

    fn object(key: &str) -> Written {
        let key = key.replace(' ', "+");
        read(event("ObjectCreated:Put", &key, 1)).unwrap().remove(0)
    }

    #[test]
    fn events_name_objects() {
        let want = Written {
            bucket: "logs".to_owned(),
            key: "a b/é+.log".to_owned(),
            size: 7,
            time: Timestamp::from_millis(1_768_471_200_123),
        };
        let key = "a+b/%C3%A9%2B.log";
        assert_eq!(read(event("ObjectCreated:Put", key, 7)).unwrap(), [want]);
        assert_eq!(read(event("ObjectCreated:Put", key, 0)).unwrap(), []);
        assert_eq!(read(event("ObjectRemoved:Delete", key, 7)).unwrap(), []);
        for (event, want) in [
            (
                event("ObjectCreated:Put", "%zz", 1),
                "the key `%zz` of an object",
            ),
            (event("ObjectCreated:Put", "", 1), "the key `` of an object"),
            (
                event("ObjectCreated:Put", "x", OBJECT_BYTES + 1),
                "object `x` has 67108865 bytes",
            ),
            (
                json!({"Records": [{}]}),
                "the records of the event cannot be read: missing field",
            ),
        ] {
            let error = read(event).unwrap_err().to_string();
            assert!(error.starts_with(want), "{error}");
        }
    }

    #[track_caller]
    fn check(key: &str, bytes: &[u8], labels: &str, want: &[&str]) {
        let rules = S3Rule::parse("logs/alb/ app=shop; logs/ app=other,env=prod").unwrap();
        let object = object(key);
        let source = source(&object, Bytes::copy_from_slice(bytes), &rules).unwrap();
        assert_eq!(source.labels.to_string(), labels);
        assert_eq!(source.part, ("s3_key", key.to_owned()));
        let line =
            |(_, line): &(Timestamp, Line)| String::from_utf8_lossy(line.as_bytes()).into_owned();
        assert_eq!(source.events.iter().map(line).collect::<Vec<_>>(), want);
        let times = source.events.iter().enumerate();
        assert!(
            times
                .into_iter()
                .all(|(n, (time, _))| *time == object.time.plus(n as i64))
        );
    }

    #[test]
    fn objects_are_lines() {
        let shop = r#"{__aws_log_type="s3", __aws_s3_bucket="logs", app="shop"}"#;
        let other = r#"{__aws_log_type="s3", __aws_s3_bucket="logs", app="other", env="prod"}"#;
        check("alb/x.log", b"a\na\n", shop, &["a", "a"]);
        check("alb/x y.log.gz", &gzip(b"a\nb"), shop, &["a", "b"]);
        let trail = br#"{"Records": [{"a": "x\ny"}, {"b":2}]}"#;
        let records = [r#"{"a": "x\ny"}"#, r#"{"b":2}"#];
        check(
            "AWSLogs/1/CloudTrail/x.json.gz",
            &gzip(trail),
            other,
            &records,
        );
        check("AWSLogs/1/CloudTrail/x.json", b"{", other, &["{"]);
        let bomb = gzip(&vec![b'x'; BATCH_BYTES + 1]);
        assert!(source(&object("x.gz"), bomb.into(), &[]).is_err());
        assert!(source(&object("x.gz"), Bytes::from_static(b"no gzip"), &[]).is_err());
    }
}
