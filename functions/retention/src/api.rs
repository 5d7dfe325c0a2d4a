//! The delete API (spec `http-api.md` §16): which lines a tenant wants to be rid of.
//!
//! From the answer on no query shows them; when they are gone for good is not decided here.
//! Parameters come from the query string alone, as clients send them.

use http::Method;
use narvi_gateway::{Config, Request, Response, Surface};
use narvi_logql::deletion::Deletion;
use narvi_model::{DeletionMode, TenantId, Timestamp, duration};
use narvi_protocol::answer::{self, ListedDelete};
use narvi_protocol::params;
use narvi_segment::SegmentId;
use narvi_storage::{Catalog, DeleteRow, ErrorKind, Progress, Put, StorageError};

use crate::limits::{CANCEL_ATTEMPTS, ID_ATTEMPTS, REQUESTS};

/// The only path.
const PATH: &str = "/loki/api/v1/delete";

/// The header that tells a new request's id.
const ID_HEADER: &str = "x-delete-request-id";

/// Answers a request.
pub(crate) async fn answer(config: &Config, catalog: &Catalog, request: &Request) -> Response {
    if request.path != PATH {
        return Response::not_found();
    }
    let tenant = match request.tenant(config) {
        Ok(tenant) => tenant,
        Err(error) => return Response::tenant_error(Surface::Write, &error),
    };
    if !config.compactor.retention_enabled {
        return Response::write_error(400, "Retention is not enabled");
    }
    if config.deletion_mode(&tenant) == DeletionMode::Disabled {
        return Response::write_error(403, "deletion is not available for this tenant");
    }
    let api = Api {
        config,
        catalog,
        request,
        tenant,
    };
    let answer = match request.method {
        Method::POST | Method::PUT => api.create().await,
        Method::GET => api.list().await,
        Method::DELETE => api.cancel().await,
        _ => return Response::method_not_allowed(),
    };
    answer.unwrap_or_else(|error| storage_error(&error))
}

/// A request of a tenant.
struct Api<'a> {
    config: &'a Config,
    catalog: &'a Catalog,
    request: &'a Request,
    tenant: TenantId,
}

type Answer = Result<Response, StorageError>;

