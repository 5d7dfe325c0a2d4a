//! The commit of a merge: one transaction that checks the lease and writes the merged row. Packs of
//! streams are committed in the same way.

use aws_sdk_dynamodb::error::{BuildError, SdkError};
use aws_sdk_dynamodb::operation::transact_write_items::TransactWriteItemsError;
use aws_sdk_dynamodb::types::builders::PutBuilder;
use aws_sdk_dynamodb::types::{CancellationReason, ConditionCheck, TransactWriteItem};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::item::{self, number, text};
use super::lease::STILL_HELD;
use super::{Catalog, Lease, SegmentRow};
use crate::failure::{failure, passes};
use crate::{Put, StorageError};

/// The code of a reason whose condition did not hold.
const NOT_HELD: &str = "ConditionalCheckFailed";

impl Catalog {
    /// Commits a merged segment if `lease` is still held. From then on readers drop what it
    /// replaces. `Existed` means that an earlier run committed the same merge and stopped before
    /// the replaced rows were removed: remove them now; an object under another key is garbage.
    ///
    /// # Errors
    /// `LostLease`, `Invalid`, `TooMuch`, `Unavailable`.
    pub async fn commit_merge(
        &self,
        lease: &Lease,
        merged: &SegmentRow,
    ) -> Result<Put, StorageError> {
        if merged.level == 0 {
            let reason = "is 0; a merged segment must be above what it replaces";
            return Err(StorageError::invalid(
                format!("level of {}", merged.summary.id),
                reason,
            ));
        }
        let put = aws_sdk_dynamodb::types::Put::builder()
            .table_name(&self.tables.segments)
            .set_item(Some(item::of_segment(merged)?))
            .condition_expression("attribute_not_exists(pk)");
        match self
            .put_held(lease, put, &merged.partition.to_string())
            .await?
        {
            true => Ok(Put::Stored),
            false => Ok(Put::Existed),
        }
    }

    /// Puts an item into the partition `pk` if `lease` is still held; whether the condition of the
    /// put held, too.
    pub(super) async fn put_held(
        &self,
        lease: &Lease,
        put: PutBuilder,
        pk: &str,
    ) -> Result<bool, StorageError> {
        let what = || format!("dynamodb.TransactWriteItems `{pk}`");
        let items = self.transaction(lease, put);
        let items = items.map_err(|e| StorageError::Refused {
            what: what(),
            source: Box::new(e),
        })?;
        let request = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.into()));
        match request.send().await {
            Ok(_) => Ok(true),
            Err(error) => {
                let reasons = codes(&error);
                match reasons.each_ref().map(Option::as_deref) {
                    [Some(NOT_HELD), _] => Err(lease.lost()),
                    [_, Some(NOT_HELD)] => Ok(false),
                    _ if reasons.iter().flatten().any(|code| cancel_passes(code)) => {
                        Err(StorageError::Unavailable {
                            what: what(),
                            source: Box::new(error),
                        })
                    }
                    _ => Err(failure(what(), error)),
                }
            }
        }
    }

    fn transaction(
        &self,
        lease: &Lease,
        put: PutBuilder,
    ) -> Result<[TransactWriteItem; 2], BuildError> {
        let check = ConditionCheck::builder()
            .table_name(&self.tables.state)
            .set_key(Some(lease.key()))
            .condition_expression(STILL_HELD)
            .expression_attribute_names("#token", "token")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":token", number(lease.token))
            .expression_attribute_values(":owner", text(&lease.owner))
            .build()?;
        Ok([
            TransactWriteItem::builder().condition_check(check).build(),
            TransactWriteItem::builder().put(put.build()?).build(),
        ])
    }
}

/// Why each of the two parts was cancelled: of the lease, of the row.
fn codes(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> [Option<String>; 2] {
    let Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) =
        error.as_service_error()
    else {
        return [None, None];
    };
    let code = |reason: Option<&CancellationReason>| reason?.code.clone();
    let reasons = cancelled.cancellation_reasons();
    [code(reasons.first()), code(reasons.get(1))]
}

/// Reasons have names of their own, without `Exception`.
fn cancel_passes(code: &str) -> bool {
    passes(code) || passes(&format!("{code}Exception")) || code == "ThrottlingError"
}
