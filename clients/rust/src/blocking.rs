//! Pushing from a program that does not run on tokio.
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use holdfast_client::{Client, Push, To, blocking};
//!
//! let client = blocking::Client::start(Client::builder("http://127.0.0.1:8090"))?;
//! client.push(Push::json(To::User("demo"), &"hello")?)?;
//! let counters = client.close();
//! assert_eq!(counters.given_up, 0);
//! # Ok(())
//! # }
//! ```

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
};

use tokio::runtime::Handle;
use uuid::Uuid;

use crate::push::{self, BuildError, Builder, Counters, NotQueued, Push};

/// A [`Client`](crate::Client) with a thread of its own, which sends what is queued.
///
/// A clone is the same client. Once the last one is dropped without [`Client::close`], what has not been answered is given
/// up, and told so.
#[derive(Debug, Clone)]
pub struct Client {
    client: push::Client,
    runtime: Handle,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Client {
    /// Starts the client, and its thread.
    ///
    /// # Errors
    /// What was given to the builder is wrong, or there can be no thread.
    pub fn start(builder: Builder) -> Result<Self, BuildError> {
        let own = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let runtime = own.handle().clone();
        let client = builder.start(&runtime)?;
        let ended = client.ended();
        let thread = thread::Builder::new().name("holdfast-client".into());
        let thread = thread.spawn(move || own.block_on(ended))?;
        Ok(Self { client, runtime, thread: Arc::new(Mutex::new(Some(thread))) })
    }

    /// Queues a push, and returns at once with its id.
    ///
    /// # Errors
    /// The queue is full, the push is too long, or the client is closed.
    pub fn push(&self, push: Push) -> Result<Uuid, NotQueued> {
        self.client.push(push)
    }

    /// Waits until the fate of everything that was queued before is known. Panics on a thread of a tokio runtime,
    /// which has [`Client`](crate::Client).
    pub fn flush(&self) {
        self.runtime.block_on(self.client.flush());
    }

    /// Takes nothing more, has everything sent that is queued, gives up what is left after
    /// [`Builder::close_within`], and ends the thread. Panics on a thread of a tokio runtime, as
    /// [`flush`](Self::flush) does.
    pub fn close(&self) -> Counters {
        // Whoever closes it, too, waits here.
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            self.runtime.block_on(self.client.close());
            // It ends with the last connection, and has nothing to say.
            let _ = thread.join();
        }
        self.client.counters()
    }

    /// What became of pushes so far.
    pub fn counters(&self) -> Counters {
        self.client.counters()
    }
}
