//! Feeds bytes to `parsers::forwarded_requests`.
#![no_main]
#![allow(dead_code, unused_imports, reason = "each target uses one of the parsers")]

#[path = "../parsers/mod.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::forwarded_requests(data));
