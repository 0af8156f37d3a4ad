//! Every parser of foreign bytes over the seeds of its fuzz target (`fuzz/corpus`).

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

use std::{fs, path::Path};

#[path = "../../fuzz/parsers/mod.rs"]
mod parsers;

fn over_seeds(target: &str, parse: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        println!("{}", path.display());
        let seed = fs::read(&path).unwrap();
        // Cut short anywhere, too.
        (0..=seed.len()).for_each(|end| parse(&seed[..end]));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

macro_rules! targets {
    ($($target:ident),*) => {
        $(#[test]
        fn $target() {
            over_seeds(stringify!($target), parsers::$target);
        })*
    };
}

targets!(
    websocket_frames,
    tcp_lines,
    first_lines,
    first_messages,
    polls,
    posted_frames,
    request_heads,
    proxy_headers,
    forwarded_requests,
    client_frames,
    cursors,
    link_frames,
    push_body,
    store_files,
    stress_report,
    server_bytes,
    batch_report,
    kernel_text,
    tls_records,
    takeover_records,
    tokens
);
