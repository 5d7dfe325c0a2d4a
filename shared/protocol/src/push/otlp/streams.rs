//! [`Streams`]: a resource with its records as streams and entries (spec `http-api.md` §3).
//!
//! Attributes of resources become labels, all others metadata, unless the tenant's rules say
//! otherwise. Metadata may repeat a name; as elsewhere the later wins, in the order of the spec.

use std::borrow::Cow;
use std::collections::HashMap;

use bytes::Bytes;
use narvi_model::{AttributeAction, Entry, LabelNameError, Labels, Line, Timestamp, label_name};

use super::OtlpOptions;
use super::tree::{Record, ResourceLogs, ScopeLogs, Value};
use super::value::{hex, text};
use crate::limits::PART_BYTES;
use crate::push::budget::Budget;
use crate::push::{PushError, PushRequest, PushStream, RefusedStream};

/// The label that Grafana's Drilldown finds a stream by.
const SERVICE_NAME: &str = "service_name";

/// Its value where nothing names the service.
const UNKNOWN_SERVICE: &str = "unknown_service";

type Pairs<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

/// Streams as they grow.
pub(super) struct Streams<'a> {
    body: &'a Bytes,
    options: &'a OtlpOptions<'a>,
    request: PushRequest,
    places: HashMap<Labels, usize>,
}

/// What the attributes of a resource come to.
#[derive(Default)]
struct Resource<'a> {
    labels: Pairs<'a>,
    metadata: Pairs<'a>,
}

/// Where the entries of a scope go, and what they all have.
struct Scope<'r, 'a> {
    /// The stream of records without labels of their own.
    place: usize,
    labels: &'r Pairs<'a>,
    /// Of the resource, then of the scope.
    metadata: Pairs<'a>,
}

impl<'a> Streams<'a> {
    pub(super) fn new(body: &'a Bytes, options: &'a OtlpOptions<'a>) -> Self {
        let request = PushRequest {
            has_service_names: true,
            ..PushRequest::default()
        };
        Self {
            body,
            options,
            request,
            places: HashMap::new(),
        }
    }

    pub(super) fn finish(self) -> PushRequest {
        self.request
    }

    pub(super) fn add(
        &mut self,
        logs: &ResourceLogs<'a>,
        budget: &mut Budget,
    ) -> Result<(), PushError> {
        let entries = logs.scopes.iter().map(|scope| scope.records.len()).sum();
        if entries == 0 {
            return Ok(());
        }
        let resource = match self.resource(logs) {
            Ok(resource) => resource,
            Err(error) => {
                self.refuse("resource", &error, entries);
                return Ok(());
            }
        };
        let labels = labels_of(&resource.labels, &[]);
        for logs in logs.scopes.iter().filter(|logs| !logs.records.is_empty()) {
            let mut metadata = resource.metadata.clone();
            if let Err(error) = self.scope(logs, &mut metadata) {
                self.refuse("scope", &error, logs.records.len());
                continue;
            }
            budget.take(cost(&metadata))?;
            let place = self.place(labels.clone(), budget)?;
            let scope = Scope {
                place,
                labels: &resource.labels,
                metadata,
            };
            for record in &logs.records {
                self.record(record, &scope, budget)?;
            }
        }
        Ok(())
    }

