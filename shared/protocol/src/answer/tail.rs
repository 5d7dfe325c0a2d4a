//! [`encode_tail`]: lines for a live tail, cut into frames (spec `http-api.md` §11 and §17).
//!
//! Each entry has a stream object of its own, so that a client shows entries in the order of time.
//! What is too long for any frame is told of as dropped.

use narvi_model::answer::{LogEntry, LogStream};
use narvi_model::{Labels, Timestamp};

use super::EncodeOptions;
use super::json::{write_integer, write_labels, write_list, write_string};
use super::streams::{merge, write_categorised, write_plain, write_stream};
use crate::limits::{MAX_DROPPED_ENTRIES, MAX_FRAME_ENTRIES};

/// An entry that a client is not sent, only told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedEntry {
    /// When it was.
    pub timestamp: Timestamp,
    /// The labels of its stream.
    pub labels: Labels,
}

/// One text message to a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailFrame {
    /// JSON.
    pub text: Vec<u8>,
    /// What a client misses that does not get it.
    pub entries: Vec<DroppedEntry>,
}

/// How a client of a live tail wants its frames.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TailForm {
    /// Those of `/loki/api/v1/tail`.
    Current(EncodeOptions),
    /// Those of `/api/prom/tail`, which know no flags.
    Legacy,
}

