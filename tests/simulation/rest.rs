//! How a run ends: without faults everything comes to rest, is merged, expires, is erased and
//! collected, and is checked all the way.

use std::sync::Arc;

use narvi_model::{NANOS_PER_DAY, NANOS_PER_SECOND};

use super::schedule::Schedule;
use super::system::HOSTS;

impl Schedule {
    /// Without faults: everything ends, is merged and collected, and is checked before and after.
    pub(crate) fn rest(&mut self) -> Result<(), String> {
        let world = Arc::clone(&self.system.world);
        world.state().faults = 0;
        world.state().is_calm = true;
        world.state().stalled.clear();
        world.land(|_, _| true);
        world.state().note("no more faults");
        let host = self.roll(HOSTS);
        self.alone("at rest", move |system| async move {
            system.read_lines(host, "at rest").await;
            system.list_streams(host, "at rest").await;
        })?;
        self.advance(3600 * NANOS_PER_SECOND);
        self.alone("last compaction", |system| async move {
            system.compact("last", 0).await;
        })?;
        // At midnight all days are looked at.
        let now = world.now();
        let midnight = NANOS_PER_DAY - now.nanos().rem_euclid(NANOS_PER_DAY);
        self.advance(midnight + NANOS_PER_DAY);
        self.alone("last merge", |system| async move {
            system.compact("night", 0).await;
        })?;
        self.alone("when all is merged", |system| async move {
            system.read_lines(0, "when all is merged").await;
            system.count(0, "when all is merged").await;
        })?;
        self.advance(7201 * NANOS_PER_SECOND);
        // What is due goes, then what no row has pointed to for a day, and that when it is due.
        for hours in [0, 49, 3] {
            self.advance(hours * 3600 * NANOS_PER_SECOND);
            if hours == 49 {
                // The walk for orphans does not trust a catalog in which there is nothing.
                let last = self.batch();
                self.alone("last push", |system| async move {
                    system.push(0, &last, 0).await;
                })?;
            }
            self.alone("last retention", |system| async move {
                system.retain("last", 0).await;
            })?;
        }
        let known = self.system.ledger.known();
        self.alone("at the end", |system| async move {
            system.check_listed().await;
            system.check_remains(&known).await;
            system.list_streams(0, "at the end").await;
        })
    }
}
