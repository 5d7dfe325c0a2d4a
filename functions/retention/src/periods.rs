//! [`Periods`]: how long each stream of a tenant is kept, by `retention_stream` and
//! `retention_period` (spec `limits.md` §8). Pure.

use narvi_logql::syntax::{self, SyntaxError};
use narvi_model::{Labels, Limits, Matcher, Period, matches_all};

/// The rules of one tenant.
#[derive(Clone, Debug)]
pub(crate) struct Periods {
    /// In the order in which they count: the first that names a stream is its rule.
    rules: Vec<(Vec<Matcher>, Period)>,
    /// Of all other streams; nothing is for ever.
    base: Period,
}

impl Periods {
    /// # Errors
    /// A selector that is none. Whoever reads a configuration has checked it.
    pub(crate) fn new(limits: &Limits) -> Result<Self, SyntaxError> {
        let mut written: Vec<_> = limits.retention_stream.iter().collect();
        written.sort_by_key(|rule| (std::cmp::Reverse(rule.priority), rule.period));
        let rules = written.into_iter().map(|rule| {
            let selector = syntax::parse_selector(&rule.selector)?;
            Ok((selector.matchers, rule.period))
        });
        Ok(Self {
            rules: rules.collect::<Result<_, _>>()?,
            base: limits.retention_period,
        })
    }

    /// How long lines of a stream are kept; `None` for ever.
    pub(crate) fn of(&self, labels: &Labels) -> Option<Period> {
        let rule = self.rules.iter();
        let mut rule = rule.filter(|(matchers, _)| matches_all(matchers, labels));
        let period = rule.next().map_or(self.base, |(_, period)| *period);
        Some(period).filter(|period| !period.is_zero())
    }

    /// How long the lines are kept that are kept longest; `None` for ever.
    pub(crate) fn longest(&self) -> Option<Period> {
        let all = self.rules.iter().map(|(_, period)| *period);
        let longest = all.fold(self.base, Ord::max);
        Some(longest).filter(|_| !self.base.is_zero())
    }

    /// Every length of time for which some lines are kept, ascending, each once.
    pub(crate) fn all(&self) -> Vec<Period> {
        let all = self.rules.iter().map(|(_, period)| *period);
        let mut all: Vec<_> = all.chain([self.base]).collect();
        all.retain(|period| !period.is_zero());
        all.sort_unstable();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use narvi_model::LimitsPatch;

    use super::*;

    fn periods(yaml: &str) -> Periods {
        let config = narvi_gateway::Config::from_yaml(&format!("limits_config: {yaml}")).unwrap();
        Periods::new(config.limits.base()).unwrap()
    }

    #[track_caller]
    fn check(yaml: &str, streams: &[(&str, Option<u32>)], longest: Option<u32>) {
        let hours = |period: Period| (period.nanos() / 3_600_000_000_000) as u32;
        let periods = periods(yaml);
        for (text, want) in streams {
            let pairs = text.split(' ').filter_map(|pair| pair.split_once('='));
            let found = periods.of(&Labels::from_pairs(pairs)).map(hours);
            assert_eq!(found, *want, "{text}");
        }
        assert_eq!(periods.longest().map(hours), longest);
    }

    #[test]
    fn the_rule_of_a_stream() {
        check("{}", &[("a=b", None)], None);
        check("{retention_period: 30h}", &[("a=b", Some(30))], Some(30));
        // no rule names it: the period of the tenant
        let dev = r#"{retention_period: 0s, retention_stream: [
            {selector: '{env="dev"}', priority: 1, period: 24h}]}"#;
        check(
            dev,
            &[
                ("env=dev", Some(24)),
                ("env=dev x=y", Some(24)),
                ("env=prod", None),
            ],
            None,
        );
        // the highest priority, whatever is written first and however short
        let priorities = r#"{retention_period: 48h, retention_stream: [
            {selector: '{env="dev"}', priority: 1, period: 24h},
            {selector: '{app=~"a.*"}', priority: 2, period: 72h},
            {selector: '{app="ab"}', priority: -3, period: 25h}]}"#;
        check(
            priorities,
            &[
                ("env=dev app=ab", Some(72)),
                ("env=dev app=b", Some(24)),
                ("app=ab", Some(72)),
                ("app=b", Some(48)),
            ],
            Some(72),
        );
        // of equal priority the shortest
        let equal = r#"{retention_period: 1000h, retention_stream: [
            {selector: '{env="dev"}', priority: 1, period: 50h},
            {selector: '{app="a"}', priority: 1, period: 40h},
            {selector: '{env=~".+", app!="a"}', period: 30h}]}"#;
        check(
            equal,
            &[
                ("env=dev app=a", Some(40)),
                ("env=dev app=b", Some(50)),
                ("env=x app=b", Some(30)),
                ("env=x app=a", Some(40)),
                ("env=x", Some(30)),
                ("app=b", Some(1000)),
            ],
            Some(1000),
        );
        let lengths: Vec<_> = periods(equal)
            .all()
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(lengths, ["1d6h", "1d16h", "2d2h", "41d16h"]);
    }

    #[test]
    fn the_rules_of_a_tenant_take_the_place_of_those_of_everybody() {
        let own: LimitsPatch = serde_json::from_str(r#"{"retention_stream": []}"#).unwrap();
        let rules = r#"{"retention_stream": [{"selector": "{a=\"b\"}", "period": "24h"}]}"#;
        let all: LimitsPatch = serde_json::from_str(rules).unwrap();
        let all = Limits::default().patched(&all);
        assert_eq!(Periods::new(&all).unwrap().all().len(), 1);
        assert_eq!(Periods::new(&all.patched(&own)).unwrap().all(), []);
    }
}
