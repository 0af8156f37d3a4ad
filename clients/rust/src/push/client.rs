//! A client: where pushes go in.

use std::{fmt, future::Future, sync::Arc};

use tokio::{
    runtime::Handle,
    sync::watch::{Receiver, Sender, channel},
    time::timeout,
};
use uuid::Uuid;

use super::{
    connection::Connection,
    counters::{Counters, add},
    exchange::Exchange,
    lane::{ALL, Lane},
    message::{Finished, Push},
    queue::Entry,
    settings::Settings,
    shared::Shared,
    target::Target,
};

/// The longest line that pusher-api takes, in bytes.
const LONGEST_LINE: usize = 2 << 20;

/// Why a push was not taken into the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotQueued {
    /// So many wait already, or so much; it is counted.
    #[error("the queue is full")]
    Full,
    /// No pusher-api takes a push of more than 2 MiB.
    #[error("the push has more than 2 MiB")]
    TooLong,
    /// The client was closed, or its runtime is gone.
    #[error("the client is closed")]
    Closed,
}

/// Pushes without waiting: what is pushed is queued in memory, and sent in the background.
///
/// A clone is the same client. Once the last one is dropped without [`Client::close`], or the
/// runtime is gone, what has not been answered is given up, and told so.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    shared: Arc<Shared>,
    /// Of each connection, the number before which every push is settled.
    settled: Vec<Receiver<u64>>,
    stop: Sender<bool>,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop.send_replace(true);
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("counters", &self.counters()).finish_non_exhaustive()
    }
}

impl Client {
    /// Sends in the background of a runtime.
    pub(super) fn start(runtime: &Handle, target: &Target, settings: Settings) -> Self {
        let shared = Arc::new(Shared::new(settings));
        let (stop, stopped) = channel(false);
        let lanes = shared.queues.iter().map(|queue| {
            let (settling, settled) = channel(0);
            let connection = Connection::new(target.clone(), shared.settings.answer_within);
            let (shared, queue) = (Arc::clone(&shared), Arc::clone(queue));
            let lane = Lane::new(shared, queue, Exchange::new(connection), settling);
            runtime.spawn(lane.run(stopped.clone()));
            settled
        });
        let settled = lanes.collect();
        Self(Arc::new(Inner { shared, settled, stop }))
    }

    /// Queues a push, and returns at once with its id.
    ///
    /// # Errors
    /// The queue is full, the push is too long, or the client is closed.
    pub fn push(&self, push: Push) -> Result<Uuid, NotQueued> {
        let shared = &self.0.shared;
        let finished = push.finish(Uuid::now_v7);
        let Finished { line, recipient, id, .. } = &finished;
        let (id, length) = (*id, line.len());
        if length > LONGEST_LINE {
            return Err(NotQueued::TooLong);
        }
        let bytes = Entry::bytes_of(recipient, length);
        if !shared.room.take(bytes) {
            add(&shared.tallies.full, 1);
            return Err(NotQueued::Full);
        }
        let lane = recipient.lane(shared.queues.len());
        if !shared.queues[lane].push(finished) {
            shared.room.give_back(1, bytes);
            return Err(NotQueued::Closed);
        }
        Ok(id)
    }

    /// Waits until the fate of everything that was queued before is known: accepted, or given up and told.
    pub async fn flush(&self) {
        let counts: Vec<_> = self.0.shared.queues.iter().map(|queue| queue.count()).collect();
        for (settled, count) in self.0.settled.iter().zip(counts) {
            // A runtime that is gone settles nothing more.
            let _ = settled.clone().wait_for(|settled| *settled >= count).await;
        }
    }

    /// Takes nothing more, has everything sent that is queued, and gives up what is left after
    /// [`Builder::close_within`](crate::Builder::close_within). What it says was counted over the client's life: where `given_up` is 0, everything
    /// was accepted.
    pub async fn close(&self) -> Counters {
        self.0.shared.queues.iter().for_each(|queue| queue.close());
        // What is left then is given up.
        let _ = timeout(self.0.shared.settings.close_within, self.flush()).await;
        self.0.stop.send_replace(true);
        self.ended().await;
        self.counters()
    }

    /// What became of pushes so far.
    pub fn counters(&self) -> Counters {
        self.0.shared.counters()
    }

    /// Waits until nothing is sent any more; does not keep the client alive.
    pub(crate) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        let lanes = self.0.settled.clone();
        async move {
            for mut settled in lanes {
                // A lane that is gone sends nothing any more.
                let _ = settled.wait_for(|settled| *settled == ALL).await;
            }
        }
    }
}
