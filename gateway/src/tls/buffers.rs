//! Where records are put together and taken apart, for all connections of a thread.

use super::record::{MAX_EXTRA_BYTES, MAX_PLAIN_BYTES, MAX_RECORD_BYTES};

/// Ciphertext read at a time.
const READ_BYTES: usize = 64 * 1024;
/// Room for what the protocol says by itself in front of a record: tickets, new keys, alerts.
const OWN_BYTES: usize = 4096;

/// These places; they take memory from the first use on.
#[derive(Default)]
pub(crate) struct Buffers {
    /// What was read, behind what was incomplete before; or a record that is to be written.
    pub(super) cipher: Vec<u8>,
    /// Plaintext of many pieces that is to be one record.
    pub(super) plain: Vec<u8>,
}

const _: () = assert!(MAX_PLAIN_BYTES + MAX_EXTRA_BYTES + OWN_BYTES <= READ_BYTES);

impl Buffers {
    /// Has memory ready.
    pub(super) fn prepare(&mut self) {
        if self.cipher.is_empty() {
            self.cipher.resize(READ_BYTES + MAX_RECORD_BYTES, 0);
            self.plain.reserve_exact(MAX_PLAIN_BYTES);
        }
    }
}
