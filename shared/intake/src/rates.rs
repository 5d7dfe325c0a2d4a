//! [`Rates`]: how much tenants and their streams push through this process, and how many streams
//! there are (decision 0013).
//!
//! Processes share nothing, so each holds its tenants to the whole limits. Only what is good counts
//! (spec `limits.md` §2). Reads no clock.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use narvi_model::{ByteSize, Entry, Labels, Limits, StreamId, TenantId, Timestamp};
use narvi_protocol::push::PushStream;

use crate::IntakeError;
use crate::accept::Weighed;
use crate::bucket::{Bucket, Pace, TooFast};
use crate::limits::{
    IDLE_SEARCH_NANOS, IDLE_STREAM_NANOS, NAMED_ENTRIES, RATED_STREAMS, RATED_TENANTS,
};
use crate::refusals::shorten;

/// Bytes of a megabyte in `ingestion_rate_mb` and `ingestion_burst_size_mb`.
const MEGABYTE: f64 = (1 << 20) as f64;

/// What all tenants may push now.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<Book>);

/// What of a push may pass.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// The streams that pass.
    pub(crate) streams: Vec<PushStream>,
    /// Why others do not.
    pub(crate) throttled: Option<IntakeError>,
}

#[derive(Debug, Default)]
struct Book {
    tenants: HashMap<TenantId, Account>,
    /// Streams of all accounts.
    streams: usize,
}

#[derive(Debug)]
struct Account {
    bucket: Bucket,
    streams: HashMap<StreamId, Bucket>,
    /// When idle streams were looked for last.
    searched: Timestamp,
}

/// Why a stream does not pass.
enum Refusal {
    TooMany,
    TooFast(TooFast),
}

impl Admitted {
    /// Everything.
    pub(crate) fn all(streams: Vec<Weighed>) -> Self {
        Self {
            streams: streams.into_iter().map(|weighed| weighed.stream).collect(),
            throttled: None,
        }
    }
}

impl Rates {
    /// Sorts what is good of a push that arrived at `now` into what passes and what does not.
    ///
    /// # Errors
    /// [`IntakeError::RateLimit`] where the tenant pushes too much; then no stream is counted.
    pub(crate) fn admit(
        &self,
        tenant: &TenantId,
        limits: &Limits,
        streams: Vec<Weighed>,
        now: Timestamp,
    ) -> Result<Admitted, IntakeError> {
        if streams.is_empty() {
            return Ok(Admitted::all(streams));
        }
        let lines = streams.iter().map(|weighed| weighed.stream.entries.len());
        let bytes = streams.iter().map(|weighed| weighed.bytes).sum();
        let mut book = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = book.take(tenant, limits, bytes, now);
        taken.map_err(|too_fast| IntakeError::RateLimit {
            tenant: tenant.clone(),
            limit: (limits.ingestion_rate_mb * MEGABYTE) as u64,
            lines: lines.sum(),
            bytes,
            retry_after: too_fast.retry_after,
        })?;
        let (mut passed, mut throttled) = (Vec::with_capacity(streams.len()), None);
        for weighed in streams {
            match book.take_stream(tenant, limits, &weighed, now) {
                Ok(()) => passed.push(weighed.stream),
                Err(refusal) => {
                    throttled.get_or_insert_with(|| refusal.of(tenant, limits, &weighed.stream));
                }
            }
        }
        Ok(Admitted {
            streams: passed,
            throttled,
        })
    }
}

impl Book {
    fn take(
        &mut self,
        tenant: &TenantId,
        limits: &Limits,
        bytes: usize,
        now: Timestamp,
    ) -> Result<(), TooFast> {
        let pace = Pace {
            rate: limits.ingestion_rate_mb * MEGABYTE,
            burst: limits.ingestion_burst_size_mb * MEGABYTE,
        };
        if self.tenants.len() >= RATED_TENANTS && !self.tenants.contains_key(tenant) {
            *self = Self::default();
        }
        let new = || Account {
            bucket: Bucket::full(pace, now),
            streams: HashMap::new(),
            searched: now,
        };
        let account = self.tenants.entry(tenant.clone()).or_insert_with(new);
        account.bucket.take(bytes, pace, now)
    }

