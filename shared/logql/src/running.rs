//! [`Running`]: what all parts of one running query share, on whatever threads they run: the time
//! that it takes for now, whether anybody still waits for it, and how much memory it holds.
//!
//! [`Share`] is what one partial result holds of that memory, [`Halt`] why work ends before the
//! lines do. Who waits, and for how long, is not known here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::limits::{MAX_QUERY_BYTES, SHARE_BYTES};

/// A running query. Clones are the same query.
#[derive(Clone, Debug, Default)]
pub struct Running(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    now: i64,
    stopped: AtomicBool,
    held: AtomicUsize,
}

/// Why work on a query ends before the lines do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// Nobody waits for the answer any more.
    #[error("the query was given up")]
    Stopped,
    /// Its parts hold too much memory together. One that runs alone may have enough.
    #[error(
        "the query would hold more than {} MiB of values and labels while it runs; narrow the \
         stream selector or the time range, use a larger step, or read fewer labels",
        MAX_QUERY_BYTES >> 20
    )]
    Crowded,
}

impl Running {
    /// A query that takes `now`, in nanoseconds, for the current time.
    #[must_use]
    pub fn new(now: i64) -> Self {
        Self(Arc::new(Shared {
            now,
            ..Shared::default()
        }))
    }

    /// The current time, in nanoseconds: the same for all lines.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.0.now
    }

    /// Ends all work on the query soon: nobody waits for it any more.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Relaxed);
    }

    /// Whether it was stopped; cheap enough to ask for each line.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Relaxed)
    }

    /// Refuses to go on with a query that was stopped.
    ///
    /// # Errors
    /// [`Halt::Stopped`].
    pub fn check(&self) -> Result<(), Halt> {
        match self.is_stopped() {
            true => Err(Halt::Stopped),
            false => Ok(()),
        }
    }

    /// Bytes that the parts of the query hold together.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.0.held.load(Ordering::Relaxed)
    }
}

/// The memory that one part of a query holds; given back when the part is gone.
#[derive(Debug)]
pub(crate) struct Share {
    running: Running,
    /// A multiple of [`SHARE_BYTES`], so that little growth asks nobody.
    held: usize,
}

impl Share {
    /// Of nothing yet.
    pub(crate) fn new(running: &Running) -> Self {
        Self {
            running: running.clone(),
            held: 0,
        }
    }

    /// The query that this is a part of.
    pub(crate) fn running(&self) -> &Running {
        &self.running
    }

    /// Holds `bytes` in all; never less than before.
    ///
    /// # Errors
    /// [`Halt::Crowded`] where all parts together would hold too much.
    pub(crate) fn hold(&mut self, bytes: usize) -> Result<(), Halt> {
        if bytes <= self.held {
            return Ok(());
        }
        let more = bytes.next_multiple_of(SHARE_BYTES) - self.held;
        let all = &self.running.0.held;
        if all.fetch_add(more, Ordering::Relaxed).saturating_add(more) > MAX_QUERY_BYTES {
            all.fetch_sub(more, Ordering::Relaxed);
            return Err(Halt::Crowded);
        }
        self.held += more;
        Ok(())
    }

    /// Takes over what another part of the same query holds.
    pub(crate) fn absorb(&mut self, other: &mut Self) {
        self.held += std::mem::take(&mut other.held);
    }

    /// Gives back what is held beyond `bytes`.
    pub(crate) fn settle(&mut self, bytes: usize) {
        let excess = self
            .held
            .saturating_sub(bytes.next_multiple_of(SHARE_BYTES));
        if excess > 0 {
            self.running.0.held.fetch_sub(excess, Ordering::Relaxed);
            self.held -= excess;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.settle(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up() {
        let running = Running::new(7);
        let (mut one, mut other) = (Share::new(&running), Share::new(&running));
        assert_eq!(one.hold(1), Ok(()));
        assert_eq!(one.hold(SHARE_BYTES), Ok(()));
        assert_eq!(running.held_bytes(), SHARE_BYTES);
        assert_eq!(other.hold(MAX_QUERY_BYTES), Err(Halt::Crowded));
        assert_eq!(
            running.held_bytes(),
            SHARE_BYTES,
            "what is refused is not held"
        );
        assert_eq!(other.hold(MAX_QUERY_BYTES - SHARE_BYTES), Ok(()));
        one.absorb(&mut other);
        drop(other);
        assert_eq!(running.held_bytes(), MAX_QUERY_BYTES);
        one.settle(3 * SHARE_BYTES - 1);
        assert_eq!(running.held_bytes(), 3 * SHARE_BYTES);
        drop(one);
        assert_eq!(running.held_bytes(), 0);
    }

    #[test]
    fn all_clones_stop() {
        let running = Running::new(7);
        let clone = running.clone();
        assert_eq!(clone.check(), Ok(()));
        running.stop();
        assert_eq!(clone.check(), Err(Halt::Stopped));
        assert_eq!(clone.now(), 7);
    }
}