    fn resource(&self, logs: &ResourceLogs<'a>) -> Result<Resource<'a>, LabelNameError> {
        let candidates = self.options.discover_service_name;
        let is_named =
            |(name, value): &(&str, Value<'_>)| *name == "service.name" && !text(value).is_empty();
        let mut is_found = candidates.is_empty() || logs.attributes.iter().any(is_named);
        let mut resource = Resource::default();
        for (name, value) in &logs.attributes {
            match self.options.config.of_resource(name) {
                AttributeAction::Drop => {}
                AttributeAction::StructuredMetadata => {
                    flatten(name, value, &mut resource.metadata)?;
                }
                AttributeAction::IndexLabel => {
                    let new = resource.labels.len();
                    flatten(name, value, &mut resource.labels)?;
                    let names_it = |(name, value): &&(Cow<'_, str>, Cow<'_, str>)| {
                        !value.is_empty() && candidates.iter().any(|candidate| candidate == name)
                    };
                    let service = resource.labels[new..].iter().find(names_it);
                    if let Some((_, service)) = service.filter(|_| !is_found) {
                        let service = service.clone();
                        resource.labels.push((SERVICE_NAME.into(), service));
                        is_found = true;
                    }
                }
            }
        }
        if !is_found {
            resource
                .labels
                .push((SERVICE_NAME.into(), UNKNOWN_SERVICE.into()));
        }
        Ok(resource)
    }

    fn scope(&self, logs: &ScopeLogs<'a>, into: &mut Pairs<'a>) -> Result<(), LabelNameError> {
        for (name, value) in &logs.attributes {
            if self.options.config.of_scope(name) != AttributeAction::Drop {
                flatten(name, value, into)?;
            }
        }
        push_text("scope_name", logs.name, into);
        push_text("scope_version", logs.version, into);
        let dropped = u64::from(logs.dropped_attributes);
        push_number("scope_dropped_attributes_count", dropped, into);
        Ok(())
    }

    fn record(
        &mut self,
        record: &Record<'a>,
        scope: &Scope<'_, 'a>,
        budget: &mut Budget,
    ) -> Result<(), PushError> {
        let (mut metadata, mut labels) = (Pairs::new(), Pairs::new());
        if let Err(error) = self.attributes(record, &mut metadata, &mut labels) {
            self.refuse("log record", &error, 1);
            return Ok(());
        }
        metadata.extend(scope.metadata.iter().cloned());
        budget.take(cost(&metadata) + cost(&labels))?;
        let place = if labels.is_empty() {
            scope.place
        } else {
            self.place(labels_of(scope.labels, &labels), budget)?
        };
        let pairs = metadata.iter().map(|(name, value)| (&**name, &**value));
        let entry = Entry {
            timestamp: self.time(record),
            line: self.line(&record.body),
            metadata: Labels::of_stream(pairs),
        };
        self.request.streams[place].entries.push(entry);
        Ok(())
    }

    /// The metadata of a record alone, and the labels that it has by the rules of the tenant.
    fn attributes(
        &self,
        record: &Record<'a>,
        metadata: &mut Pairs<'a>,
        labels: &mut Pairs<'a>,
    ) -> Result<(), LabelNameError> {
        let config = self.options.config;
        for (name, value) in &record.attributes {
            match config.of_record(name) {
                AttributeAction::Drop => {}
                AttributeAction::IndexLabel => flatten(name, value, labels)?,
                AttributeAction::StructuredMetadata => flatten(name, value, metadata)?,
            }
        }
        if record.time != 0 {
            push_number("observed_timestamp", record.observed, metadata);
        }
        if record.severity_number != 0 {
            let number = record.severity_number.to_string();
            metadata.push(("severity_number".into(), number.into()));
        }
        let severity = if config.severity_text_as_label {
            labels
        } else {
            &mut *metadata
        };
        push_text("severity_text", record.severity_text, severity);
        let dropped = u64::from(record.dropped_attributes);
        push_number("dropped_attributes_count", dropped, metadata);
        push_number("flags", u64::from(record.flags), metadata);
        for (name, id) in [("trace_id", record.trace_id), ("span_id", record.span_id)] {
            // An id of zeros is none, as OpenTelemetry says.
            if id.iter().any(|byte| *byte != 0) {
                metadata.push((name.into(), hex(id).into()));
            }
        }
        push_text("event_name", record.event_name, metadata);
        Ok(())
    }

    fn time(&self, record: &Record<'_>) -> Timestamp {
        let nanos = match (record.time, record.observed) {
            (0, 0) => return self.options.now,
            (0, observed) => observed,
            (time, _) => time,
        };
        // Beyond the year 2262 it is the last time there is, which limits refuse.
        Timestamp::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
    }

    fn line(&self, body: &Value<'a>) -> Line {
        match body {
            Value::Text("") => Line::default(),
            // A part of the body that was read as text before, so it is one again.
            Value::Text(text) => {
                Line::new(self.body.slice_ref(text.as_bytes())).unwrap_or_else(|_| (*text).into())
            }
            other => text(other).into_owned().into(),
        }
    }

    /// The stream with these labels.
    fn place(&mut self, labels: Labels, budget: &mut Budget) -> Result<usize, PushError> {
        if let Some(place) = self.places.get(&labels) {
            return Ok(*place);
        }
        budget.take(1 + labels.len())?;
        let place = self.request.streams.len();
        self.places.insert(labels.clone(), place);
        let entries = Vec::new();
        self.request.streams.push(PushStream { labels, entries });
        Ok(place)
    }

    fn refuse(&mut self, what: &str, error: &LabelNameError, entries: usize) {
        let reason = format!("attributes of a {what}: {error}");
        self.request.refused.push(RefusedStream { reason, entries });
    }
}

/// An attribute as one pair, or as one for each leaf of a map: `parent_child`.
fn flatten<'a>(
    name: &'a str,
    value: &Value<'a>,
    into: &mut Pairs<'a>,
) -> Result<(), LabelNameError> {
    flatten_under(label_name(name)?, value, into)
}

/// Values lie in each other to `MAX_VALUE_DEPTH`, so this ends early enough.
fn flatten_under<'a>(
    name: Cow<'a, str>,
    value: &Value<'a>,
    into: &mut Pairs<'a>,
) -> Result<(), LabelNameError> {
    let Value::Map(pairs) = value else {
        into.push((name, text(value)));
        return Ok(());
    };
    for (child, value) in pairs {
        let name = format!("{name}_{}", label_name(child)?);
        flatten_under(name.into(), value, into)?;
    }
    Ok(())
}

fn push_text<'a>(name: &'static str, text: &'a str, into: &mut Pairs<'a>) {
    if !text.is_empty() {
        into.push((name.into(), text.into()));
    }
}

fn push_number(name: &'static str, number: u64, into: &mut Pairs<'_>) {
    if number != 0 {
        into.push((name.into(), number.to_string().into()));
    }
}

/// What pairs count in the budget: once they are owned, their bytes count as well.
fn cost(pairs: &Pairs<'_>) -> usize {
    let bytes: usize = pairs
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    pairs.len() + bytes / PART_BYTES
}

fn labels_of(resource: &Pairs<'_>, record: &[(Cow<'_, str>, Cow<'_, str>)]) -> Labels {
    let all = resource.iter().chain(record);
    Labels::of_stream(all.map(|(name, value)| (&**name, &**value)))
}