    fn take_stream(
        &mut self,
        tenant: &TenantId,
        limits: &Limits,
        weighed: &Weighed,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if self.streams >= RATED_STREAMS {
            self.make_room(now);
        }
        // Whoever took bytes has an account.
        let Some(account) = self.tenants.get_mut(tenant) else {
            return Ok(());
        };
        let pace = Pace {
            rate: limits.per_stream_rate_limit.bytes() as f64,
            burst: limits.per_stream_rate_limit_burst.bytes() as f64,
        };
        let id = weighed.stream.labels.stream_id();
        if !account.streams.contains_key(&id) {
            let before = account.streams.len();
            let has_room = account.has_room(limits.max_global_streams_per_user, now);
            self.streams -= before - account.streams.len();
            if !has_room {
                return Err(Refusal::TooMany);
            }
            account.streams.insert(id, Bucket::full(pace, now));
            self.streams += 1;
        }
        match account.streams.get_mut(&id) {
            Some(bucket) => bucket
                .take(weighed.bytes, pace, now)
                .map_err(Refusal::TooFast),
            None => Ok(()),
        }
    }

    fn make_room(&mut self, now: Timestamp) {
        for account in self.tenants.values_mut() {
            account.forget_idle(now);
        }
        let left = self.tenants.values().map(|account| account.streams.len());
        self.streams = left.sum();
        // Otherwise each push might look through all of them for a handful.
        if self.streams > RATED_STREAMS / 2 {
            for account in self.tenants.values_mut() {
                account.streams = HashMap::new();
            }
            self.streams = 0;
        }
    }
}

impl Account {
    /// Whether there may be one stream more; 0 is no limit.
    fn has_room(&mut self, max: usize, now: Timestamp) -> bool {
        if max == 0 || self.streams.len() < max {
            return true;
        }
        if now.since(self.searched) >= IDLE_SEARCH_NANOS {
            self.forget_idle(now);
        }
        self.streams.len() < max
    }

    fn forget_idle(&mut self, now: Timestamp) {
        self.streams
            .retain(|_, bucket| now.since(bucket.at()) < IDLE_STREAM_NANOS);
        self.searched = now;
    }
}

impl Refusal {
    fn of(self, tenant: &TenantId, limits: &Limits, stream: &PushStream) -> IntakeError {
        let labels = &stream.labels;
        let (mut reason, retry_after) = match self {
            Self::TooMany => (too_many(tenant, labels), None),
            Self::TooFast(too_fast) => {
                (too_fast_text(tenant, limits, stream), too_fast.retry_after)
            }
        };
        shorten(&mut reason);
        IntakeError::Throttled {
            reason,
            retry_after,
        }
    }
}

fn too_many(tenant: &TenantId, labels: &Labels) -> String {
    format!(
        "maximum active stream limit exceeded when trying to create stream {labels}, reduce the \
         number of active streams (reduce labels or reduce label values), or contact your Loki \
         administrator to see if the limit can be increased, user: '{tenant}'"
    )
}

fn too_fast_text(tenant: &TenantId, limits: &Limits, stream: &PushStream) -> String {
    let (labels, limit) = (&stream.labels, limits.per_stream_rate_limit);
    let line = |entry: &Entry| {
        let time = entry.timestamp.rfc3339();
        let time = time.trim_end_matches('Z').replace('T', " ");
        let size = ByteSize::new(entry.size() as u64);
        format!(
            "entry with timestamp {time} +0000 UTC ignored, reason: 'Per stream rate limit \
             exceeded (limit: {limit}/sec) while attempting to ingest for stream '{labels}' \
             totaling {size}, consider splitting a stream via additional labels or contact your \
             Loki administrator to see if the limit can be increased',\n"
        )
    };
    let named: String = stream
        .entries
        .iter()
        .take(NAMED_ENTRIES)
        .map(line)
        .collect();
    let all = stream.entries.len();
    format!("{named}user '{tenant}', total ignored: {all} out of {all} for stream: {labels}")
}

