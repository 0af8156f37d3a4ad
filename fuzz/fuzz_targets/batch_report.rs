//! Feeds bytes to `parsers::batch_report`.
#![no_main]
#![allow(dead_code, unused_imports, reason = "each target uses one of the parsers")]

#[path = "../parsers/mod.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|data: &[u8]| parsers::batch_report(data));
