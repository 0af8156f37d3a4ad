//! How long the two ends of a link wait for each other.

use std::time::Duration;

/// An idle end of a link says that it is still there this often.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(2);
/// A gateway that says nothing for so long is lost.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// How long connecting and the first exchange may take each.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(3);
