//! [`Validator`]: every limit on streams and entries, in Loki's order and words (spec `limits.md`
//! §3 and §4). One pass over a push; nothing is copied unless it must change.

use narvi_model::{Entry, Labels, Limits, Line, TenantId, Timestamp};
use narvi_protocol::level::DETECTED_LEVEL;
use narvi_protocol::push::PushStream;

use crate::levels::Levels;
use crate::metadata_names::Normaliser;
use crate::refusals::Refusals;
use crate::service_name::{SERVICE_NAME, is_internal};

/// Checks the streams of one push.
pub(crate) struct Validator<'a> {
    limits: &'a Limits,
    tenant: &'a TenantId,
    is_blocked: bool,
    oldest: Timestamp,
    newest: Timestamp,
    max_line: usize,
    refusals: &'a mut Refusals,
    normaliser: Normaliser,
    levels: Option<Levels<'a>>,
    bytes: usize,
}

impl<'a> Validator<'a> {
    /// `now` is when the push arrived; refusals are added to `refusals`.
    pub(crate) fn new(
        limits: &'a Limits,
        tenant: &'a TenantId,
        now: Timestamp,
        refusals: &'a mut Refusals,
    ) -> Self {
        let oldest = now.minus(limits.reject_old_samples_max_age.nanos());
        let max_line = usize::try_from(limits.max_line_size.bytes()).unwrap_or(usize::MAX);
        Self {
            limits,
            tenant,
            is_blocked: limits.block_ingestion_until.after(now).is_some(),
            oldest: if limits.reject_old_samples {
                oldest
            } else {
                Timestamp::MIN
            },
            newest: now.plus(limits.creation_grace_period.nanos()),
            max_line: if max_line == 0 { usize::MAX } else { max_line },
            refusals,
            normaliser: Normaliser::default(),
            levels: Levels::new(limits),
            bytes: 0,
        }
    }

    /// Bytes of the lines and metadata that passed so far.
    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// The stream with the entries that pass; `None` where none do.
    pub(crate) fn check(&mut self, mut stream: PushStream) -> Option<PushStream> {
        if let Err(reason) = self.check_labels(&stream.labels) {
            self.refusals.add(reason, stream.entries.len());
            return None;
        }
        if self.is_blocked {
            self.refusals.block(stream.entries.len());
            return None;
        }
        let labels = &stream.labels;
        stream
            .entries
            .retain_mut(|entry| match self.check_entry(labels, entry) {
                Ok(()) => {
                    self.bytes += counted_size(entry);
                    true
                }
                Err(reason) => {
                    self.refusals.add(reason, 1);
                    false
                }
            });
        if let Some(levels) = &mut self.levels {
            levels.add(&stream.labels, &mut stream.entries);
        }
        if self.limits.increment_duplicate_timestamp {
            spread_equal_times(&mut stream.entries);
        }
        (!stream.entries.is_empty()).then_some(stream)
    }

    fn check_labels(&self, labels: &Labels) -> Result<(), String> {
        if labels.is_empty() {
            return Err("error at least one label pair is required per stream".to_owned());
        }
        if is_internal(labels) {
            return Ok(());
        }
        let count = labels.len() - usize::from(labels.get(SERVICE_NAME).is_some());
        let max = self.limits.max_label_names_per_series;
        if count > max {
            return Err(format!(
                "entry for stream '{labels}' has {count} label names; limit {max}"
            ));
        }
        for (name, value) in labels.iter() {
            if name.len() > self.limits.max_label_name_length {
                return Err(format!(
                    "stream '{labels}' has label name too long: '{name}'"
                ));
            }
            if value.len() > self.limits.max_label_value_length {
                return Err(format!(
                    "stream '{labels}' has label value too long: '{value}'"
                ));
            }
        }
        self.check_enforced(labels)
    }

    fn check_enforced(&self, labels: &Labels) -> Result<(), String> {
        let enforced = self.limits.enforced_labels.iter().map(String::as_str);
        let missing: Vec<_> = enforced.filter(|name| labels.get(name).is_none()).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let (missing, tenant) = (missing.join(","), self.tenant);
        Err(format!(
            "missing required labels '{missing}' for user '{tenant}' for stream '{labels}' \
             (policy: '')"
        ))
    }

