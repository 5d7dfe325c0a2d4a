//! [`TableNames`] and the making of the tables, for the local host and for tests; on AWS the
//! template of the stack makes them.

use std::time::Duration;

use aws_sdk_dynamodb::error::{BuildError, ProvideErrorMetadata as _};
use aws_sdk_dynamodb::operation::create_table::builders::CreateTableFluentBuilder;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType, TableStatus,
    TimeToLiveSpecification,
};

use super::Catalog;
use crate::failure::failure;
use crate::{StorageError, limits};

/// The three tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableNames {
    /// Streams by tenant and day.
    pub streams: String,
    /// Segments by tenant and day.
    pub segments: String,
    /// Everything else.
    pub state: String,
}

impl TableNames {
    /// `{prefix}-streams`, `{prefix}-segments`, `{prefix}-state`.
    #[must_use]
    pub fn with_prefix(prefix: &str) -> Self {
        let named = |name: &str| format!("{prefix}-{name}");
        Self {
            streams: named("streams"),
            segments: named("segments"),
            state: named("state"),
        }
    }
}

impl Catalog {
    /// Makes the tables that are missing and waits until they can be used.
    ///
    /// # Errors
    /// `Unavailable`, `Refused`, also where a table is not ready after a minute.
    pub async fn create_tables(&self) -> Result<(), StorageError> {
        for table in [
            &self.tables.streams,
            &self.tables.segments,
            &self.tables.state,
        ] {
            self.create_table(table).await?;
        }
        self.expire_state().await
    }

    async fn create_table(&self, table: &str) -> Result<(), StorageError> {
        let what = || format!("dynamodb.CreateTable `{table}`");
        let request = keyed(self.client.create_table().table_name(table)).map_err(|e| {
            StorageError::Refused {
                what: what(),
                source: Box::new(e),
            }
        })?;
        match request.send().await {
            Ok(_) => {}
            Err(e)
                if e.as_service_error()
                    .is_some_and(|e| e.is_resource_in_use_exception()) => {}
            Err(e) => return Err(failure(what(), e)),
        }
        self.wait_for(table).await
    }

    async fn wait_for(&self, table: &str) -> Result<(), StorageError> {
        let what = || format!("dynamodb.DescribeTable `{table}`");
        for _ in 0..limits::TABLE_POLLS {
            let answer = self.client.describe_table().table_name(table).send().await;
            let found = answer.map_err(|e| failure(what(), e))?.table;
            if found.and_then(|table| table.table_status) == Some(TableStatus::Active) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let source = format!("not active after {} s", limits::TABLE_POLLS).into();
        Err(StorageError::Unavailable {
            what: what(),
            source,
        })
    }

    async fn expire_state(&self) -> Result<(), StorageError> {
        let table = &self.tables.state;
        let what = || format!("dynamodb.UpdateTimeToLive `{table}`");
        let ttl = TimeToLiveSpecification::builder()
            .enabled(true)
            .attribute_name("ttl")
            .build();
        let ttl = ttl.map_err(|e| StorageError::Refused {
            what: what(),
            source: Box::new(e),
        })?;
        let request = self.client.update_time_to_live().table_name(table);
        match request.time_to_live_specification(ttl).send().await {
            Ok(_) => Ok(()),
            // the service refuses to enable what is enabled, with the code it has for all mistakes
            Err(e) if e.message().is_some_and(is_enabled_already) => Ok(()),
            Err(e) => Err(failure(what(), e)),
        }
    }
}

fn is_enabled_already(message: &str) -> bool {
    message.contains("already enabled")
}

fn keyed(request: CreateTableFluentBuilder) -> Result<CreateTableFluentBuilder, BuildError> {
    let mut request = request.billing_mode(BillingMode::PayPerRequest);
    for (name, kind) in [("pk", KeyType::Hash), ("sk", KeyType::Range)] {
        let text = ScalarAttributeType::S;
        let attribute = AttributeDefinition::builder()
            .attribute_name(name)
            .attribute_type(text);
        let part = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        request = request
            .attribute_definitions(attribute.build()?)
            .key_schema(part.build()?);
    }
    Ok(request)
}
