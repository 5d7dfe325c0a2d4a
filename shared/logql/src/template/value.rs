//! [`Value`]: what a template computes with, and [`Type`], its name in Go.
//!
//! Values are small and copied; texts, lists and maps lie in the arena of one rendering or belong
//! to the line. How values are printed is the business of `print`.

use super::time::Time;

/// A value. Integers of Go's `int` and `int64` differ, since functions refuse one for the other.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'a> {
    /// No value at all: what `nil` becomes once it runs through a pipeline.
    Nothing,
    Bool(bool),
    Int(i64),
    Int64(i64),
    /// One byte of a text, by `index`.
    Byte(u8),
    Float(f64),
    Text(&'a [u8]),
    Time(Time<'a>),
    /// All labels of the line, which are listed only when somebody looks.
    Labels,
    /// An object of JSON, sorted by key, each key once.
    Map(&'a [(&'a [u8], Value<'a>)]),
    List(&'a [Value<'a>]),
    /// An element of a map or list of JSON: Go's `interface {}`, which may hold nothing.
    Any(&'a Value<'a>),
}

/// What an element that does not exist refers to.
pub(super) const NOTHING: Value<'static> = Value::Nothing;

/// A kind of value, as parameters ask for it and complaints name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Nothing,
    Bool,
    Int,
    Int64,
    Byte,
    Float,
    Text,
    Time,
    Labels,
    Map,
    List,
    Any,
}

impl Type {
    /// As Go names it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nil",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Byte => "uint8",
            Self::Float => "float64",
            Self::Text => "string",
            Self::Time => "time.Time",
            Self::Labels => "map[string]string",
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
            Self::Any => "interface {}",
        }
    }
}

impl<'a> Value<'a> {
    /// Its type; for an element of a map or list that it is one.
    pub(super) fn kind(&self) -> Type {
        match self {
            Self::Nothing => Type::Nothing,
            Self::Bool(_) => Type::Bool,
            Self::Int(_) => Type::Int,
            Self::Int64(_) => Type::Int64,
            Self::Byte(_) => Type::Byte,
            Self::Float(_) => Type::Float,
            Self::Text(_) => Type::Text,
            Self::Time(_) => Type::Time,
            Self::Labels => Type::Labels,
            Self::Map(_) => Type::Map,
            Self::List(_) => Type::List,
            Self::Any(_) => Type::Any,
        }
    }

    /// What an element of a map or list holds, everything else itself.
    pub(super) fn plain(self) -> Self {
        match self {
            Self::Any(inner) => *inner,
            other => other,
        }
    }

    pub(super) fn is_nothing(self) -> bool {
        matches!(self.plain(), Self::Nothing)
    }

    /// The text, and none for other types; for functions that were given what they asked for.
    pub(super) fn text(self) -> &'a [u8] {
        match self.plain() {
            Self::Text(text) => text,
            _ => b"",
        }
    }

    /// The integer, and 0 for other types.
    pub(super) fn int(self) -> i64 {
        match self.plain() {
            Self::Int(int) | Self::Int64(int) => int,
            Self::Byte(byte) => i64::from(byte),
            _ => 0,
        }
    }
}