    fn check_entry(&mut self, labels: &Labels, entry: &mut Entry) -> Result<(), String> {
        let truncate = self.limits.max_line_size_truncate;
        if truncate && entry.line.len() > self.max_line {
            entry.line = self.truncated(&entry.line);
        }
        if entry.timestamp < self.oldest {
            let (time, oldest) = (
                entry.timestamp.rfc3339_seconds(),
                self.oldest.rfc3339_seconds(),
            );
            return Err(format!(
                "entry for stream '{labels}' has timestamp too old: {time}, \
                 oldest acceptable timestamp is: {oldest}"
            ));
        }
        if entry.timestamp > self.newest {
            let time = entry.timestamp.rfc3339_seconds();
            return Err(format!(
                "entry for stream '{labels}' has timestamp too new: {time}"
            ));
        }
        let (size, max) = (entry.line.len(), self.max_line);
        if size > max {
            return Err(format!(
                "max entry size '{max}' bytes exceeded for stream '{labels}' \
                 while adding an entry with length '{size}' bytes"
            ));
        }
        if entry.metadata.is_empty() {
            return Ok(());
        }
        self.check_metadata(labels, entry)
    }

    fn check_metadata(&mut self, labels: &Labels, entry: &mut Entry) -> Result<(), String> {
        let limits = self.limits;
        if !limits.allow_structured_metadata {
            return Err(format!(
                "stream '{labels}' includes structured metadata, but this feature is disallowed. \
                 Please see `limits_config.allow_structured_metadata` or contact your Loki \
                 administrator to enable it"
            ));
        }
        let size = counted_size(entry) - entry.line.len();
        let max = limits.max_structured_metadata_size;
        if size as u64 > max.bytes() {
            return Err(format!(
                "stream '{labels}' has structured metadata too large: '{size}' bytes, \
                 limit: '{}' bytes. Please see `limits_config.max_structured_metadata_size` or \
                 contact your Loki administrator to increase it",
                max.bytes()
            ));
        }
        let (count, max) = (
            entry.metadata.len(),
            limits.max_structured_metadata_entries_count,
        );
        if count > max {
            return Err(format!(
                "stream '{labels}' has too many structured metadata labels: '{count}', \
                 limit: '{max}'. Please see `limits_config.max_structured_metadata_entries_count` \
                 or contact your Loki administrator to increase it"
            ));
        }
        if let Some(normal) = self
            .normaliser
            .normalise(&entry.metadata)
            .map_err(|error| format!("stream '{labels}': structured metadata: {error}"))?
        {
            entry.metadata = normal;
        }
        Ok(())
    }

    /// As much of the line as fits before the identifier. Loki cuts between bytes; a cut within a
    /// character moves to the front of it here, since a stored line is text.
    fn truncated(&self, line: &Line) -> Line {
        let identifier = &self.limits.max_line_size_truncate_identifier;
        let room = self.max_line.saturating_sub(identifier.len());
        let text = String::from_utf8_lossy(line.as_bytes());
        let kept = &text[..text.floor_char_boundary(room)];
        format!("{kept}{identifier}").into()
    }
}

/// Bytes of an entry that limits count: a level that somebody detected is not among them.
fn counted_size(entry: &Entry) -> usize {
    let level = entry.metadata.get(DETECTED_LEVEL);
    entry.size() - level.map_or(0, |value| DETECTED_LEVEL.len() + value.len())
}

