//! How either end of a link shows that it is alive, and when it takes the other for gone.

use std::time::Duration;

/// An end that has had nothing to write for this long writes a heartbeat.
pub const HEARTBEAT: Duration = Duration::from_secs(2);
/// An end from which nothing has come for this long is gone: four heartbeats were late or lost.
pub const SILENCE: Duration = Duration::from_secs(10);
