//! The list of requests to delete (spec `http-api.md` §16).

use narvi_model::Timestamp;

use super::json::{write_list, write_string};

/// One request as it is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDelete {
    /// Its id.
    pub id: String,
    /// Which lines.
    pub query: String,
    /// The first instant.
    pub start: Timestamp,
    /// The last instant.
    pub end: Timestamp,
    /// When it was made.
    pub created: Timestamp,
    /// How far it has come, in Loki's words.
    pub status: String,
}

/// A bare list, in the order given. Times are whole seconds, which every client reads; Loki's have
/// fractions.
#[must_use]
pub fn deletes(all: &[ListedDelete]) -> Vec<u8> {
    let mut out = Vec::new();
    write_list(&mut out, all, |out, one| {
        let texts = [
            ("request_id", &one.id),
            ("query", &one.query),
            ("status", &one.status),
        ];
        let times = [
            ("start_time", one.start),
            ("end_time", one.end),
            ("created_at", one.created),
        ];
        out.push(b'{');
        for (key, value) in texts {
            write_string(out, key.as_bytes());
            out.push(b':');
            write_string(out, value.as_bytes());
            out.push(b',');
        }
        for (key, time) in times {
            out.extend_from_slice(format!("\"{key}\":{},", time.seconds()).as_bytes());
        }
        out.extend_from_slice(b"\"user_id\":\"\"}");
    });
    out.push(b'\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists() {
        assert_eq!(deletes(&[]), b"[]\n");
        let one = ListedDelete {
            id: "0a1b2c3d".to_owned(),
            query: "{app=\"x\"} |= `\"`".to_owned(),
            start: Timestamp::from_seconds(1_700_000_000),
            end: Timestamp::from_millis(1_700_003_600_999),
            created: Timestamp::from_millis(1_700_010_000_123),
            status: "received".to_owned(),
        };
        let want = r#"[{"request_id":"0a1b2c3d","query":"{app=\"x\"} |= `\"`","status":"received","#
            .to_owned()
            + r#""start_time":1700000000,"end_time":1700003600,"created_at":1700010000,"#
            + "\"user_id\":\"\"}]\n";
        assert_eq!(String::from_utf8(deletes(&[one])).unwrap(), want);
    }
}