/// `increment_duplicate_timestamp`: an entry whose time equals the time of the entry before, as
/// sent or as changed, and whose line differs, moves to a nanosecond after it.
fn spread_equal_times(entries: &mut [Entry]) {
    let Some(mut sent) = entries.first().map(|entry| entry.timestamp) else {
        return;
    };
    for n in 1..entries.len() {
        let (done, rest) = entries.split_at_mut(n);
        let (Some(before), Some(entry)) = (done.last(), rest.first_mut()) else {
            return;
        };
        let is_equal = entry.timestamp == sent || entry.timestamp == before.timestamp;
        if is_equal && before.line != entry.line {
            entry.timestamp = before.timestamp.plus(1);
        } else {
            sent = entry.timestamp;
        }
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::LimitsPatch;

    use super::*;

    /// 2024-01-10T00:00:00Z
    const NOW: Timestamp = Timestamp::from_seconds(1_704_844_800);
    const APP: &str = r#"{app="x", service_name="x"}"#;

    fn entry(seconds: i64, line: &str, metadata: &[(&str, &str)]) -> Entry {
        Entry {
            timestamp: NOW.plus(Timestamp::from_seconds(seconds).nanos()),
            line: line.into(),
            metadata: Labels::from_pairs(metadata.iter().copied()),
        }
    }

    fn checked(patch: &str, labels: &str, entries: Vec<Entry>) -> (Option<PushStream>, String) {
        let patch: LimitsPatch = serde_json::from_str(patch).unwrap();
        let mut limits = Limits::default().patched(&patch);
        // They have tests of their own.
        limits.discover_log_levels = false;
        let mut refusals = Refusals::default();
        let tenant = TenantId::parse("t").unwrap();
        let mut validator = Validator::new(&limits, &tenant, NOW, &mut refusals);
        let labels = narvi_protocol::push::labels::parse(labels).unwrap();
        let stream = validator.check(PushStream { labels, entries });
        let text = refusals.into_result().map_err(|error| error.to_string());
        (stream, text.err().unwrap_or_default())
    }

    /// Nothing is stored, and `want` is why.
    #[track_caller]
    fn refused(patch: &str, labels: &str, entry: Entry, want: &str) {
        assert_eq!(checked(patch, labels, vec![entry]), (None, want.to_owned()));
    }

    #[track_caller]
    fn passes(patch: &str, labels: &str, entry: Entry) -> Entry {
        let (stream, reason) = checked(patch, labels, vec![entry]);
        assert_eq!(reason, "");
        stream.unwrap().entries.remove(0)
    }

    #[test]
    fn labels() {
        let fifteen: Vec<_> = (0..15).map(|n| format!("l{n:02}=\"v\"")).collect();
        let fifteen = fifteen.join(", ");
        passes(
            "{}",
            &format!("{{{fifteen}, service_name=\"v\"}}"),
            entry(0, "", &[]),
        );
        refused(
            "{}",
            &format!("{{{fifteen}, x=\"v\"}}"),
            entry(0, "", &[]),
            &format!("entry for stream '{{{fifteen}, x=\"v\"}}' has 16 label names; limit 15"),
        );
        let patch = r#"{"max_label_name_length": 3, "max_label_value_length": 4}"#;
        refused(
            patch,
            r#"{abcd="x"}"#,
            entry(0, "", &[]),
            r#"stream '{abcd="x"}' has label name too long: 'abcd'"#,
        );
        refused(
            patch,
            r#"{abc="vwxyz"}"#,
            entry(0, "", &[]),
            r#"stream '{abc="vwxyz"}' has label value too long: 'vwxyz'"#,
        );
        let none = "error at least one label pair is required per stream";
        refused("{}", "{}", entry(0, "", &[]), none);
        passes(patch, r#"{__pattern__="long enough"}"#, entry(0, "", &[]));
        let patch = r#"{"enforced_labels": ["env", "app", "team"]}"#;
        refused(
            patch,
            r#"{app="x"}"#,
            entry(0, "", &[]),
            "missing required labels 'env,team' for user 't' \
             for stream '{app=\"x\"}' (policy: '')",
        );
        passes(patch, r#"{app="x", env="y", team="z"}"#, entry(0, "", &[]));
        passes(patch, r#"{__pattern__="x"}"#, entry(0, "", &[]));
    }

    #[test]
    fn times() {
        let week = 7 * 86_400;
        passes("{}", APP, entry(-week, "", &[]));
        refused(
            "{}",
            APP,
            entry(-week - 1, "", &[]),
            &format!(
                "entry for stream '{APP}' has timestamp too old: 2024-01-02T23:59:59Z, \
                 oldest acceptable timestamp is: 2024-01-03T00:00:00Z"
            ),
        );
        passes(
            r#"{"reject_old_samples": false}"#,
            APP,
            entry(-9 * week, "", &[]),
        );
        passes("{}", APP, entry(600, "", &[]));
        refused(
            "{}",
            APP,
            entry(601, "", &[]),
            &format!("entry for stream '{APP}' has timestamp too new: 2024-01-10T00:10:01Z"),
        );
    }

    #[test]
    fn lines() {
        let patch = r#"{"max_line_size": 5}"#;
        passes(patch, APP, entry(0, "12345", &[]));
        passes(
            r#"{"max_line_size": 0}"#,
            APP,
            entry(0, &"x".repeat(300_000), &[]),
        );
        refused(
            "{}",
            APP,
            entry(0, &"x".repeat(300_000), &[]),
            &format!(
                "max entry size '262144' bytes exceeded for stream '{APP}' \
                 while adding an entry with length '300000' bytes"
            ),
        );
        let patch = r#"{"max_line_size": 5, "max_line_size_truncate": true,
                        "max_line_size_truncate_identifier": "~~"}"#;
        assert_eq!(
            passes(patch, APP, entry(0, "123456", &[])).line,
            "123~~".into()
        );
        assert_eq!(
            passes(patch, APP, entry(0, "12é456", &[])).line,
            "12~~".into()
        );
        assert_eq!(
            passes(patch, APP, entry(0, "12345", &[])).line,
            "12345".into()
        );
    }

    #[test]
    fn metadata() {
        let patch = r#"{"max_structured_metadata_size": 4, "allow_structured_metadata": true,
                        "max_structured_metadata_entries_count": 1}"#;
        passes(patch, APP, entry(0, "", &[("ab", "12")]));
        let level = entry(0, "", &[("detected_level", "info"), ("ab", "12")]);
        passes(r#"{"max_structured_metadata_size": 4}"#, APP, level);
        refused(
            patch,
            APP,
            entry(0, "", &[("ab", "123")]),
            &format!(
                "stream '{APP}' has structured metadata too large: '5' bytes, limit: '4' bytes. \
                 Please see `limits_config.max_structured_metadata_size` or contact your Loki \
                 administrator to increase it"
            ),
        );
        refused(
            patch,
            APP,
            entry(0, "", &[("a", "1"), ("b", "2")]),
            &format!(
                "stream '{APP}' has too many structured metadata labels: '2', limit: '1'. \
                 Please see `limits_config.max_structured_metadata_entries_count` or contact your \
                 Loki administrator to increase it"
            ),
        );
        refused(
            r#"{"allow_structured_metadata": false}"#,
            APP,
            entry(0, "", &[("a", "1")]),
            &format!(
                "stream '{APP}' includes structured metadata, but this feature is disallowed. \
                 Please see `limits_config.allow_structured_metadata` or contact your Loki \
                 administrator to enable it"
            ),
        );
        let stored = passes("{}", APP, entry(0, "", &[("trace.id", "1")])).metadata;
        assert_eq!(stored.to_string(), r#"{trace_id="1"}"#);
        refused(
            "{}",
            APP,
            entry(0, "", &[("", "1")]),
            &format!(
                "stream '{APP}': structured metadata: empty label name; \
                 give it a name or leave the pair out"
            ),
        );
    }

    #[test]
    fn the_rest_is_stored_and_reasons_are_grouped() {
        let old = -8 * 86_400;
        let entries = [(old, "a"), (0, "b"), (old, "c"), (700, "")];
        let entries = entries
            .map(|(seconds, line)| entry(seconds, line, &[]))
            .to_vec();
        let (stream, reason) = checked("{}", APP, entries);
        assert_eq!(stream.unwrap().entries, [entry(0, "b", &[])]);
        assert_eq!(
            reason,
            format!(
                "2 errors like: entry for stream '{APP}' has timestamp too old: \
                 2024-01-02T00:00:00Z, oldest acceptable timestamp is: 2024-01-03T00:00:00Z; \
                 1 errors like: entry for stream '{APP}' has timestamp too new: \
                 2024-01-10T00:11:40Z"
            )
        );
    }

    #[test]
    fn equal_times_are_spread() {
        let entries = ["x", "y", "z", "z"]
            .map(|line| entry(0, line, &[]))
            .to_vec();
        let patch = r#"{"increment_duplicate_timestamp": true}"#;
        let stream = checked(patch, APP, entries.clone()).0.unwrap();
        let nanos: Vec<_> = stream
            .entries
            .iter()
            .map(|e| e.timestamp.since(NOW))
            .collect();
        assert_eq!(nanos, [0, 1, 2, 0]);
        assert_eq!(
            checked("{}", APP, entries.clone()).0.unwrap().entries,
            entries
        );
    }
}