#[cfg(test)]
mod tests {
    use narvi_model::LimitsPatch;

    use super::*;

    /// 2024-01-10T00:00:00Z
    const NOW: Timestamp = Timestamp::from_seconds(1_704_844_800);

    /// A tenant that pushes.
    struct Pusher {
        rates: Rates,
        tenant: TenantId,
        limits: Limits,
    }

    impl Pusher {
        fn new(patch: &str) -> Self {
            let patch: LimitsPatch = serde_json::from_str(patch).unwrap();
            Self {
                rates: Rates::default(),
                tenant: TenantId::parse("t").unwrap(),
                limits: Limits::default().patched(&patch),
            }
        }

        /// Pushes a line of each stream: its name and bytes. The names of those that pass, and what
        /// is wrong with the others.
        fn push(&self, seconds: i64, streams: &[(&str, usize)]) -> (Vec<String>, String) {
            let now = NOW.plus(Timestamp::from_seconds(seconds).nanos());
            let streams = streams.iter().map(|(app, bytes)| weighed(app, *bytes));
            match self
                .rates
                .admit(&self.tenant, &self.limits, streams.collect(), now)
            {
                Ok(Admitted { streams, throttled }) => {
                    let name = |stream: &PushStream| stream.labels.get("app").unwrap().to_owned();
                    let wrong = throttled.map(|error| error.to_string());
                    (
                        streams.iter().map(name).collect(),
                        wrong.unwrap_or_default(),
                    )
                }
                Err(error) => (Vec::new(), error.to_string()),
            }
        }

        #[track_caller]
        fn check(&self, seconds: i64, streams: &[(&str, usize)], passed: &[&str], wrong: &str) {
            let (got, text) = self.push(seconds, streams);
            assert_eq!(got, passed, "{text}");
            assert!(
                text.starts_with(wrong) && text.is_empty() == wrong.is_empty(),
                "{text}"
            );
        }
    }

    fn weighed(app: &str, bytes: usize) -> Weighed {
        let entry = Entry {
            timestamp: NOW.plus(5),
            line: "x".repeat(bytes.min(100)).as_str().into(),
            metadata: Labels::empty(),
        };
        let stream = PushStream {
            labels: Labels::from_pairs([("app", app)]),
            entries: vec![entry],
        };
        Weighed { stream, bytes }
    }

    #[test]
    fn a_tenant_pushes_its_rate_and_a_burst() {
        let pusher = Pusher::new("{}");
        let mb = 1 << 20;
        let wrong = "ingestion rate limit exceeded for user t (limit: 4194304 bytes/sec) while \
                     attempting to ingest '2' lines totaling '6291457' bytes, reduce";
        pusher.check(0, &[("a", 6 * mb), ("b", 1)], &[], wrong);
        pusher.check(0, &[("a", 3 * mb), ("b", 3 * mb)], &["a", "b"], "");
        pusher.check(0, &[("a", 1)], &[], "ingestion rate limit exceeded");
        pusher.check(
            1,
            &[("a", 4 * mb + 1)],
            &[],
            "ingestion rate limit exceeded",
        );
        pusher.check(1, &[("a", 4 * mb)], &["a"], "");
    }

