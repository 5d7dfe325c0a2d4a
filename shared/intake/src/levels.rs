//! [`Levels`]: adds `detected_level` to the metadata of entries (spec `limits.md` §6). Which level
//! it is, `narvi_protocol::level` knows.

use narvi_model::{Entry, Labels, Limits, Metadata};
use narvi_protocol::level::{DETECTED_LEVEL, LevelDetector, normal};

use crate::limits::REMEMBERED_LEVELS;

/// Adds levels to the entries of one push.
pub(crate) struct Levels<'a> {
    detector: LevelDetector<'a>,
    /// What entries without other metadata get: one set for each level, which all of them share.
    alone: Vec<Metadata>,
    /// The metadata of the entry before and what it became, as neighbours often have the same.
    last: Option<(Metadata, Metadata)>,
}

impl<'a> Levels<'a> {
    /// `None` where the tenant wants no levels, or may not have metadata.
    pub(crate) fn new(limits: &'a Limits) -> Option<Self> {
        if !limits.discover_log_levels || !limits.allow_structured_metadata {
            return None;
        }
        let depth = limits.log_level_from_json_max_depth;
        Some(Self {
            detector: LevelDetector::new(&limits.log_level_fields, depth),
            alone: Vec::new(),
            last: None,
        })
    }

    /// Adds the level to every entry of a stream.
    pub(crate) fn add(&mut self, labels: &Labels, entries: &mut [Entry]) {
        let detector = self.detector.clone();
        let of_stream = detector.of_stream(labels);
        for entry in entries {
            let metadata = entry.metadata.clone();
            let level = match (metadata.get(DETECTED_LEVEL), of_stream) {
                (Some(sent), _) if normal(sent) == sent => continue,
                (Some(sent), _) => normal(sent),
                (None, Some(level)) => level,
                (None, None) => detector.of_entry(&metadata, entry.line.as_bytes()),
            };
            if !level.is_empty() {
                entry.metadata = self.with_level(&metadata, level);
            }
        }
    }

    fn with_level(&mut self, metadata: &Metadata, level: &str) -> Metadata {
        let has_level = |with: &&Metadata| with.get(DETECTED_LEVEL) == Some(level);
        if metadata.is_empty() {
            if let Some(with) = self.alone.iter().find(has_level) {
                return with.clone();
            }
            let with = metadata.with(DETECTED_LEVEL, level);
            if self.alone.len() < REMEMBERED_LEVELS {
                self.alone.push(with.clone());
            }
            return with;
        }
        let last = self.last.as_ref().filter(|(before, _)| before == metadata);
        if let Some(with) = last.map(|(_, with)| with).filter(has_level) {
            return with.clone();
        }
        let with = metadata.with(DETECTED_LEVEL, level);
        self.last = Some((metadata.clone(), with.clone()));
        with
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::{LimitsPatch, Timestamp};

    use super::*;

    fn entry(line: &str, pairs: &[(&str, &str)]) -> Entry {
        Entry {
            timestamp: Timestamp::from_nanos(1),
            line: line.into(),
            metadata: Labels::from_pairs(pairs.iter().copied()),
        }
    }

    /// Metadata of entries of a stream, once levels are added.
    fn added(labels: &[(&str, &str)], mut entries: Vec<Entry>) -> Vec<String> {
        let limits = Limits::default();
        let mut levels = Levels::new(&limits).unwrap();
        levels.add(&Labels::from_pairs(labels.iter().copied()), &mut entries);
        entries
            .iter()
            .map(|entry| entry.metadata.to_string())
            .collect()
    }

    #[test]
    fn every_entry_gets_one() {
        let entries = vec![
            entry("level=info", &[]),
            entry("an error", &[]),
            entry("nothing", &[]),
            entry("level=info", &[("a", "1")]),
            entry("level=warn", &[("a", "1")]),
            entry("level=warn", &[("a", "1")]),
            entry("level=warn", &[("detected_level", "Err")]),
            entry(
                "level=warn",
                &[("detected_level", "odd"), ("level", "info")],
            ),
            entry("level=warn", &[("level", "")]),
        ];
        let want = [
            r#"{detected_level="info"}"#,
            r#"{detected_level="error"}"#,
            r#"{detected_level="unknown"}"#,
            r#"{a="1", detected_level="info"}"#,
            r#"{a="1", detected_level="warn"}"#,
            r#"{a="1", detected_level="warn"}"#,
            r#"{detected_level="error"}"#,
            r#"{detected_level="odd", level="info"}"#,
            r#"{level=""}"#,
        ];
        assert_eq!(added(&[("app", "x")], entries), want);
    }

    #[test]
    fn labels_of_the_stream_come_before_the_line() {
        let entries = vec![
            entry("level=info", &[("level", "error")]),
            entry("", &[("detected_level", "debug")]),
        ];
        let want = [
            r#"{detected_level="warn", level="error"}"#,
            r#"{detected_level="debug"}"#,
        ];
        assert_eq!(added(&[("severity", "Warning")], entries), want);
    }

    #[test]
    fn neighbours_share_their_metadata() {
        let limits = Limits::default();
        let mut levels = Levels::new(&limits).unwrap();
        let mut entries = vec![entry("level=info", &[]), entry("info", &[])];
        levels.add(&Labels::empty(), &mut entries);
        let first = entries[0].metadata.iter().next().unwrap().1.as_ptr();
        assert_eq!(entries[1].metadata.iter().next().unwrap().1.as_ptr(), first);
    }

    #[test]
    fn can_be_turned_off() {
        for patch in [
            r#"{"discover_log_levels": false}"#,
            r#"{"allow_structured_metadata": false}"#,
        ] {
            let patch: LimitsPatch = serde_json::from_str(patch).unwrap();
            assert!(Levels::new(&Limits::default().patched(&patch)).is_none());
        }
    }
}
