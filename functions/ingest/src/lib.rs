//! The Lambda that takes pushes.
