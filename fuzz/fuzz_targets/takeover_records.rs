//! Feeds bytes to `parsers::takeover_records`.
#![no_main]
#![allow(dead_code, unused_imports, reason = "each target uses one of the parsers")]

#[path = "../parsers/mod.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::takeover_records(data));
