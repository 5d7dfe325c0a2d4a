//! [`Host`]: everything together, from the command line to the last answer.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::door::Door;
use crate::functions::Functions;
use crate::http::{Front, answer};
use crate::limits::STOP_GRACE;
use crate::services::Services;
use crate::timers::run_jobs;
use crate::{Args, HostError};

/// A Narvi that has started and listens, but does not answer before [`Host::run`].
pub struct Host {
    listener: TcpListener,
    address: SocketAddr,
    services: Services,
    front: Arc<Front>,
    greeting: String,
}

impl Host {
    /// Reads the configuration, takes the data folder, starts what is embedded, makes the tables
    /// and listens.
    ///
    /// # Errors
    /// See [`HostError`].
    pub async fn start(args: Args) -> Result<Self, HostError> {
        let config = Arc::new(args.configuration()?);
        let door = Door::new(args.credentials.as_ref(), &config)?;
        let asked = args.address(&config);
        let failed = |source| HostError::Listen {
            address: asked.clone(),
            source,
        };
        // Before anything is made, so that a second start by mistake says so and leaves no trace.
        let listener = TcpListener::bind(&asked).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let services = Services::start(&args).await?;
        let functions = Functions::start(&services, &config)?;
        let greeting = greeting(&args, address);
        let front = Arc::new(Front::new(door, functions, services.requests.clone()));
        Ok(Self {
            listener,
            address,
            services,
            front,
            greeting,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// One line that says where to push, where to point Grafana and where the data is.
    #[must_use]
    pub fn greeting(&self) -> &str {
        &self.greeting
    }

    /// Serves until `stop` ends; then finishes what is under way, for [`STOP_GRACE`] at most.
    ///
    /// # Errors
    /// [`HostError::Serve`].
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), HostError> {
        let (stopping, stopped) = watch::channel(false);
        let mut clocks = run_jobs(self.front.functions.jobs(), &stopped);
        let router = Router::new()
            .fallback(answer)
            .with_state(Arc::clone(&self.front));
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut heard = stopped.clone();
        let server = axum::serve(self.listener, router).with_graceful_shutdown(async move {
            // An error means that the sender is gone, which is the end as well.
            let _ = heard.wait_for(|&stop| stop).await;
        });
        let mut server = tokio::spawn(server.into_future());
        let served = tokio::select! {
            served = &mut server => Some(served),
            () = stop => None,
        };
        // Somebody listens: `stopped` lives.
        let _ = stopping.send(true);
        let tails = Arc::clone(self.front.functions.tails());
        let finish = async {
            tails.stop().await;
            while clocks.join_next().await.is_some() {}
            match served {
                Some(served) => served,
                None => server.await,
            }
        };
        let result = match tokio::time::timeout(STOP_GRACE, finish).await {
            Ok(Ok(served)) => served.map_err(HostError::Serve),
            Ok(Err(bug)) => Err(HostError::Serve(std::io::Error::other(bug))),
            Err(_) => {
                tracing::warn!("requests or runs are cut off after {STOP_GRACE:?}");
                Ok(())
            }
        };
        if let Some(dynamo) = self.services.dynamo {
            dynamo.stop().await;
        }
        result
    }
}

fn greeting(args: &Args, address: SocketAddr) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let objects = match &args.s3_endpoint {
        Some(endpoint) => format!("objects in {endpoint} (bucket {})", args.bucket),
        None => format!("objects in {}", args.data.join("objects").display()),
    };
    let catalog = match &args.dynamodb_endpoint {
        Some(endpoint) => format!("catalog in {endpoint}"),
        None => format!("catalog in {}", args.data.join("catalog").display()),
    };
    format!(
        "narvi {version} is ready: push to http://{address}/loki/api/v1/push, add \
         http://{address} to Grafana as a Loki data source; {objects}, {catalog}"
    )
}
