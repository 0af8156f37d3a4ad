//! Memory of gateways, kernel and client, at its most.

use std::fmt;

use serde::Serialize;

use crate::{
    measurements::combined::combine,
    report::{numbers::mebibytes, record::Record},
};

/// The largest figures of the time line.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub(crate) struct MemoryReport {
    /// Sessions that the gateways say they held.
    pub gateway_sessions: Option<u64>,
    /// Their memory, in bytes of RSS.
    pub gateway_bytes: Option<u64>,
    /// What that grew by for each session.
    pub gateway_bytes_per_session: Option<f64>,
    /// What the kernel's memory grew by, in bytes: both ends of every connection on this machine.
    pub kernel_growth_bytes: u64,
    /// This client's, in bytes of RSS.
    pub client_bytes: u64,
}

impl MemoryReport {
    /// What the time lines of a record show.
    pub(crate) fn new(record: &Record) -> Self {
        let points = combine(&record.timelines);
        let known = points.iter().filter(|point| point.has_memory());
        let kernel = known.map(|point| point.kernel.total());
        let seen = || points.iter().filter_map(|point| point.gateways);
        let most = seen().max_by_key(|gateways| gateways.sessions);
        let growth = most.zip(seen().min_by_key(|gateways| gateways.sessions));
        let per_session = growth.filter(|(most, least)| most.sessions > least.sessions);
        Self {
            gateway_sessions: most.map(|gateways| gateways.sessions),
            gateway_bytes: seen().map(|gateways| gateways.memory).max(),
            // Too few sessions do not show beside what a gateway needs anyway.
            gateway_bytes_per_session: per_session.and_then(|(most, least)| {
                let bytes = most.memory.checked_sub(least.memory)? as f64;
                Some(bytes / (most.sessions - least.sessions) as f64)
            }),
            kernel_growth_bytes: kernel.clone().max().unwrap_or_default()
                - kernel.min().unwrap_or_default(),
            client_bytes: points.iter().map(|point| point.client).max().unwrap_or_default(),
        }
    }
}

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = mebibytes(self.kernel_growth_bytes);
        if let (Some(sessions), Some(bytes)) = (self.gateway_sessions, self.gateway_bytes) {
            write!(
                f,
                "gateways     up to {sessions} sessions, {:.1} MiB of RSS",
                mebibytes(bytes)
            )?;
            match self.gateway_bytes_per_session {
                Some(each) => writeln!(f, ", {each:.0} bytes more for each")?,
                None => writeln!(f)?,
            }
        }
        writeln!(
            f,
            "kernel       {kernel:.1} MiB between its least and its most (slab and sockets)"
        )
    }
}
