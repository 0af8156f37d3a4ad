//! The store as those who ask see it.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use parking_lot::Mutex;
use protocol::{
    Device, UserId,
    kept::{Log, Place},
};
use tokio::sync::oneshot;
use uuid::Uuid;

use super::{
    acknowledging::Acknowledging,
    appending::Appending,
    beginning::Beginning,
    changes,
    counters::Counters,
    failure::{self, OpenError},
    forgetting::Forgetting,
    opening, pages,
    queue::{Bounds, Queue, Refused},
    reader::{self, Question},
    reading::{self, Begun, Session},
    settings::Settings,
    shared::Shared,
    snapshot::Snapshot,
    work::{Answered, Asked, Task, Work},
    writer::Writer,
};
use crate::contract::{
    Acknowledged, AppendError, Appended, Changes, From, KeptPayload, KeptPush, Page, Position,
    Room, Standing, Store, StoreError,
};

/// Threads that read.
const READERS: usize = 2;
/// What may wait to be written.
const WRITES: Bounds = Bounds { items: 65_536, bytes: 128 << 20 };
/// What may wait to be read.
const READS: Bounds = Bounds { items: 65_536, bytes: 64 << 20 };
/// What an item that waits is taken to cost beside what it says, in bytes.
const ITEM: usize = 512;

/// A store that is one SQLite file.
#[derive(Clone)]
pub struct SqliteStore {
    inside: Arc<Inside>,
}

struct Inside {
    id: Uuid,
    shared: Arc<Shared>,
    writes: Arc<Queue<Box<dyn Work>>>,
    reads: Arc<Queue<Question>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl SqliteStore {
    /// Opens the file in the directory, or makes one.
    ///
    /// # Errors
    /// The file cannot be used, and is as it was.
    pub fn open(settings: Settings) -> Result<Self, OpenError> {
        let opened = opening::open(&settings)?;
        let shared = Arc::new(Shared::new(settings, opened.totals.clock as u64));
        let totals = opened.totals;
        shared.counters.hold(totals.messages, totals.bytes, totals.topics);
        let (writes, reads) = (Queue::new(WRITES), Queue::new(READS));
        let writer = Writer::new(shared.clone(), writes.clone());
        let inside = Inside { id: opened.store, shared, writes, reads, threads: Mutex::default() };
        inside.start("store writer", move || writer.run(Some(opened.connection)))?;
        for _ in 0..READERS {
            let (shared, reads) = (inside.shared.clone(), inside.reads.clone());
            inside.start("store reader", move || reader::run(&shared, &reads))?;
        }
        Ok(Self { inside: Arc::new(inside) })
    }

    /// Ends in order: what waits is done, later questions are refused, and the file needs no mending. Waits for that.
    pub fn close(&self) {
        self.inside.end();
        let threads = std::mem::take(&mut *self.inside.threads.lock());
        for thread in threads {
            let _panics_are_caught = thread.join();
        }
    }

    /// From now on, its clock is so much later: for tests of what takes long.
    pub fn advance(&self, by: Duration) {
        self.inside.shared.advance(by);
    }

    /// Why nothing can be kept now.
    pub fn trouble(&self) -> Option<String> {
        self.inside.shared.trouble()
    }

    /// What it has done and holds.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.inside.shared.counters
    }

    async fn write<T: Task + 'static>(&self, task: T, bytes: usize) -> Answered<T::Answer> {
        let (asker, answer) = oneshot::channel();
        let work: Box<dyn Work> = Box::new(Asked::new(task, asker));
        let _ticket = self.inside.writes.put(work, ITEM + bytes).map_err(refused)?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }

    async fn ask<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Snapshot<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answered<T> {
        let (asker, answer) = oneshot::channel();
        let question: Question = Box::new(move |snapshot| {
            if asker.is_closed() {
                return;
            }
            let answer = match snapshot {
                Ok(snapshot) => read(snapshot).map_err(|error| failure::describe(&error)),
                Err(reason) => Err(reason.to_owned()),
            };
            let _gone = asker.send(answer.map_err(StoreError::Away));
        });
        let _ticket = self.inside.reads.put(question, ITEM).map_err(refused)?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

impl Store for SqliteStore {
    fn id(&self) -> Uuid {
        self.inside.id
    }

    async fn append(&self, push: KeptPush) -> Result<Appended, AppendError> {
        let (KeptPayload::Json(payload) | KeptPayload::Base64(payload)) = &push.payload;
        let bytes = payload.len() + push.logs.len() * ITEM;
        self.write(Appending::new(push), bytes).await?
    }

    async fn begin(
        &self,
        user: UserId,
        device: Option<Device>,
        after: Option<Place>,
        room: Room,
    ) -> Result<Page, StoreError> {
        let session = Session { user, device, after, room };
        let asked = session.clone();
        match self.ask(move |snapshot| reading::begin(snapshot, &asked)).await? {
            Begun::Page(page) => return Ok(page),
            Begun::IsNews => {}
        }
        let Session { user, device, after, .. } = session.clone();
        let is_new = self.write(Beginning { user, device, after }, 0).await?;
        self.ask(move |snapshot| reading::begun(snapshot, &session, is_new)).await
    }

    async fn read(&self, log: Log, from: From, room: Room) -> Result<Page, StoreError> {
        self.ask(move |snapshot| pages::read_log(snapshot, &log, from, room)).await
    }

    async fn acknowledge(&self, acknowledged: Vec<Acknowledged>) -> Result<(), StoreError> {
        let bytes = acknowledged.len() * size_of::<Acknowledged>();
        self.write(Acknowledging::new(acknowledged), bytes).await
    }

    async fn changed_since(&self, position: Option<Position>) -> Result<Changes, StoreError> {
        self.ask(move |snapshot| changes::since(snapshot, position.as_ref())).await
    }

    async fn forget(&self, log: Log) -> Result<u64, StoreError> {
        self.write(Forgetting::new(log), 0).await
    }

    async fn standing(&self, log: Log) -> Result<Standing, StoreError> {
        self.ask(move |snapshot| pages::standing(snapshot, &log)).await
    }
}

impl Inside {
    fn start(&self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), OpenError> {
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        self.threads.lock().push(thread);
        Ok(())
    }

    fn end(&self) {
        self.writes.close();
        self.reads.close();
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.end();
    }
}

fn refused(refused: Refused) -> StoreError {
    let reason = match refused {
        Refused::Full => "more waits than it can take",
        Refused::Closed => "it is closed",
    };
    StoreError::Away(reason.to_owned())
}

fn gone() -> StoreError {
    StoreError::Away("something went wrong inside it".to_owned())
}
