//! Which machine a run is on.

use std::fs;

/// What tells this boot of this machine from others, whichever namespace asks.
pub(crate) fn identity() -> String {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}
