//! [`Bucket`]: bytes that may pass now, refilled as time goes by (a token bucket). Reads no clock.

use narvi_model::{NANOS_PER_SECOND, Timestamp};

/// How a bucket fills.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// Bytes a second.
    pub(crate) rate: f64,
    /// Bytes that it holds.
    pub(crate) burst: f64,
}

/// The bytes that are left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bucket {
    bytes: f64,
    /// When that was so.
    at: Timestamp,
}

/// More was asked for than is left.
#[derive(Debug, PartialEq)]
pub(crate) struct TooFast {
    /// Whole seconds until there is enough; `None` where that is never so.
    pub(crate) retry_after: Option<u32>,
}

impl Bucket {
    /// One that nothing was taken from.
    pub(crate) const fn full(pace: Pace, now: Timestamp) -> Self {
        Self {
            bytes: pace.burst,
            at: now,
        }
    }

    /// When something was asked of it last.
    pub(crate) const fn at(&self) -> Timestamp {
        self.at
    }

    /// Takes `bytes`, or none of them.
    pub(crate) fn take(&mut self, bytes: usize, pace: Pace, now: Timestamp) -> Result<(), TooFast> {
        // Requests side by side may come with times in any order; time never runs back here.
        let passed = now.since(self.at).max(0) as f64 / NANOS_PER_SECOND as f64;
        self.bytes = (self.bytes + passed * pace.rate).min(pace.burst);
        self.at = self.at.max(now);
        let bytes = bytes as f64;
        if bytes > self.bytes {
            let seconds = ((bytes - self.bytes) / pace.rate).ceil();
            // A rate of 0 never fills it.
            let may_pass = bytes <= pace.burst && seconds.is_finite();
            let retry_after = may_pass.then_some(seconds.max(1.0) as u32);
            return Err(TooFast { retry_after });
        }
        self.bytes -= bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace {
        rate: 4.0,
        burst: 6.0,
    };

    #[test]
    fn empties_and_fills() {
        let at = |millis: i64| Timestamp::from_millis(1_000_000 + millis);
        let mut bucket = Bucket::full(PACE, at(0));
        let wait = |retry_after| Err(TooFast { retry_after });
        for (bytes, millis, want) in [
            (6, 0, Ok(())),
            (0, 0, Ok(())),
            (1, 0, wait(Some(1))),
            (6, 0, wait(Some(2))),
            (7, 0, wait(None)),
            (2, 500, Ok(())),
            // a request whose time lies before the last
            (1, 400, wait(Some(1))),
            (4, 1_500, Ok(())),
            // never more than the burst
            (6, 60_000, Ok(())),
            (1, 60_000, wait(Some(1))),
            (7, 90_000, wait(None)),
        ] {
            assert_eq!(
                bucket.take(bytes, PACE, at(millis)),
                want,
                "{bytes} at {millis}"
            );
        }
    }

    #[test]
    fn without_a_rate_there_is_the_burst() {
        let pace = Pace { rate: 0.0, ..PACE };
        let mut bucket = Bucket::full(pace, Timestamp::from_seconds(0));
        let later = Timestamp::from_seconds(1_000_000);
        assert_eq!(bucket.take(6, pace, later), Ok(()));
        let never = Err(TooFast { retry_after: None });
        assert_eq!(bucket.take(1, pace, later), never);
    }
}
