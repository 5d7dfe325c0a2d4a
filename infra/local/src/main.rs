//! The command `narvi`: arguments, logs, signals. Everything else is in the library beside it.

use std::process::ExitCode;

use clap::Parser as _;
use narvi_gateway::telemetry::{self, LogTarget};
use narvi_local::{Args, Host, HostError};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    telemetry::init(LogTarget::Terminal);
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("narvi: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), HostError> {
    let stop = stop_signal()?;
    let host = Host::start(args).await?;
    eprintln!("{}", host.greeting());
    host.run(stop).await
}

/// Ends at SIGINT or SIGTERM, which are listened to from this call on.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, HostError> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt()).map_err(HostError::Signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(HostError::Signals)?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Ends at Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, HostError> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::error!(%error, "Ctrl-C cannot be heard, so it stops nothing");
            std::future::pending::<()>().await;
        }
    })
}