    #[test]
    fn a_stream_takes_its_rate_and_a_burst() {
        let patch = r#"{"per_stream_rate_limit": "1KB", "per_stream_rate_limit_burst": "2KB"}"#;
        let pusher = Pusher::new(patch);
        pusher.check(0, &[("a", 2048), ("b", 10)], &["a", "b"], "");
        let wrong = concat!(
            "entry with timestamp 2024-01-10 00:00:00.000000005 +0000 UTC ignored, reason: ",
            "'Per stream rate limit exceeded (limit: 1KB/sec) while attempting to ingest for ",
            "stream '{app=\"a\"}' totaling 7B, consider splitting a stream via additional labels ",
            "or contact your Loki administrator to see if the limit can be increased',\n",
            "user 't', total ignored: 1 out of 1 for stream: {app=\"a\"}",
        );
        pusher.check(0, &[("a", 7), ("b", 10)], &["b"], wrong);
        pusher.check(1, &[("a", 1024)], &["a"], "");
        pusher.check(9, &[("a", 2049)], &[], "entry with timestamp");
    }

    #[test]
    fn a_refusal_names_few_entries() {
        let mut weighed = weighed("a", 1);
        weighed.stream.entries = vec![weighed.stream.entries.remove(0); 12];
        weighed.bytes = 100 << 20;
        let pusher = Pusher::new(r#"{"ingestion_burst_size_mb": 1000}"#);
        let admitted = pusher
            .rates
            .admit(&pusher.tenant, &pusher.limits, vec![weighed], NOW)
            .unwrap();
        let text = admitted.throttled.unwrap().to_string();
        assert_eq!(text.matches("entry with timestamp").count(), NAMED_ENTRIES);
        assert!(text.contains("total ignored: 12 out of 12 for stream"));
    }

    #[test]
    fn there_are_so_many_active_streams() {
        let pusher = Pusher::new(r#"{"max_global_streams_per_user": 2}"#);
        let wrong = concat!(
            "maximum active stream limit exceeded when trying to create stream {app=\"c\"}, ",
            "reduce the number of active streams (reduce labels or reduce label values), or ",
            "contact your Loki administrator to see if the limit can be increased, user: 't'",
        );
        pusher.check(0, &[("a", 1), ("b", 1), ("c", 1)], &["a", "b"], wrong);
        pusher.check(1700, &[("a", 1), ("c", 1)], &["a"], wrong);
        // b is idle by now
        pusher.check(
            1830,
            &[("c", 1), ("d", 1)],
            &["c"],
            "maximum active stream limit",
        );
        let pusher = Pusher::new(r#"{"max_global_streams_per_user": 0}"#);
        pusher.check(0, &[("a", 1), ("b", 1)], &["a", "b"], "");
    }

    #[test]
    fn a_refused_push_makes_no_stream() {
        let pusher = Pusher::new(r#"{"max_global_streams_per_user": 1}"#);
        pusher.check(0, &[("a", 7 << 20)], &[], "ingestion rate limit exceeded");
        pusher.check(0, &[("b", 1)], &["b"], "");
    }

    #[test]
    fn memory_is_bounded() {
        let (rates, limits) = (Rates::default(), Limits::default());
        for n in 0..RATED_TENANTS + 10 {
            let tenant = TenantId::parse(&format!("t{n}")).unwrap();
            let push = |bytes| rates.admit(&tenant, &limits, vec![weighed("a", bytes)], NOW);
            assert!(push(6 << 20).is_ok());
            assert!(push(1).is_err());
        }
        let book = rates.0.lock().unwrap();
        assert_eq!((book.tenants.len(), book.streams), (10, 10));
    }

    #[test]
    fn streams_are_forgotten_where_there_are_too_many() {
        let pusher = Pusher::new(r#"{"max_global_streams_per_user": 0}"#);
        let names: Vec<_> = (0..RATED_STREAMS + 10).map(|n| n.to_string()).collect();
        let streams: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let (passed, wrong) = pusher.push(0, &streams);
        assert_eq!((passed.len(), wrong.as_str()), (names.len(), ""));
        let book = pusher.rates.0.lock().unwrap();
        let kept = book.tenants[&pusher.tenant].streams.len();
        assert_eq!((kept, book.streams), (10, 10));
    }
}
