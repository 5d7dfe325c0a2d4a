//! tracing-loki: sends the lines of `lines.json` and writes the ledger, whose form and exit codes
//! are those of `python/ledger.py`. Knows nothing of queries.

use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};

/// What `python/ledger.py` ends with where a client knows that it was refused.
const REFUSED: u8 = 3;

/// This client tries for ever, but gives up when it is told to stop; it never takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Whether the client has said that it could not send.
static REFUSED_ONCE: AtomicBool = AtomicBool::new(false);

/// Hears what the client says about itself, which it does in events like those of anybody else.
struct Refusals;

impl<S: tracing::Subscriber> Layer<S> for Refusals {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        let of_client = event.metadata().target().starts_with("tracing_loki");
        if of_client && *event.metadata().level() == tracing::Level::ERROR {
            REFUSED_ONCE.store(true, Ordering::Relaxed);
        }
    }
}

/// The line of this file on which events are made, which is part of what is sent.
const EVENT_LINE: u32 = line!() + 5;

/// Makes an event, on the line that [`EVENT_LINE`] says.
fn log(message: &str, number: usize) {
    #[rustfmt::skip]
    tracing::warn!(target: "shop", number, paid = true, "{message}");
}

fn now() -> Result<u128, Box<dyn Error>> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos())
}

/// The entry as it is to be found.
fn noted(message: &str, number: usize, from: u128, to: u128) -> Value {
    let line = json!({
        "message": message,
        "number": number,
        "paid": true,
        "zone": "a",
        "order": 1041,
        "_spans": ["checkout"],
        "_target": "shop",
        "_module_path": module_path!(),
        "_file": file!(),
        "_line": EVENT_LINE,
    });
    json!({
        "line": line.to_string(),
        "labels": {"app": "shop", "quoted": "a \"b\" \\", "level": "warn", "service_name": "shop"},
        "metadata": {},
        "from": from.to_string(),
        "to": to.to_string(),
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let env = |name| std::env::var(name);
    let (layer, controller, task) = tracing_loki::builder()
        .label("app", "shop")?
        .label("quoted", "a \"b\" \\")?
        .extra_field("zone", "a")?
        .http_header("X-Scope-OrgID", env("NARVI_TENANT")?)?
        .http_header("Authorization", env("NARVI_AUTHORIZATION")?)?
        .build_controller_url(env("NARVI_URL")?.parse()?)?;
    let subscriber = tracing_subscriber::registry().with(layer).with(Refusals);
    tracing::subscriber::set_global_default(subscriber)?;
    let task = tokio::spawn(task);
    let lines: Vec<String> = serde_json::from_str(include_str!("../../lines.json"))?;
    let mut entries = Vec::new();
    let span = tracing::info_span!("checkout", order = 1041);
    for (number, line) in lines.iter().enumerate() {
        let from = now()?;
        span.in_scope(|| log(line, number));
        entries.push(noted(line, number, from, now()?));
    }
    controller.shutdown().await;
    tokio::time::timeout(PATIENCE, task).await??;
    print!("{}", Value::Array(entries));
    Ok(match REFUSED_ONCE.load(Ordering::Relaxed) {
        true => ExitCode::from(REFUSED),
        false => ExitCode::SUCCESS,
    })
}
