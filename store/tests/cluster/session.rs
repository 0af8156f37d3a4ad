//! Sessions, pushes and a cluster whose masters die, for the tests of failovers.

use std::time::Duration;

use bytes::Bytes;
use protocol::{
    MessageId, UserId,
    kept::{Gap, Gaps, Log, Place, Step},
};
use store::contract::{From, KeptPayload, KeptPush, Origin, Page, Room, Store};

use super::{
    model::{Limits, Most},
    store::{PARTITIONS, RedisStore},
};

pub(crate) const ALL: Room = Room { messages: 1000, bytes: 1 << 20 };

/// The interface's defaults.
pub(crate) const LIMITS: Limits = Limits {
    user: Most { messages: 1000, bytes: 1 << 20 },
    topic: Most { messages: 1000, bytes: 8 << 20 },
};

pub(crate) fn unknown() -> Gaps {
    Gaps::NONE.with(Gap::UnknownCursor)
}

pub(crate) fn open(seeds: Vec<u16>) -> RedisStore {
    RedisStore::open(seeds, "", PARTITIONS, LIMITS)
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

pub(crate) fn user(name: &str) -> Log {
    Log::User(UserId::new(name).unwrap())
}

pub(crate) fn push(log: &Log, text: &'static str) -> KeptPush {
    KeptPush {
        id: MessageId::generate(),
        origin: Some(Origin { scope: 1, content: 1 }),
        logs: vec![log.clone()],
        payload: KeptPayload::Json(Bytes::from_static(text.as_bytes())),
        collapse_key: None,
        ttl: Duration::from_secs(3600),
    }
}

pub(crate) fn keep(store: &RedisStore, log: &Log, text: &'static str) -> Step {
    block_on(store.append(push(log, text))).unwrap().steps[0].unwrap()
}

pub(crate) fn after(store: &RedisStore, log: &Log, place: Place) -> Page {
    block_on(store.read(log.clone(), From::After(place), ALL)).unwrap()
}

pub(crate) fn texts(page: &Page) -> Vec<String> {
    let text = |payload: &KeptPayload| match payload {
        KeptPayload::Json(bytes) | KeptPayload::Base64(bytes) => {
            String::from_utf8_lossy(bytes).into_owned()
        }
    };
    page.messages.iter().map(|message| text(&message.payload)).collect()
}
