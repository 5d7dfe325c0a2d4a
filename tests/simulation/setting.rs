//! [`Setting`]: what a seed picks before anything happens: how the system is configured, how much
//! is done to it and how much of that fails.

use narvi_model::{NANOS_PER_SECOND, Timestamp};

use super::rng::Rng;

/// Streams that lines are of: `{app="s0"}` and so on.
pub(crate) const STREAMS: usize = 3;

const HOUR: i64 = 3600 * NANOS_PER_SECOND;

/// Rules of retention, and for how many hours each stream is kept by them; 0 is for ever.
const RULES: [(&str, [i64; STREAMS]); 7] = [
    ("", [0, 0, 0]),
    ("", [0, 0, 0]),
    ("retention_period: 24h", [24, 24, 24]),
    ("retention_period: 72h", [72, 72, 72]),
    (
        r#"retention_period: 720h, retention_stream: [
            {selector: '{app="s0"}', priority: 1, period: 24h}]"#,
        [24, 720, 720],
    ),
    (
        r#"retention_period: 0s, retention_stream: [
            {selector: '{app=~"s[01]"}', priority: 1, period: 24h},
            {selector: '{app="s1"}', priority: 2, period: 48h}]"#,
        [24, 48, 0],
    ),
    (
        r#"retention_period: 48h, retention_stream: [
            {selector: '{app=~"s[12]"}', priority: 1, period: 24h},
            {selector: '{app="s2", app!="x"}', priority: 2, period: 240h}]"#,
        [48, 24, 240],
    ),
];

/// What happens most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    /// Nothing more than others.
    None,
    /// Readers that stand still.
    Reads,
    /// Requests to delete that are due.
    Erasing,
    /// Merges that stand still.
    Merges,
}

/// What a seed picks.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    pub(crate) start: Timestamp,
    /// Calls of a hundred that do not simply succeed.
    pub(crate) faults: usize,
    pub(crate) activities: usize,
    pub(crate) focus: Focus,
    pub(crate) shards: u16,
    /// The configuration.
    pub(crate) yaml: String,
    /// Nanoseconds that the lines of each stream are kept; `None` is for ever.
    pub(crate) periods: [Option<i64>; STREAMS],
    /// Whether lines may be deleted, and nothing is expired where not.
    pub(crate) deletes: bool,
    /// Nanoseconds in which a request to delete can be taken back.
    pub(crate) cancel: i64,
    /// Nanoseconds from the removal of a row to that of its object.
    pub(crate) grace: i64,
}

impl Setting {
    /// What is about one thing, with faults.
    pub(crate) fn about(self, focus: Focus) -> Self {
        Self {
            focus,
            faults: self.faults.max(3),
            ..self
        }
    }

    pub(crate) fn pick(rng: &mut Rng) -> Self {
        // Some days begin in the middle of a run.
        let start = 1_768_478_400 + rng.pick(&[0, 11 * 3600, 43_000]);
        let deletes = rng.percent(85);
        let (rules, hours) = rng.pick(&RULES);
        let (cancel, cancel_text) =
            rng.pick(&[(HOUR / 12, "5m"), (HOUR, "1h"), (24 * HOUR, "24h")]);
        let (grace, grace_text) =
            rng.pick(&[(HOUR / 2, "0s"), (HOUR / 2, "10m"), (2 * HOUR, "2h")]);
        // Days that take no more lines are closed two days later.
        let accepted = rng.pick(&["", "reject_old_samples_max_age: 1d"]);
        let limits = [rules, accepted]
            .into_iter()
            .filter(|text| !text.is_empty());
        let limits: Vec<&str> = limits.collect();
        let yaml = format!(
            "compactor: {{retention_enabled: {deletes}, retention_delete_delay: {grace_text}, \
             delete_request_cancel_period: {cancel_text}}}\nlimits_config: {{{}}}\n",
            limits.join(", ")
        );
        let kept = |hours: i64| (deletes && hours > 0).then_some(hours * HOUR);
        Self {
            start: Timestamp::from_nanos(start * NANOS_PER_SECOND),
            faults: rng.pick(&[0, 3, 10, 25]),
            activities: rng.between(6, 20) as usize,
            focus: rng.pick(&[Focus::None, Focus::Reads, Focus::Erasing, Focus::Merges]),
            shards: rng.pick(&[1, 1, 2]),
            yaml,
            periods: hours.map(kept),
            deletes,
            cancel,
            grace,
        }
    }
}
