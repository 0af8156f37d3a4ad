//! A session of a worker, with its socket.

use client::Session;
use mio::net::TcpStream;

/// All that a session costs here while it is idle.
pub(super) struct Entry {
    pub(super) stream: TcpStream,
    pub(super) session: Session,
    pub(super) number: u32,
    /// When the session was due, in microseconds since the epoch.
    pub(super) due: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_session_costs_a_few_words() {
        // With the slab's own word, and two that mio's sockets have in debug builds; what else a
        // process needs is shared by all its sessions.
        assert!(size_of::<Entry>() + size_of::<usize>() <= 56);
    }
}
