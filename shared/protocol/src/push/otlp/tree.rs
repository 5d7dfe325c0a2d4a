//! An export of logs as OpenTelemetry means it, borrowed from the body: what [`super::message`]
//! reads and [`super::streams`] turns into streams.

/// Names and values in the order they were sent.
pub(super) type Attributes<'a> = Vec<(&'a str, Value<'a>)>;

/// `AnyValue`
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Value<'a> {
    #[default]
    Empty,
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
    Bytes(&'a [u8]),
    List(Vec<Value<'a>>),
    Map(Attributes<'a>),
}

/// `ResourceLogs`
#[derive(Debug, Default, PartialEq)]
pub(super) struct ResourceLogs<'a> {
    pub(super) attributes: Attributes<'a>,
    pub(super) scopes: Vec<ScopeLogs<'a>>,
}

/// `ScopeLogs`
#[derive(Debug, Default, PartialEq)]
pub(super) struct ScopeLogs<'a> {
    pub(super) name: &'a str,
    pub(super) version: &'a str,
    pub(super) attributes: Attributes<'a>,
    pub(super) dropped_attributes: u32,
    pub(super) records: Vec<Record<'a>>,
}

/// `LogRecord`
#[derive(Debug, Default, PartialEq)]
pub(super) struct Record<'a> {
    /// Nanoseconds, 0 for none.
    pub(super) time: u64,
    /// Nanoseconds, 0 for none.
    pub(super) observed: u64,
    pub(super) severity_number: i32,
    pub(super) severity_text: &'a str,
    pub(super) body: Value<'a>,
    pub(super) attributes: Attributes<'a>,
    pub(super) dropped_attributes: u32,
    pub(super) flags: u32,
    pub(super) trace_id: &'a [u8],
    pub(super) span_id: &'a [u8],
    pub(super) event_name: &'a str,
}
