//! `POST /awsfirehose/api/v1/push`: what Amazon Data Firehose delivers to an HTTP endpoint
//! ([`Delivery`]), and the JSON that it wants for an answer ([`answer`]).
//!
//! The form: "HTTP endpoint delivery request and response specifications" of Firehose's guide; the
//! path is that of Alloy's `loki.source.awsfirehose`. Firehose repeats a request until it is
//! answered 200 or 413, or its time for retries is over; then its backup bucket has the records.
//! Times are those of the records or of the request, never the clock's, so that a request which is
//! repeated makes the segments that are there.

use std::borrow::Cow;

use bytes::Bytes;
use narvi_aws_logs::{Budget, Content, FIREHOSE, LOG_TYPE, LogsError, Source, inflate, lines};
use narvi_gateway::{Request, Response};
use narvi_model::{Labels, Timestamp};
use serde::{Deserialize, Serialize};

use crate::attributes;
use crate::limits::{ERROR_MESSAGE_BYTES, REQUEST_ID_BYTES};

/// Where it is delivered.
pub(crate) const PATH: &str = "/awsfirehose/api/v1/push";

/// The content type that Firehose wants, to the letter.
const JSON: &str = "application/json";

/// What came, as far as it can be read.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The same whenever the request is repeated.
    pub(crate) id: String,
    /// Labels that all lines get.
    pub(crate) labels: Labels,
    /// The lines.
    pub(crate) sources: Vec<Source>,
    /// What is wrong with the first record that cannot be read.
    pub(crate) broken: Option<FirehoseError>,
}

/// Why a delivery cannot be read, or not all of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FirehoseError {
    /// Firehose compresses with gzip or not at all.
    #[error("Content-Encoding {0:?} not supported; Firehose has GZIP and none")]
    Encoding(String),
    /// The body cannot be unpacked.
    #[error("body: {0}")]
    Body(LogsError),
    /// The body is of another form.
    #[error("the body is not what Firehose sends, {{requestId,timestamp,records}}: {0}")]
    Form(serde_json::Error),
    /// No such id is ever sent.
    #[error("requestId has more than {REQUEST_ID_BYTES} bytes")]
    RequestId,
    /// The header is of another form.
    #[error("X-Amz-Firehose-Common-Attributes is not {{\"commonAttributes\":{{…}}}}: {0}")]
    Attributes(serde_json::Error),
    /// A label that no stream can have.
    #[error(
        "the common attribute `{0}` is no label: after `lbl_` come letters, digits and `_`, no \
         digit first, and the value is text"
    )]
    Label(String),
    /// A record cannot be read; the others are stored.
    #[error("record {index}: {source}")]
    Record {
        /// Its place, from 0.
        index: usize,
        /// What is wrong with it.
        source: LogsError,
    },
}

impl FirehoseError {
    /// The HTTP status: 413 where less at once would be taken.
    pub(crate) const fn status(&self) -> u16 {
        match self {
            Self::Body(error) | Self::Record { source: error, .. } if error.is_too_much() => 413,
            _ => 400,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'b> {
    #[serde(borrow)]
    request_id: Cow<'b, str>,
    /// Milliseconds since the epoch.
    timestamp: i64,
    #[serde(borrow)]
    records: Vec<Record<'b>>,
}

#[derive(Deserialize)]
struct Record<'b> {
    /// In base64.
    #[serde(borrow)]
    data: Cow<'b, str>,
}

impl Delivery {
    /// Reads a request whose body may have `max_bytes` once it is unpacked.
    ///
    /// # Errors
    /// Where nothing of it can be read.
    pub(crate) fn read(request: &Request, max_bytes: usize) -> Result<Self, FirehoseError> {
        let labels = attributes::labels(request.header("x-amz-firehose-common-attributes"))?;
        let body = unpacked(request, max_bytes)?;
        let body: Body<'_> = serde_json::from_slice(&body).map_err(FirehoseError::Form)?;
        if body.request_id.len() > REQUEST_ID_BYTES {
            return Err(FirehoseError::RequestId);
        }
        let mut delivery = Self {
            id: body.request_id.into_owned(),
            labels,
            sources: Vec::new(),
            broken: None,
        };
        let (mut budget, mut events) = (Budget::default(), Vec::new());
        let first = Timestamp::from_millis(body.timestamp);
        for (index, record) in body.records.into_iter().enumerate() {
            match content(&record, &mut budget) {
                Ok(Content::Batch(batch)) => delivery.sources.push(batch.into_source()),
                Ok(Content::Nothing) => {}
                Ok(Content::Text(text)) => {
                    // Records that are alike are told apart by their place.
                    events.extend(lines(&text, first.plus(events.len() as i64)));
                }
                Err(source) => {
                    let error = FirehoseError::Record { index, source };
                    delivery.broken.get_or_insert(error);
                }
            }
        }
        let stream = request.header("x-amz-firehose-source-arn");
        delivery.sources.push(Source {
            labels: Labels::of_stream([
                (FIREHOSE, stream.unwrap_or_default()),
                (LOG_TYPE, "firehose"),
            ]),
            part: ("request_id", delivery.id.clone()),
            events,
        });
        Ok(delivery)
    }
}

fn unpacked(request: &Request, max_bytes: usize) -> Result<Bytes, FirehoseError> {
    match request.header("content-encoding").unwrap_or_default() {
        "" => Ok(request.body.clone()),
        "gzip" => inflate(&request.body, max_bytes).map_err(FirehoseError::Body),
        other => Err(FirehoseError::Encoding(other.to_owned())),
    }
}

fn content(record: &Record<'_>, budget: &mut Budget) -> Result<Content, LogsError> {
    let data = base64_simd::STANDARD.decode_to_vec(record.data.as_bytes());
    Content::read(data.map_err(|_| LogsError::Base64)?.into(), budget)
}

/// The answer to a request; `id` where its body says one, `refused` what another sender would be
/// told.
pub(crate) fn answer(request: &Request, id: Option<&str>, refused: Option<Response>) -> Response {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer<'a> {
        request_id: &'a str,
        timestamp: i64,
        #[serde(skip_serializing_if = "Option::is_none")]
        error_message: Option<&'a str>,
    }
    // A tenant may be blocked without its senders noticing.
    let refused = refused.filter(|refused| refused.status != 204);
    let text = refused.as_ref().map(|refused| {
        let text = String::from_utf8_lossy(&refused.body);
        let text = text.trim_end();
        text[..text.floor_char_boundary(ERROR_MESSAGE_BYTES)].to_owned()
    });
    let sent = request.header("x-amz-firehose-request-id");
    let sent = sent.filter(|id| id.len() <= REQUEST_ID_BYTES);
    let body = serde_json::to_vec(&Answer {
        request_id: id.or(sent).unwrap_or_default(),
        timestamp: request.received.millis(),
        error_message: text.as_deref(),
    });
    let (status, headers) = refused.map_or((200, Vec::new()), |refused| {
        (refused.status, refused.headers)
    });
    Response {
        status,
        content_type: JSON,
        headers,
        body: body.unwrap_or_default().into(),
    }
}
