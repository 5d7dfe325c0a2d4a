//! The Lambda of alert rules: evaluates them by the clock, tells Alertmanager, and serves the API
//! that stores them.
//!
//! Reading order: `written` (a group as its YAML has it) and `group` (a group that is valid),
//! `template` (texts with values in them), `alert` and `rule_state` (pending, firing, resolved),
//! `group_state` (what is kept between runs) with `outage`, [`Evaluate`] (asks the engine),
//! `round` (one evaluation of a group), `notification`, [`Post`] and `deliveries` (the way to
//! Alertmanager), `run` (one run of the clock, and the order of its writes), `api` (the ruler's
//! API) and `states` (what Prometheus would tell of the rules), [`Handler`] and [`Trigger`] (all of
//! it behind an event).
//!
//! Recording rules are stored and listed, and not evaluated: they need somewhere to write to.
//! Reads no clock but to measure: the time of a run is an argument.

mod alert;
mod api;
mod deliveries;
mod evaluate;
mod group;
mod group_state;
mod handler;
pub mod limits;
mod notification;
mod notify;
mod outage;
mod round;
mod rule_state;
mod run;
mod states;
mod target;
mod template;
mod trigger;
mod written;

pub use evaluate::{Evaluate, Evaluated, Sample};
pub use group::{AlertRule, GroupError, RecordRule, Rule, RuleGroup};
pub use handler::Handler;
pub use notify::{Alertmanager, NotifyError, Post};
pub use run::{Report, RulesError};
pub use target::{Target, TargetError};
pub use trigger::Trigger;
