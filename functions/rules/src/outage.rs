//! What an outage does to alerts that were waiting: [`resume`], as Prometheus restores the state of
//! `for` after a restart. Our state is never lost, so only a gap between evaluations is an outage.

use narvi_gateway::Ruler;
use narvi_model::Timestamp;

use crate::alert::{Alert, Phase};
use crate::limits::SCHEDULE;

/// A time without evaluations.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outage {
    /// The last evaluation before it.
    pub(crate) from: Timestamp,
    /// The first one after it.
    pub(crate) to: Timestamp,
}

impl Outage {
    /// The outage between two evaluations that should be `interval` nanoseconds apart; one that is
    /// late or missing is none.
    pub(crate) fn between(from: Timestamp, to: Timestamp, interval: i64) -> Option<Self> {
        let usual = interval.max(SCHEDULE).saturating_mul(2);
        (to.since(from) > usual).then_some(Self { from, to })
    }
}

/// Brings the alerts of a rule with this `for` over an outage.
pub(crate) fn resume(alerts: &mut Vec<Alert>, hold: i64, outage: Outage, ruler: &Ruler) {
    let gap = outage.to.since(outage.from);
    if gap > ruler.for_outage_tolerance.nanos() {
        // Nobody knows what happened: they start anew. Alertmanager has let go of them.
        alerts.clear();
        return;
    }
    let grace = ruler.for_grace_period.nanos();
    for alert in alerts.iter_mut().filter(|a| a.phase == Phase::Pending) {
        let left = hold.saturating_sub(outage.from.since(alert.active_at));
        alert.active_at = if hold < grace {
            outage.to
        } else if left < grace {
            outage.to.plus(grace).minus(hold)
        } else {
            alert.active_at.plus(gap)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::written::Pairs;

    const MINUTE: i64 = 60_000_000_000;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_seconds(minute * 60)
    }

    /// `want` is the minute from which a pending alert counts on, `None` if it is forgotten.
    #[track_caller]
    fn check(hold: i64, active_at: i64, outage: (i64, i64), want: Option<i64>) {
        let mut alerts = vec![Alert::new(Pairs::new(), Pairs::new(), 1.0, at(active_at))];
        let outage = Outage::between(at(outage.0), at(outage.1), MINUTE).unwrap();
        resume(&mut alerts, hold * MINUTE, outage, &Ruler::default());
        assert_eq!(alerts.first().map(|alert| alert.active_at), want.map(at));
    }

    #[test]
    fn pending_alerts_over_an_outage() {
        // 20 of 30 minutes are left: the outage does not count.
        check(30, 90, (100, 130), Some(120));
        // 5 of 30 minutes are left: it waits for the grace of 10.
        check(30, 75, (100, 130), Some(110));
        check(5, 98, (100, 130), Some(130));
        check(30, 90, (100, 161), None);
    }

    #[test]
    fn a_late_evaluation_is_no_outage() {
        assert!(Outage::between(at(0), at(2), MINUTE).is_none());
        assert!(Outage::between(at(0), at(2), 1).is_none());
        assert!(Outage::between(at(0), at(3), MINUTE).is_some());
        assert!(Outage::between(at(0), at(10), 5 * MINUTE).is_none());
    }

    #[test]
    fn firing_alerts_go_on() {
        let mut alert = Alert::new(Pairs::new(), Pairs::new(), 1.0, at(1));
        alert.phase = Phase::Firing;
        let mut alerts = vec![alert.clone()];
        let outage = Outage::between(at(10), at(40), MINUTE).unwrap();
        resume(&mut alerts, 0, outage, &Ruler::default());
        assert_eq!(alerts, [alert]);
    }
}
