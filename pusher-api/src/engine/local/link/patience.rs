//! How long the first exchange of a link may take; afterwards heartbeats count
//! ([`protocol::link::HEARTBEAT`]).

use std::time::Duration;

/// How long connecting and the first exchange may take each.
pub(super) const HANDSHAKE: Duration = Duration::from_secs(3);