impl Api<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        self.request.query.get(name)
    }

    async fn create(&self) -> Answer {
        let now = self.request.received;
        let longest = self.config.compactor.delete_max_interval;
        let asked = match params::delete_query(|name| self.get(name), now, longest) {
            Ok(asked) => asked,
            Err(error) => return Ok(Response::write_error(error.status(), &error.to_string())),
        };
        if let Err(reason) = Deletion::new(&asked.query, asked.start, asked.end) {
            tracing::info!(%reason, query = asked.query, "a delete request is refused");
            return Ok(Response::write_error(400, "invalid query expression"));
        }
        if self.catalog.deletes(&self.tenant).await?.len() >= REQUESTS {
            let text = format!(
                "too many delete requests: {REQUESTS} are not processed yet; cancel some, or wait"
            );
            return Ok(Response::write_error(400, &text));
        }
        let mut row = DeleteRow {
            id: String::new(),
            query: asked.query,
            start: asked.start,
            end: asked.end,
            created: now,
            progress: Progress::Received,
        };
        for attempt in 0..ID_ATTEMPTS {
            row.id = id(&self.tenant, &row, attempt);
            if self.catalog.put_delete(&self.tenant, &row).await? == Put::Stored {
                tracing::info!(
                    id = row.id,
                    query = row.query,
                    "a delete request is accepted"
                );
                return Ok(Response::no_content().with_header(ID_HEADER, row.id));
            }
        }
        Err(StorageError::Conflict {
            what: "no id is free for the delete request; send it again".to_owned(),
        })
    }

    async fn list(&self) -> Answer {
        let (first, last) = match params::delete_list(|name| self.get(name)) {
            Ok(bounds) => bounds,
            Err(error) => return Ok(Response::write_error(error.status(), &error.to_string())),
        };
        let mut rows = self.catalog.past_deletes(&self.tenant).await?;
        let current = self.catalog.deletes(&self.tenant).await?;
        // One that is being put among those of the past may be in both.
        rows.retain(|row| current.iter().all(|other| other.id != row.id));
        rows.extend(current);
        rows.retain(|row| row.start <= last && row.end >= first);
        rows.sort_by_key(|row| row.created);
        let listed: Vec<ListedDelete> = rows.into_iter().map(listed).collect();
        Ok(Response::json(answer::deletes(&listed)))
    }

    async fn cancel(&self) -> Answer {
        let Some(id) = self.get("request_id").filter(|id| !id.is_empty()) else {
            return Ok(Response::write_error(400, "request_id not set"));
        };
        let is_forced = self.get("force") == Some("true");
        for _ in 0..CANCEL_ATTEMPTS {
            let rows = self.catalog.deletes(&self.tenant).await?;
            let Some(row) = rows.into_iter().find(|row| row.id == id) else {
                let past = self.catalog.past_deletes(&self.tenant).await?;
                return Ok(match past.iter().any(|row| row.id == id) {
                    true => Response::write_error(400, PROCESSED),
                    false => Response::write_error(404, UNKNOWN),
                });
            };
            if let Some(text) = self.uncancellable(&row).filter(|_| !is_forced) {
                return Ok(Response::write_error(400, &text));
            }
            if matches!(row.progress, Progress::Processed(_)) {
                return Ok(Response::write_error(400, PROCESSED));
            }
            if self.catalog.cancel_delete(&self.tenant, &row).await? {
                tracing::info!(id, "a delete request is cancelled");
                return Ok(Response::no_content());
            }
        }
        Err(StorageError::Conflict {
            what: format!("delete request `{id}` is being processed; try again"),
        })
    }

    /// Why a request is no longer taken back without force.
    fn uncancellable(&self, row: &DeleteRow) -> Option<String> {
        if matches!(row.progress, Progress::Processed(_)) {
            return Some(PROCESSED.to_owned());
        }
        let period = self.config.compactor.delete_request_cancel_period.nanos();
        let is_late = row.created.plus(period) < self.request.received;
        let is_partly_done = row.progress != Progress::Received;
        (is_late || is_partly_done).then(|| {
            format!(
                "Cancellation of partially completed delete request or delete request past the \
                 deadline of {} since its creation is not allowed. To force, use the ?force query \
                 parameter",
                duration::to_go(period)
            )
        })
    }
}

const UNKNOWN: &str = "could not find delete request with given id";

const PROCESSED: &str =
    "deletion of request which is in process or already processed is not allowed";

/// Eight hexadecimal digits, of what is asked and when.
fn id(tenant: &TenantId, row: &DeleteRow, attempt: usize) -> String {
    let time = |time: Timestamp| time.nanos();
    let text = format!(
        "{attempt} {} {} {} {}",
        time(row.created),
        time(row.start),
        time(row.end),
        row.query
    );
    let mut id = SegmentId::of(tenant, text.as_bytes()).to_string();
    id.truncate(8);
    id
}

fn listed(row: DeleteRow) -> ListedDelete {
    let status = match row.progress {
        Progress::Processed(_) => "processed".to_owned(),
        Progress::Received | Progress::Through { percent: 0, .. } => "received".to_owned(),
        Progress::Through { percent, .. } => format!("{percent}% Complete"),
    };
    ListedDelete {
        id: row.id,
        query: row.query,
        start: row.start,
        end: row.end,
        created: row.created,
        status,
    }
}

fn storage_error(error: &StorageError) -> Response {
    let status = match error.kind() {
        ErrorKind::Unavailable => 503,
        ErrorKind::TooMuch | ErrorKind::Invalid => 400,
        ErrorKind::Conflict => 409,
        _ => 500,
    };
    if status >= 500 {
        tracing::error!(status, %error, "a request to the delete API failed");
    }
    let response = Response::write_error(status, &error.to_string());
    match status {
        503 => response.with_header("retry-after", "1".to_owned()),
        _ => response,
    }
}
