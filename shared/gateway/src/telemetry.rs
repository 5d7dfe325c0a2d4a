//! Logs: [`init`] once per process, [`request_span`] around each request.
//!
//! On AWS one JSON object a line on stdout, where Lambda picks it up; in local mode text on stderr.
//! `NARVI_LOG` sets the level as `tracing` targets (`debug`, `warn,narvi_engine=trace`), and
//! [`set_level`] changes it where one process is all there is. Metrics are [`crate::Metrics`].

use std::sync::OnceLock;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::Request;

/// Changes the level of a process that was started for a terminal. A container of Lambda is one of
/// many, which comes and goes: its level is the variable alone.
static DIAL: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Why the level stays as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// No level; the text is Loki's.
    #[error("unrecognized log level {0:?}")]
    Unknown(String),
    /// Not this process.
    #[error("the log level of a function is its variable NARVI_LOG")]
    Fixed,
}

/// The level of our own crates: `error`, `warn`, `info`, `debug` or `trace`.
#[must_use]
pub fn level() -> String {
    LevelFilter::current().to_string()
}

/// Sets the level of our own crates to `error`, `warn`, `info` or `debug`.
///
/// # Errors
/// See [`LevelError`].
pub fn set_level(text: &str) -> Result<(), LevelError> {
    let level = match text {
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        other => return Err(LevelError::Unknown(other.chars().take(40).collect())),
    };
    let dial = DIAL.get().ok_or(LevelError::Fixed)?;
    dial.reload(ours(level)).map_err(|_| LevelError::Fixed)
}

/// Where logs go and how they look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogTarget {
    /// JSON lines on stdout: AWS Lambda.
    Lambda,
    /// Text on stderr: local mode.
    Terminal,
}

/// Starts logging for the process. A second call changes nothing, so tests may call it.
pub fn init(target: LogTarget) {
    let wanted = std::env::var("NARVI_LOG").unwrap_or_default();
    let (targets, mistake) = match targets(&wanted) {
        Ok(targets) => (targets, None),
        Err(error) => (ours(LevelFilter::INFO), Some(error)),
    };
    let (targets, dial) = reload::Layer::new(targets);
    if target == LogTarget::Terminal {
        // The second call loses, as with logging itself.
        let _ = DIAL.set(dial);
    }
    let registry = tracing_subscriber::registry().with(targets);
    let layer = tracing_subscriber::fmt::layer();
    // An error means that logging has already been started.
    let _ = match target {
        LogTarget::Lambda => {
            let layer = layer.json().flatten_event(true).with_current_span(true);
            registry.with(layer.with_span_list(false)).try_init()
        }
        LogTarget::Terminal => registry.with(layer.with_writer(std::io::stderr)).try_init(),
    };
    if let Some(error) = mistake {
        tracing::warn!(%error, wanted, "NARVI_LOG cannot be read, so the level is info");
    }
}

/// The span of one request, so that each of its log lines carries its id.
#[must_use]
pub fn request_span(function: &'static str, request: &Request) -> tracing::Span {
    let (id, method, path) = (&request.id, &request.method, &request.path);
    tracing::info_span!("request", function, id, %method, path)
}

/// `text` as targets; a bare level is meant for our own crates, since the SDK drowns us at `debug`.
fn targets(text: &str) -> Result<Targets, tracing_subscriber::filter::ParseError> {
    if text.is_empty() {
        return Ok(ours(LevelFilter::INFO));
    }
    match text.parse::<LevelFilter>() {
        Ok(level) => Ok(ours(level)),
        Err(_) => text.parse(),
    }
}

fn ours(level: LevelFilter) -> Targets {
    Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_target("narvi", level)
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    /// `most` is the most talkative level that is let through.
    #[track_caller]
    fn check(text: &str, target: &str, most: Level) {
        let targets = targets(text).unwrap();
        for level in [
            Level::ERROR,
            Level::WARN,
            Level::INFO,
            Level::DEBUG,
            Level::TRACE,
        ] {
            assert_eq!(
                targets.would_enable(target, &level),
                level <= most,
                "{level}"
            );
        }
    }

    #[test]
    fn levels() {
        check("", "narvi_ingest", Level::INFO);
        check("", "aws_smithy_runtime", Level::WARN);
        check("debug", "narvi", Level::DEBUG);
        check("debug", "hyper", Level::WARN);
        check("error", "narvi", Level::ERROR);
        check("error", "hyper", Level::ERROR);
        check(
            "warn,narvi_engine=trace",
            "narvi_engine::scan",
            Level::TRACE,
        );
        check("warn,narvi_engine=trace", "narvi_query", Level::WARN);
        assert!(targets("narvi=loud").is_err());
    }

    #[test]
    fn the_level_can_be_changed() {
        init(LogTarget::Terminal);
        assert_eq!(set_level("debug"), Ok(()));
        assert_eq!(level(), "debug");
        let error = set_level("zzz").unwrap_err();
        assert_eq!(error.to_string(), "unrecognized log level \"zzz\"");
        assert_eq!(set_level("info"), Ok(()));
        assert_eq!(level(), "info");
    }

    #[test]
    fn may_be_started_twice() {
        init(LogTarget::Terminal);
        init(LogTarget::Terminal);
    }
}
