//! [`Requests`]: counts what is paid for, every attempt of every request to S3 and DynamoDB.
//!
//! [`Requests::interceptor`] counts inside the SDK, where retries are seen; `CountingObjects`
//! counts calls to a store that is no SDK. Does not know what the requests are about.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeTransmitInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{
    Intercept, SharedInterceptor, dyn_dispatch_hint,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;

/// Counters by operation, as `s3.PutObject` or `dynamodb.Query`. Clones share the counters.
#[derive(Clone, Debug, Default)]
pub struct Requests(Arc<Mutex<BTreeMap<String, u64>>>);

impl Requests {
    /// Nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Attempts by operation so far.
    #[must_use]
    pub fn snapshot(&self) -> BTreeMap<String, u64> {
        self.counters().clone()
    }

    /// Attempts of one operation so far.
    #[must_use]
    pub fn count_of(&self, operation: &str) -> u64 {
        self.counters().get(operation).copied().unwrap_or_default()
    }

    /// All attempts so far.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counters().values().sum()
    }

    /// Counts one attempt.
    pub fn count(&self, operation: &str) {
        let mut counters = self.counters();
        match counters.get_mut(operation) {
            Some(count) => *count += 1,
            None => drop(counters.insert(operation.to_owned(), 1)),
        }
    }

    /// What an SDK client needs to count into here.
    pub(crate) fn interceptor(&self) -> SharedInterceptor {
        SharedInterceptor::new(CountAttempts(self.clone()))
    }

    fn counters(&self) -> MutexGuard<'_, BTreeMap<String, u64>> {
        // A panic elsewhere cannot leave a map of numbers half changed.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug)]
struct CountAttempts(Requests);

#[dyn_dispatch_hint]
impl Intercept for CountAttempts {
    fn name(&self) -> &'static str {
        "CountAttempts"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(called) = config.load::<Metadata>() {
            let service = called.service().to_ascii_lowercase();
            self.0.count(&format!("{service}.{}", called.name()));
        }
        Ok(())
    }
}
