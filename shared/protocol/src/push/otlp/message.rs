//! `ExportLogsServiceRequest` in protobuf, one `ResourceLogs` at a time.
//!
//! Field numbers are those of `opentelemetry/proto/{logs,common,resource}/v1`; unknown fields are
//! passed over. Everything that is built is counted, and values lie in each other to a bound.

use super::tree::{Attributes, Record, ResourceLogs, ScopeLogs, Value};
use crate::limits::MAX_VALUE_DEPTH;
use crate::push::PushError;
use crate::push::budget::Budget;
use crate::push::wire::{Field, Reader};

/// Parts that a record counts for, which is larger than a label.
const RECORD_PARTS: usize = 2;

/// Reads a request from its beginning.
pub(super) struct Resources<'a, 'b> {
    reader: Reader<'a>,
    pub(super) budget: &'b mut Budget,
    /// Number of the resource in hand, for errors.
    resource: usize,
}

impl<'a, 'b> Resources<'a, 'b> {
    pub(super) const fn new(body: &'a [u8], budget: &'b mut Budget) -> Self {
        Self {
            reader: Reader::new(body, 0),
            budget,
            resource: 0,
        }
    }

    /// The next resource with its records; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<ResourceLogs<'a>>, PushError> {
        while let Some((number, field)) = self.reader.next()? {
            if number == 1 {
                let message = nested(field, &self.reader)?;
                let logs = self.resource_logs(message)?;
                self.resource += 1;
                return Ok(Some(logs));
            }
        }
        Ok(None)
    }

    fn resource_logs(&mut self, mut reader: Reader<'a>) -> Result<ResourceLogs<'a>, PushError> {
        self.budget.take(1)?;
        let mut logs = ResourceLogs::default();
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => {
                    let mut reader = nested(field, &reader)?;
                    while let Some((number, field)) = reader.next()? {
                        if number == 1 {
                            self.attribute(nested(field, &reader)?, &mut logs.attributes, 0)?;
                        }
                    }
                }
                2 => {
                    let message = nested(field, &reader)?;
                    logs.scopes.push(self.scope_logs(message)?);
                }
                _ => {}
            }
        }
        Ok(logs)
    }

    fn scope_logs(&mut self, mut reader: Reader<'a>) -> Result<ScopeLogs<'a>, PushError> {
        self.budget.take(1)?;
        let mut logs = ScopeLogs::default();
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => self.scope(nested(field, &reader)?, &mut logs)?,
                2 => {
                    let message = nested(field, &reader)?;
                    logs.records.push(self.record(message)?);
                }
                _ => {}
            }
        }
        Ok(logs)
    }

    fn scope(&mut self, mut reader: Reader<'a>, logs: &mut ScopeLogs<'a>) -> Result<(), PushError> {
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => logs.name = self.text(field, &reader)?,
                2 => logs.version = self.text(field, &reader)?,
                3 => self.attribute(nested(field, &reader)?, &mut logs.attributes, 0)?,
                4 => logs.dropped_attributes = varint(field, &reader)? as u32,
                _ => {}
            }
        }
        Ok(())
    }

    fn record(&mut self, mut reader: Reader<'a>) -> Result<Record<'a>, PushError> {
        self.budget.take(RECORD_PARTS)?;
        let mut record = Record::default();
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => record.time = fixed64(field, &reader)?,
                2 => record.severity_number = varint(field, &reader)? as i32,
                3 => record.severity_text = self.text(field, &reader)?,
                5 => record.body = self.value(nested(field, &reader)?, 0)?,
                6 => self.attribute(nested(field, &reader)?, &mut record.attributes, 0)?,
                7 => record.dropped_attributes = varint(field, &reader)? as u32,
                8 => match field {
                    Field::Fixed32(flags) => record.flags = flags,
                    _ => return wrong_type(&reader),
                },
                9 => record.trace_id = bytes(field, &reader)?,
                10 => record.span_id = bytes(field, &reader)?,
                11 => record.observed = fixed64(field, &reader)?,
                12 => record.event_name = self.text(field, &reader)?,
                _ => {}
            }
        }
        Ok(record)
    }

    /// `KeyValue`
    fn attribute(
        &mut self,
        mut reader: Reader<'a>,
        into: &mut Attributes<'a>,
        depth: usize,
    ) -> Result<(), PushError> {
        self.budget.take(1)?;
        let (mut name, mut value) = ("", Value::Empty);
        while let Some((number, field)) = reader.next()? {
            match number {
                1 => name = self.text(field, &reader)?,
                2 => value = self.value(nested(field, &reader)?, depth)?,
                _ => {}
            }
        }
        into.push((name, value));
        Ok(())
    }

    /// `AnyValue`; of several kinds at once the last counts.
    fn value(&mut self, mut reader: Reader<'a>, depth: usize) -> Result<Value<'a>, PushError> {
        let mut value = Value::Empty;
        while let Some((number, field)) = reader.next()? {
            value = match number {
                5 | 6 if depth >= MAX_VALUE_DEPTH => return Err(PushError::TooDeep),
                1 => Value::Text(self.text(field, &reader)?),
                2 => Value::Bool(varint(field, &reader)? != 0),
                3 => Value::Int(varint(field, &reader)?.cast_signed()),
                4 => Value::Double(f64::from_bits(fixed64(field, &reader)?)),
                5 => Value::List(self.list(nested(field, &reader)?, depth + 1)?),
                6 => Value::Map(self.map(nested(field, &reader)?, depth + 1)?),
                7 => Value::Bytes(bytes(field, &reader)?),
                _ => continue,
            };
        }
        Ok(value)
    }

    fn list(&mut self, mut reader: Reader<'a>, depth: usize) -> Result<Vec<Value<'a>>, PushError> {
        let mut values = Vec::new();
        while let Some((number, field)) = reader.next()? {
            if number == 1 {
                self.budget.take(1)?;
                values.push(self.value(nested(field, &reader)?, depth)?);
            }
        }
        Ok(values)
    }

    fn map(&mut self, mut reader: Reader<'a>, depth: usize) -> Result<Attributes<'a>, PushError> {
        let mut pairs = Vec::new();
        while let Some((number, field)) = reader.next()? {
            if number == 1 {
                self.attribute(nested(field, &reader)?, &mut pairs, depth)?;
            }
        }
        Ok(pairs)
    }

    fn text(&self, field: Field<'a>, reader: &Reader<'a>) -> Result<&'a str, PushError> {
        let bytes = bytes(field, reader)?;
        std::str::from_utf8(bytes).map_err(|error| PushError::Utf8 {
            field: "a text",
            stream: self.resource,
            at: reader.at() - bytes.len() + error.valid_up_to(),
        })
    }
}

fn bytes<'a>(field: Field<'a>, reader: &Reader<'a>) -> Result<&'a [u8], PushError> {
    match field {
        Field::Bytes(bytes) => Ok(bytes),
        _ => wrong_type(reader),
    }
}

fn nested<'a>(field: Field<'a>, reader: &Reader<'a>) -> Result<Reader<'a>, PushError> {
    let message = bytes(field, reader)?;
    Ok(Reader::new(message, reader.at() - message.len()))
}

fn varint(field: Field<'_>, reader: &Reader<'_>) -> Result<u64, PushError> {
    match field {
        Field::Varint(value) => Ok(value),
        _ => wrong_type(reader),
    }
}

fn fixed64(field: Field<'_>, reader: &Reader<'_>) -> Result<u64, PushError> {
    match field {
        Field::Fixed64(value) => Ok(value),
        _ => wrong_type(reader),
    }
}

const fn wrong_type<T>(reader: &Reader<'_>) -> Result<T, PushError> {
    Err(PushError::Protobuf {
        reason: "wrong wire type of a field",
        at: reader.at(),
    })
}
