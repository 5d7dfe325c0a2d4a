//! The Lambda that merges small segments into large ones.
