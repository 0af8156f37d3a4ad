//! What another gateway process says at a takeover.

/// What is read of it is what was written.
pub(crate) fn takeover_records(bytes: &[u8]) {
    gateway::internals::takeover_records(bytes);
}
