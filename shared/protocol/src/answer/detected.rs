//! Answers about what streams and lines hold: detected labels, detected fields and their values,
//! patterns (spec `http-api.md` §9 and §10).

use narvi_model::answer::{DetectedField, DetectedLabel, LinePattern};

use super::json::{write_integer, write_list, write_string};

/// What an answer is where nothing was detected.
const NOTHING: &[u8] = b"{}\n";

/// `{"detectedLabels":[{"label":"app","cardinality":3}]}`
#[must_use]
pub fn detected_labels(all: &[DetectedLabel]) -> Vec<u8> {
    if all.is_empty() {
        return NOTHING.to_vec();
    }
    let mut out = br#"{"detectedLabels":"#.to_vec();
    write_list(&mut out, all, |out, label| {
        out.extend_from_slice(br#"{"label":"#);
        write_string(out, label.name.as_bytes());
        out.extend_from_slice(br#","cardinality":"#);
        write_count(out, label.cardinality);
        out.push(b'}');
    });
    out.extend_from_slice(b"}\n");
    out
}

/// `{"fields":[…],"limit":1000}`
#[must_use]
pub fn detected_fields(all: &[DetectedField], limit: usize) -> Vec<u8> {
    if all.is_empty() {
        return NOTHING.to_vec();
    }
    let mut out = br#"{"fields":"#.to_vec();
    write_list(&mut out, all, write_field);
    end(out, limit)
}

fn write_field(out: &mut Vec<u8>, field: &DetectedField) {
    out.extend_from_slice(br#"{"label":"#);
    write_string(out, field.name.as_bytes());
    out.extend_from_slice(br#","type":"#);
    write_string(out, field.kind.as_str().as_bytes());
    out.extend_from_slice(br#","cardinality":"#);
    write_count(out, field.cardinality);
    out.extend_from_slice(br#","parsers":"#);
    if field.parsers.is_empty() {
        // Logs Drilldown takes it for structured metadata.
        out.extend_from_slice(b"null");
    } else {
        write_list(out, &field.parsers, |out, parser| {
            write_string(out, parser.as_bytes());
        });
    }
    if !field.path.is_empty() {
        out.extend_from_slice(br#","jsonPath":"#);
        write_list(out, &field.path, |out, key| {
            write_string(out, key.as_bytes());
        });
    }
    out.push(b'}');
}

/// `{"values":["1.5kB"],"limit":1000}`
#[must_use]
pub fn detected_values(all: &[String], limit: usize) -> Vec<u8> {
    if all.is_empty() {
        return NOTHING.to_vec();
    }
    let mut out = br#"{"values":"#.to_vec();
    write_list(&mut out, all, |out, value| {
        write_string(out, value.as_bytes());
    });
    end(out, limit)
}

/// `{"status":"success","data":[{"pattern":"<_> x","level":"info","samples":[[1700000000,12]]}]}`
#[must_use]
pub fn patterns(all: &[LinePattern]) -> Vec<u8> {
    let mut out = br#"{"status":"success","data":"#.to_vec();
    write_list(&mut out, all, |out, pattern| {
        out.extend_from_slice(br#"{"pattern":"#);
        write_string(out, pattern.pattern.as_bytes());
        if !pattern.level.is_empty() {
            out.extend_from_slice(br#","level":"#);
            write_string(out, pattern.level.as_bytes());
        }
        out.extend_from_slice(br#","samples":"#);
        write_list(out, &pattern.samples, |out, (seconds, count)| {
            out.push(b'[');
            write_integer(out, *seconds);
            out.push(b',');
            write_count(out, *count);
            out.push(b']');
        });
        out.push(b'}');
    });
    out.extend_from_slice(b"}\n");
    out
}

fn end(mut out: Vec<u8>, limit: usize) -> Vec<u8> {
    out.extend_from_slice(br#","limit":"#);
    write_count(&mut out, limit as u64);
    out.extend_from_slice(b"}\n");
    out
}

fn write_count(out: &mut Vec<u8>, count: u64) {
    write_integer(out, i64::try_from(count).unwrap_or(i64::MAX));
}

#[cfg(test)]
mod tests {
    use narvi_model::answer::FieldKind;

    use super::*;

    #[track_caller]
    fn check(got: &[u8], want: &str) {
        assert_eq!(std::str::from_utf8(got).unwrap(), format!("{want}\n"));
    }

    #[test]
    fn labels() {
        check(&detected_labels(&[]), "{}");
        let label = DetectedLabel {
            name: "app".to_owned(),
            cardinality: 3,
        };
        check(
            &detected_labels(&[label]),
            r#"{"detectedLabels":[{"label":"app","cardinality":3}]}"#,
        );
    }

    #[test]
    fn fields_and_values() {
        check(&detected_fields(&[], 5), "{}");
        check(&detected_values(&[], 5), "{}");
        let field = |parsers: &[&'static str], path: &[&str]| DetectedField {
            name: "a_b".to_owned(),
            kind: FieldKind::Int,
            cardinality: 2,
            parsers: parsers.to_vec(),
            path: path.iter().map(|key| (*key).to_owned()).collect(),
        };
        check(
            &detected_fields(&[field(&[], &[]), field(&["json"], &["a", "b"])], 7),
            concat!(
                r#"{"fields":[{"label":"a_b","type":"int","cardinality":2,"parsers":null},"#,
                r#"{"label":"a_b","type":"int","cardinality":2,"parsers":["json"],"#,
                r#""jsonPath":["a","b"]}],"limit":7}"#,
            ),
        );
        let values = ["1.5kB".to_owned(), "<".to_owned()];
        check(
            &detected_values(&values, 7),
            r#"{"values":["1.5kB","\u003c"],"limit":7}"#,
        );
    }

    #[test]
    fn patterns_with_their_samples() {
        check(&patterns(&[]), r#"{"status":"success","data":[]}"#);
        let pattern = |level: &str| LinePattern {
            pattern: "<_> x".to_owned(),
            level: level.to_owned(),
            samples: vec![(1_700_000_000, 12), (1_700_000_010, 3)],
        };
        check(
            &patterns(&[pattern("info"), pattern("")]),
            concat!(
                r#"{"status":"success","data":[{"pattern":"\u003c_\u003e x","level":"info","#,
                r#""samples":[[1700000000,12],[1700000010,3]]},{"pattern":"\u003c_\u003e x","#,
                r#""samples":[[1700000000,12],[1700000010,3]]}]}"#,
            ),
        );
    }
}
