//! [`Meter`]: how much the queries of a catalog read, over [`Tables`] without a network.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_sdk_dynamodb::config::{AsyncSleep, SharedAsyncSleep, Sleep};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::body::SdkBody;
use narvi_storage::{Catalog, Connection, Requests};

use crate::{Tables, settings};

/// Bytes that a read unit pays for.
const UNIT_BYTES: usize = 4096;

/// Read units of the queries of a catalog, by the bytes of their answers, which are a little more
/// than those of the items. Clones share the count.
#[derive(Clone, Default)]
pub struct Meter(Arc<Mutex<u64>>);

impl Meter {
    /// Units since this was asked last.
    #[must_use]
    pub fn take(&self) -> u64 {
        std::mem::take(&mut self.0.lock().unwrap())
    }

    /// A catalog over tables that are there, which has cached nothing yet.
    #[must_use]
    pub fn catalog(&self, tables: &Tables, requests: &Requests) -> Catalog {
        let wire = SharedHttpConnector::new(Wire {
            tables: tables.clone(),
            meter: self.clone(),
        });
        let client = http_client_fn(move |_, _| wire.clone());
        let settings = settings("http://metered", 1);
        let sleep = SharedAsyncSleep::new(Still);
        Connection::over(settings, requests.clone(), client, sleep).catalog()
    }
}

struct Wire {
    tables: Tables,
    meter: Meter,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

impl HttpConnector for Wire {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap();
        let operation = target.split_once('.').unwrap().1;
        let (status, answer) = self
            .tables
            .answer(operation, request.body().bytes().unwrap());
        if operation == "Query" {
            *self.meter.0.lock().unwrap() += answer.len().div_ceil(UNIT_BYTES) as u64;
        }
        let response = HttpResponse::new(status.try_into().unwrap(), SdkBody::from(answer));
        // A call that others may come before, as over a network.
        HttpConnectorFuture::new(async move {
            tokio::task::yield_now().await;
            Ok(response)
        })
    }
}

/// A time that never passes: every call is answered at once, and none is repeated.
#[derive(Debug)]
struct Still;

impl AsyncSleep for Still {
    fn sleep(&self, _: Duration) -> Sleep {
        Sleep::new(std::future::pending())
    }
}
