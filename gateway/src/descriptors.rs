//! The process's descriptors: as many as it may have, and room for them from the start.

use std::os::fd::AsFd;

use tracing::{info, warn};

/// The table is not grown beyond this in advance; 8 bytes each.
const LARGEST_TABLE: u64 = 1 << 20;

/// Raises the soft RLIMIT_NOFILE to the hard one and grows the descriptor table once.
///
/// In a threaded process each doubling of the table waits for an RCU grace period inside accept,
/// so it is better done before the first connection: duplicating a descriptor to a high number
/// makes room up to there (fcntl(2), F_DUPFD).
pub fn prepare() {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => return warn!(%error, "cannot raise RLIMIT_NOFILE"),
    };
    let highest = limit.min(LARGEST_TABLE).saturating_sub(1);
    let grown = i32::try_from(highest)
        .map_err(|_| rustix::io::Errno::MFILE)
        .and_then(|highest| rustix::io::fcntl_dupfd_cloexec(std::io::stderr().as_fd(), highest));
    match grown {
        Ok(_) => info!(limit, "descriptors ready"),
        Err(error) => warn!(%error, limit, "cannot grow the descriptor table in advance"),
    }
}
