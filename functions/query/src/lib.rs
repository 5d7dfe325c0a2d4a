//! The Lambda that answers every read.
