//! [`Limits::strictest`]: the limits of a query of several tenants (spec `limits.md` §1).

use crate::{ByteSize, Limits, Period};

impl Limits {
    /// For every limit of queries the smallest that is one, where 0 means none; what a selector
    /// must name and what is blocked for any of them holds for all. All other limits are those of
    /// the first.
    #[must_use]
    pub fn strictest(all: &[&Self]) -> Self {
        let mut all = all.iter();
        let mut out = all
            .next()
            .map_or_else(Self::default, |first| (*first).clone());
        for other in all {
            out.tighten(other);
        }
        out
    }

    fn tighten(&mut self, other: &Self) {
        for (own, other) in [
            (&mut self.max_query_length, other.max_query_length),
            (&mut self.max_query_lookback, other.max_query_lookback),
            (&mut self.max_query_range, other.max_query_range),
            (&mut self.query_timeout, other.query_timeout),
        ] {
            *own = smaller(*own, other, Period::is_zero);
        }
        for (own, other) in [
            (&mut self.max_query_series, other.max_query_series),
            (
                &mut self.max_entries_limit_per_query,
                other.max_entries_limit_per_query,
            ),
            (
                &mut self.max_streams_matchers_per_query,
                other.max_streams_matchers_per_query,
            ),
            (&mut self.volume_max_series, other.volume_max_series),
        ] {
            *own = smaller(*own, other, |limit| limit == 0);
        }
        let is_none = |size: ByteSize| size.bytes() == 0;
        let (own, other_size) = (self.max_query_bytes_read, other.max_query_bytes_read);
        self.max_query_bytes_read = smaller(own, other_size, is_none);
        // 0 is not "no limit" here: it turns queries off.
        self.max_query_parallelism = self.max_query_parallelism.min(other.max_query_parallelism);
        self.minimum_labels_number = self.minimum_labels_number.max(other.minimum_labels_number);
        self.volume_enabled &= other.volume_enabled;
        for label in &other.required_labels {
            if !self.required_labels.contains(label) {
                self.required_labels.push(label.clone());
            }
        }
        self.blocked_queries
            .extend_from_slice(&other.blocked_queries);
    }
}

/// The smaller of two limits, where `is_none` says of a value that it is no limit.
fn smaller<T: Copy + Ord>(a: T, b: T, is_none: impl Fn(T) -> bool) -> T {
    match (is_none(a), is_none(b)) {
        (true, _) => b,
        (_, true) => a,
        _ => a.min(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LimitsPatch;

    #[test]
    fn the_smallest_limit_that_is_one() {
        let limits = |json: &str| {
            let patch: LimitsPatch = serde_json::from_str(json).unwrap();
            Limits::default().patched(&patch)
        };
        let a = limits(
            r#"{"max_query_series": 0, "max_query_length": "1h", "required_labels": ["x"],
                "max_query_bytes_read": "1GB", "ingestion_rate_mb": 1.0}"#,
        );
        let b = limits(
            r#"{"max_query_series": 7, "max_query_length": "2h", "required_labels": ["x", "y"],
                "minimum_labels_number": 2, "volume_enabled": false}"#,
        );
        for (first, second) in [(&a, &b), (&b, &a)] {
            let both = Limits::strictest(&[first, second]);
            assert_eq!(both.max_query_series, 7);
            assert_eq!(both.max_query_length, Period::from_seconds(3600));
            assert_eq!(both.max_query_bytes_read, ByteSize::new(1 << 30));
            assert_eq!(both.required_labels.len(), 2);
            assert_eq!(both.minimum_labels_number, 2);
            assert!(!both.volume_enabled);
            assert_eq!(both.ingestion_rate_mb, first.ingestion_rate_mb);
        }
        assert_eq!(Limits::strictest(&[&a]), a);
    }
}
