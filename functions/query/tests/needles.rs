//! Searches for rare texts in merged segments: what they read, and that filters change no answer.

#![cfg(test)]

mod support;

use support::{Fixture, NOW, Stored};

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

/// Lines with ids, more than are fetched whole with their footer.
fn lines(count: usize) -> Vec<String> {
    let mut numbers = Numbers(88_172_645_463_325_252);
    let mut line = |n: usize| {
        let id = numbers.next();
        match n % 8 {
            0 => format!(r#"{{"id":"{id:016x}","n":{n},"path":"/cart/checkout"}}"#),
            1 => format!(
                "ts={} trace={id:016X} msg=\"order placed by customer\"",
                id % 9_999_999
            ),
            2 => format!(r#"{{"id":"\u0061{id:016x}","text":"grün und blau"}}"#),
            3 => format!(
                "10.1.{}.{} - - {id:08x}-{:04x}",
                id % 256,
                n % 256,
                id >> 48
            ),
            // Ids are not the most of all bytes: filters would take too many beside them.
            _ => (0..16)
                .map(|part| (id >> (3 * part) & 0xfff).to_string())
                .collect::<Vec<_>>()
                .join(" "),
        }
    };
    (0..count).map(&mut line).collect()
}

async fn store(fixture: &mut Fixture, how: Stored, app: &str, lines: &[String]) {
    let timed: Vec<(i64, &str)> = (0..).zip(lines.iter().map(String::as_str)).collect();
    fixture.store(how, app, &timed).await;
}

/// The lines of an answer, and how many were read for it.
async fn search(fixture: &Fixture, app: &str, pipeline: &str) -> (Vec<String>, u64) {
    let query = format!(r#"{{app="{app}"}} {pipeline}"#);
    let (start, end) = (NOW.to_string(), (NOW + 90_000).to_string());
    let params = [
        ("query", &*query),
        ("start", &*start),
        ("end", &*end),
        ("limit", "5000"),
    ];
    let data = fixture.data("/loki/api/v1/query_range", &params).await;
    let read = data["stats"]["summary"]["totalLinesProcessed"].as_u64();
    let streams = data["result"].as_array().unwrap().iter();
    let values = streams.flat_map(|stream| stream["values"].as_array().unwrap());
    let lines = values.map(|value| value[1].as_str().unwrap().to_owned());
    (lines.collect(), read.unwrap())
}

#[tokio::test]
async fn what_cannot_be_there_is_not_fetched() {
    let lines = lines(6_000);
    let mut fixture = Fixture::new("").await;
    store(&mut fixture, Stored::Merged, "a", &lines).await;
    let there = lines[3_001].split_once("trace=").unwrap().1[..16].to_owned();
    let absent = "6f1c2f0e-aaaa-4d5a-9b1e-0123456789ab";
    // An id is one gram or two, which a filter takes for there in one chunk of 256 where it is not:
    // of some 50 chunks one or two are read. They are less than the first unit of a query, so that
    // is one request.
    let few = 1_000;
    for (pipeline, found, gets, most) in [
        // Footer and filters, which lie side by side, once.
        (format!("|= `{absent}`"), 0, 1, 0),
        (format!("|= `{absent}`"), 0, 0, 0),
        (format!("|= `{there}`"), 1, 1, few),
        (format!("|= `{there}x`"), 0, 1, few),
        (
            format!("|~ `(?i)TRACE=({there}|0123456789abcdef) `"),
            1,
            1,
            few,
        ),
        (format!("|= `{absent}` or `no-such-word-anywhere`"), 0, 0, 0),
        (format!("|> `<_>{absent}<_>`"), 0, 0, 0),
        (
            format!("|= `{there}` | logfmt | trace=`{absent}`"),
            0,
            1,
            few,
        ),
        // With escapes in them, lines may hold any value: all are read, in two units.
        (format!("| logfmt | trace=`{absent}`"), 0, 2, 6_000),
        // Names are shorter than ids.
        ("|= `customers`".to_owned(), 0, 0, 0),
        ("|= `abse`".to_owned(), 0, 0, 0),
        // Too short to be looked up.
        ("|= `zzz`".to_owned(), 0, 2, 6_000),
    ] {
        let before = fixture.counted();
        let (got, read) = search(&fixture, "a", &pipeline).await;
        assert_eq!(got.len(), found, "{pipeline}");
        assert!(read <= most, "{pipeline}: {read}");
        let counted = fixture.since(&before);
        let counted = counted.get("s3.GetObject").copied().unwrap_or_default();
        assert_eq!(counted, gets, "{pipeline}");
    }
}

#[tokio::test]
async fn filters_change_no_answer() {
    let lines = lines(3_000);
    let mut fixture = Fixture::new("").await;
    store(&mut fixture, Stored::AsObject, "plain", &lines).await;
    store(&mut fixture, Stored::Merged, "merged", &lines).await;
    let mut numbers = Numbers(1);
    for round in 0..120 {
        let line = lines[numbers.below(lines.len())].as_bytes();
        let (from, len) = (numbers.below(line.len()), 1 + numbers.below(30));
        let part = &line[from..line.len().min(from + len)];
        let mut part = String::from_utf8_lossy(part).replace(['`', '\u{fffd}'], "");
        if round % 5 == 0 {
            part.push('q');
        }
        let pipeline = match round % 4 {
            0 | 1 => format!("|= `{part}`"),
            2 => {
                let quoted: String = part.chars().map(|c| format!("[{c}]")).collect();
                let quoted = quoted.replace("[\\]", r"\\").replace("[^]", r"\^");
                format!("|~ `(?i){quoted}`")
            }
            _ => {
                let value = part.replace(['"', '\\'], "");
                format!("| json | logfmt | id=~`.*{value}.*` or trace=`{value}`")
            }
        };
        let pipeline = format!("{pipeline} | keep app");
        let (plain, _) = search(&fixture, "plain", &pipeline).await;
        let (merged, _) = search(&fixture, "merged", &pipeline).await;
        assert_eq!(merged, plain, "{pipeline}");
    }
    // Written with an escape, and found nevertheless.
    let escaped = lines[2].split('"').nth(3).unwrap().replace(r"\u0061", "a");
    let pipeline = format!("| json | id=`{escaped}`");
    let (found, _) = search(&fixture, "merged", &pipeline).await;
    assert_eq!(found, [lines[2].as_str()]);
}
