//! Every limit that stops sessions, hit for real: a gateway and `stress` in a network namespace of
//! their own run into it; the gateway has to survive and to count it, `doctor` and `stress` have
//! to name it; the fix is applied, and the same run has to pass.
//!
//! Needs root and some programs, and for settings of the whole machine, which others on it would
//! feel, LIMITS_LAB=machine; what is missing is said, and the case is skipped. [`place`] makes
//! the namespaces, [`kept`] puts settings back, [`runs`] starts `stress` and `doctor`.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

#[allow(
    dead_code,
    unused_imports,
    reason = "shared with the end-to-end tests, which use all of it"
)]
#[path = "../end_to_end/harness/mod.rs"]
mod harness;

mod kept;
mod place;
mod runs;

mod accept_queue;
mod buffers;
mod conntrack;
mod descriptors;
mod memory;
mod open_files;
mod ports;
