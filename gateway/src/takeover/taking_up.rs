//! Workers take up what the other process held.

use std::{sync::mpsc::Receiver, time::Instant};

use tracing::{info, warn};

use crate::{metrics::Metrics, worker::PATIENCE};

/// Waits for them.
pub(crate) struct TakingUp {
    told: Receiver<usize>,
    workers: usize,
    /// Since when nobody serves it.
    since: Instant,
}

impl TakingUp {
    /// So many workers say to `told` when they have, of what nobody has served since then.
    pub(super) fn new(told: Receiver<usize>, workers: usize, since: Instant) -> Self {
        Self { told, workers, since }
    }

    /// Waits until all have.
    pub(crate) fn wait(self, metrics: &Metrics) {
        let until = Instant::now() + PATIENCE;
        let left = || until.saturating_duration_since(Instant::now());
        let taken_up = (0..self.workers).map_while(|_| self.told.recv_timeout(left()).ok());
        let counts: Vec<_> = taken_up.collect();
        if counts.len() < self.workers {
            warn!("not all workers have taken up their sessions in time; it goes on meanwhile");
        }
        let (sessions, took) = (counts.iter().sum::<usize>(), self.since.elapsed());
        info!(sessions, ?took, "taken over");
        metrics.takeovers.sessions.set(i64::try_from(sessions).unwrap_or(i64::MAX));
        metrics.takeovers.seconds.set(took.as_secs_f64());
    }
}
