//! Reads arbitrary text as a query; what is one is printed and laid out, and both texts must be the
//! same query again.
//!
//! `cargo +nightly fuzz run parse -- -dict=fuzz/parse.dict`, from `shared/logql`.

#![no_main]

use libfuzzer_sys::fuzz_target;
use narvi_logql::syntax::limits::MAX_QUERY_BYTES;
use narvi_logql::syntax::{parse, parse_selector, pretty};

fuzz_target!(|text: &str| {
    let _ = parse_selector(text);
    let query = match parse(text) {
        Ok(query) => query,
        Err(error) => {
            assert!(error.span().end as usize <= text.len());
            return;
        }
    };
    let printed = query.to_string();
    for text in [&printed, &pretty(&query)] {
        // Parentheses, escapes and indents may make a text too long to be a query.
        if text.len() < MAX_QUERY_BYTES {
            let again = parse(text).map(|query| query.to_string());
            assert_eq!(again.as_ref(), Ok(&printed), "{text}");
        }
    }
});
