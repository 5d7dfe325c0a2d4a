//! The Lambda that drops what is expired and collects garbage.