/// Frames of at most `max_bytes`, entries in the order of time; none where there is nothing to
/// tell.
#[must_use]
pub fn encode_tail(
    streams: &[LogStream],
    dropped: &[DroppedEntry],
    form: &TailForm,
    max_bytes: usize,
) -> Vec<TailFrame> {
    let mut entries: Vec<(&LogStream, &LogEntry)> = streams
        .iter()
        .flat_map(|stream| stream.entries.iter().map(move |entry| (stream, entry)))
        .collect();
    entries.sort_by_key(|(_, entry)| entry.timestamp);
    let mut frames = Frames::new(form, max_bytes);
    let mut too_long = Vec::new();
    for (stream, entry) in entries {
        let mut piece = Vec::with_capacity(entry.line.len() + 256);
        let one = std::slice::from_ref(entry);
        match form {
            TailForm::Current(options) if options.categorize => {
                write_stream(&mut piece, &stream.labels, one, write_categorised);
            }
            TailForm::Current(_) => {
                write_stream(&mut piece, &merge(stream, entry), one, write_plain);
            }
            TailForm::Legacy => write_legacy(&mut piece, &merge(stream, entry), entry),
        }
        let missed = DroppedEntry {
            timestamp: entry.timestamp,
            labels: stream.labels.clone(),
        };
        if !frames.add(Part::Streams, &piece, &missed) {
            too_long.push(missed);
        }
    }
    for missed in dropped.iter().chain(&too_long).take(MAX_DROPPED_ENTRIES) {
        let mut piece = br#"{"timestamp":""#.to_vec();
        match form {
            TailForm::Current(_) => {
                write_integer(&mut piece, missed.timestamp.nanos());
                piece.extend_from_slice(br#"","labels":"#);
                write_labels(&mut piece, &missed.labels);
            }
            TailForm::Legacy => {
                piece.extend_from_slice(missed.timestamp.rfc3339().as_bytes());
                piece.extend_from_slice(br#"","labels":"#);
                write_string(&mut piece, missed.labels.to_string().as_bytes());
            }
        }
        piece.push(b'}');
        // Labels that fill a frame on their own cannot be told of at all.
        frames.add(Part::Dropped, &piece, missed);
    }
    frames.finish()
}

/// One stream of the old shape, with its labels as text.
fn write_legacy(out: &mut Vec<u8>, labels: &Labels, entry: &LogEntry) {
    out.extend_from_slice(br#"{"labels":"#);
    write_string(out, labels.to_string().as_bytes());
    out.extend_from_slice(br#","entries":[{"ts":""#);
    out.extend_from_slice(entry.timestamp.rfc3339().as_bytes());
    out.extend_from_slice(br#"","line":"#);
    write_string(out, entry.line.as_bytes());
    out.extend_from_slice(b"}]}");
}

/// The two lists of a frame.
#[derive(Clone, Copy)]
enum Part {
    Streams,
    Dropped,
}

/// Frames, and the lists of the one that is being filled.
struct Frames {
    done: Vec<TailFrame>,
    streams: Vec<u8>,
    dropped: Vec<u8>,
    entries: Vec<DroppedEntry>,
    /// What stands in the place of dropped entries where there are none.
    no_dropped: &'static [u8],
    /// What follows the lists.
    end: Vec<u8>,
    /// Bytes that the lists may have together.
    room: usize,
}

const START: &[u8] = br#"{"streams":["#;
const BETWEEN: &[u8] = br#"],"dropped_entries":["#;

impl Frames {
    fn new(form: &TailForm, max_bytes: usize) -> Self {
        let mut end = Vec::new();
        let no_dropped: &[u8] = match form {
            TailForm::Legacy => br#"],"dropped_entries":null"#,
            TailForm::Current(options) => {
                if !options.flags.is_empty() {
                    end.extend_from_slice(br#","encodingFlags":"#);
                    write_list(&mut end, &options.flags, |out, flag| {
                        write_string(out, flag.as_bytes());
                    });
                }
                b"]"
            }
        };
        end.push(b'}');
        let room = max_bytes.saturating_sub(START.len() + BETWEEN.len() + 1 + end.len());
        Self {
            done: Vec::new(),
            streams: Vec::new(),
            dropped: Vec::new(),
            entries: Vec::new(),
            no_dropped,
            end,
            room,
        }
    }

    /// Adds to a list, in the next frame where this one is full; whether it fits into any.
    fn add(&mut self, part: Part, piece: &[u8], missed: &DroppedEntry) -> bool {
        // One more for the comma.
        let size = piece.len() + 1;
        if size > self.room {
            return false;
        }
        let used = self.streams.len() + self.dropped.len();
        if used + size > self.room || self.entries.len() == MAX_FRAME_ENTRIES {
            self.flush();
        }
        let list = match part {
            Part::Streams => &mut self.streams,
            Part::Dropped => &mut self.dropped,
        };
        if !list.is_empty() {
            list.push(b',');
        }
        list.extend_from_slice(piece);
        self.entries.push(missed.clone());
        true
    }

    fn flush(&mut self) {
        if self.entries.is_empty() {
            return;
        }
        let mut parts = vec![START, &self.streams];
        if self.dropped.is_empty() {
            parts.push(self.no_dropped);
        } else {
            parts.extend([BETWEEN, &self.dropped, b"]"]);
        }
        parts.push(&self.end);
        let text = parts.concat();
        self.streams.clear();
        self.dropped.clear();
        let entries = std::mem::take(&mut self.entries);
        self.done.push(TailFrame { text, entries });
    }

    fn finish(mut self) -> Vec<TailFrame> {
        self.flush();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::Line;

    use super::*;

    fn stream(app: &str, entries: &[(i64, &str)]) -> LogStream {
        let entry = |&(time, line): &(i64, &str)| LogEntry {
            timestamp: Timestamp::from_nanos(time),
            line: Line::from(line),
            metadata: Labels::from_pairs([("id", "7")]),
            parsed: Labels::empty(),
        };
        LogStream {
            labels: Labels::from_pairs([("app", app)]),
            entries: entries.iter().map(entry).collect(),
        }
    }

    fn dropped(time: i64) -> DroppedEntry {
        DroppedEntry {
            timestamp: Timestamp::from_nanos(time),
            labels: Labels::from_pairs([("app", "d")]),
        }
    }

    fn texts(frames: Vec<TailFrame>) -> Vec<String> {
        let text = |frame: TailFrame| String::from_utf8(frame.text).unwrap();
        frames.into_iter().map(text).collect()
    }

    #[track_caller]
    fn check(streams: &[LogStream], missed: &[DroppedEntry], flags: Option<&str>, want: &[&str]) {
        let form = TailForm::Current(EncodeOptions::from_flags(flags));
        assert_eq!(texts(encode_tail(streams, missed, &form, 1024)), want);
    }

    #[test]
    fn entries_come_one_by_one_in_order() {
        check(&[], &[], None, &[]);
        let streams = [
            stream("a", &[(3, "<x>"), (1, "y")]),
            stream("b", &[(2, "z")]),
        ];
        check(
            &streams,
            &[],
            None,
            &[concat!(
                r#"{"streams":[{"stream":{"app":"a","id":"7"},"values":[["1","y"]]},"#,
                r#"{"stream":{"app":"b","id":"7"},"values":[["2","z"]]},"#,
                r#"{"stream":{"app":"a","id":"7"},"values":[["3","\u003cx\u003e"]]}]}"#
            )],
        );
        check(
            &streams[1..],
            &[dropped(9)],
            Some("categorize-labels"),
            &[concat!(
                r#"{"streams":[{"stream":{"app":"b"},"values":[["2","z","#,
                r#"{"structuredMetadata":{"id":"7"}}]]}],"#,
                r#""dropped_entries":[{"timestamp":"9","labels":{"app":"d"}}],"#,
                r#""encodingFlags":["categorize-labels"]}"#
            )],
        );
    }

    #[test]
    fn legacy_frames_have_labels_and_times_as_text() {
        let second = 1_768_471_200_000_000_000;
        let streams = [stream("a", &[(second + 120_000_000, "<x>"), (second, "y")])];
        let texts =
            |missed: &[DroppedEntry]| texts(encode_tail(&streams, missed, &TailForm::Legacy, 1024));
        let start = concat!(
            r#"{"streams":[{"labels":"{app=\"a\", id=\"7\"}","entries":["#,
            r#"{"ts":"2026-01-15T10:00:00Z","line":"y"}]},"#,
            r#"{"labels":"{app=\"a\", id=\"7\"}","entries":["#,
            r#"{"ts":"2026-01-15T10:00:00.12Z","line":"\u003cx\u003e"}]}],"dropped_entries":"#,
        );
        assert_eq!(texts(&[]), [format!("{start}null}}")]);
        let missed = r#"[{"timestamp":"1970-01-01T00:00:00.000000009Z","labels":"{app=\"d\"}"}]"#;
        assert_eq!(texts(&[dropped(9)]), [format!("{start}{missed}}}")]);
    }

    #[test]
    fn frames_are_bounded() {
        let many: Vec<(i64, &str)> = (0..250).map(|time| (time, "x")).collect();
        let options = TailForm::Current(EncodeOptions::default());
        let frames = encode_tail(&[stream("a", &many)], &[], &options, 128 << 10);
        let counts: Vec<usize> = frames.iter().map(|frame| frame.entries.len()).collect();
        assert_eq!(counts, [100, 100, 50]);

        let long = "x".repeat(900);
        let streams = stream(
            "a",
            &[(1, &long), (2, &"x".repeat(1000)), (3, &long), (4, "s")],
        );
        let frames = encode_tail(std::slice::from_ref(&streams), &[], &options, 1024);
        assert!(frames.iter().all(|frame| frame.text.len() <= 1024));
        let told: Vec<i64> = frames
            .iter()
            .flat_map(|frame| frame.entries.iter().map(|entry| entry.timestamp.nanos()))
            .collect();
        assert_eq!(told, [1, 3, 4, 2]);
        let texts = texts(frames);
        assert_eq!(
            texts.last().map(String::as_str),
            Some(concat!(
                r#"{"streams":[{"stream":{"app":"a","id":"7"},"values":[["4","s"]]}],"#,
                r#""dropped_entries":[{"timestamp":"2","labels":{"app":"a"}}]}"#
            ))
        );
        assert_eq!(encode_tail(&[streams], &[], &options, 10), []);
        let all = encode_tail(&[], &vec![dropped(1); 2000], &options, 128 << 10);
        assert_eq!(all.len(), 10);
    }
}
