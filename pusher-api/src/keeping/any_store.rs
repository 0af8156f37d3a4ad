//! The store that was chosen.

use protocol::{
    Device, UserId,
    kept::{Acknowledged, From, Log, Place},
};
use store::{
    contract::{
        AppendError, Appended, Changes, KeptPush, Page, Position, Room, Standing, Store, StoreError,
    },
    sqlite::{Counters, SqliteStore},
};
use uuid::Uuid;

/// One of the stores; a variant each.
#[derive(Clone)]
pub(crate) enum AnyStore {
    /// A file of this machine.
    Sqlite(SqliteStore),
}

impl AnyStore {
    /// Why nothing can be kept now, if that is so.
    pub(crate) fn trouble(&self) -> Option<String> {
        match self {
            Self::Sqlite(store) => store.trouble(),
        }
    }

    /// Ends in order: what waits is done. Blocks until then.
    pub(crate) fn close(&self) {
        match self {
            Self::Sqlite(store) => store.close(),
        }
    }

    /// What it has done, as far as it counts that.
    pub(crate) fn counters(&self) -> Option<&Counters> {
        match self {
            Self::Sqlite(store) => Some(store.counters()),
        }
    }
}

impl Store for AnyStore {
    fn id(&self) -> Uuid {
        match self {
            Self::Sqlite(store) => store.id(),
        }
    }

    async fn append(&self, push: KeptPush) -> Result<Appended, AppendError> {
        match self {
            Self::Sqlite(store) => store.append(push).await,
        }
    }

    async fn begin(
        &self,
        user: UserId,
        device: Option<Device>,
        after: Option<Place>,
        room: Room,
    ) -> Result<Page, StoreError> {
        match self {
            Self::Sqlite(store) => store.begin(user, device, after, room).await,
        }
    }

    async fn read(&self, log: Log, from: From, room: Room) -> Result<Page, StoreError> {
        match self {
            Self::Sqlite(store) => store.read(log, from, room).await,
        }
    }

    async fn acknowledge(&self, acknowledged: Vec<Acknowledged>) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(store) => store.acknowledge(acknowledged).await,
        }
    }

    async fn changed_since(&self, position: Option<Position>) -> Result<Changes, StoreError> {
        match self {
            Self::Sqlite(store) => store.changed_since(position).await,
        }
    }

    async fn forget(&self, log: Log) -> Result<u64, StoreError> {
        match self {
            Self::Sqlite(store) => store.forget(log).await,
        }
    }

    async fn standing(&self, log: Log) -> Result<Standing, StoreError> {
        match self {
            Self::Sqlite(store) => store.standing(log).await,
        }
    }
}
