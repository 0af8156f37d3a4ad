//! How many sockets a process may have.

/// Raises the soft limit to the hard one and says what it is now.
pub(crate) fn raise_descriptor_limit() -> u64 {
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1024)
}
