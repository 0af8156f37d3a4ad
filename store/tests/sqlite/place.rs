//! A directory of a test's own, and what tests ask of a store.

use std::{
    env, fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bytes::Bytes;
use protocol::{
    Device, MessageId, Topic, UserId,
    kept::{Log, Place, Step},
};
use store::{
    contract::{Acknowledged, From, KeptPayload, KeptPush, Page, Room, Store as _},
    sqlite::{Settings, SqliteStore},
};
use uuid::Uuid;

/// A directory that goes when it is dropped.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let path = env::temp_dir().join(format!("holdfast-store-{}", Uuid::new_v4()));
        fs::create_dir(&path).expect("it works");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn settings(&self) -> Settings {
        Settings { kept_bytes: Some(1 << 40), ..Settings::new(&self.0) }
    }

    pub(crate) fn open(&self) -> SqliteStore {
        SqliteStore::open(self.settings()).expect("it works")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _is_left = fs::remove_dir_all(&self.0);
    }
}

pub(crate) const ALL: Room = Room { messages: 10_000, bytes: 1 << 30 };

pub(crate) fn user_id(name: &str) -> UserId {
    UserId::new(name).expect("a name")
}

pub(crate) fn user(name: &str) -> Log {
    Log::User(user_id(name))
}

pub(crate) fn topic(name: &str) -> Log {
    Log::Topic(Topic::new(name).expect("a name"))
}

pub(crate) fn device(name: &str) -> Option<Device> {
    Some(Device::new(name).expect("a name"))
}

/// A push that lives for an hour and says this text.
pub(crate) fn push(logs: &[Log], text: &str) -> KeptPush {
    KeptPush {
        id: MessageId::generate(),
        origin: None,
        logs: logs.to_vec(),
        payload: KeptPayload::Json(Bytes::from(format!("{text:?}"))),
        collapse_key: None,
        ttl: Duration::from_secs(3600),
    }
}

pub(crate) async fn keep(store: &SqliteStore, log: &Log, text: &str) -> Step {
    let appended = store.append(push(std::slice::from_ref(log), text)).await.expect("it works");
    appended.steps[0].expect("it works")
}

/// What a page says, without quotes.
pub(crate) fn texts(page: &Page) -> Vec<String> {
    let text = |payload: &KeptPayload| match payload {
        KeptPayload::Json(text) | KeptPayload::Base64(text) => {
            String::from_utf8_lossy(text).trim_matches('"').to_owned()
        }
    };
    page.messages.iter().map(|message| text(&message.payload)).collect()
}

pub(crate) async fn after(store: &SqliteStore, log: &Log, place: Place) -> Page {
    store.read(log.clone(), From::After(place), ALL).await.expect("it works")
}

pub(crate) async fn everything(store: &SqliteStore, log: &Log) -> Page {
    store.read(log.clone(), From::Start, ALL).await.expect("it works")
}

pub(crate) async fn acknowledge(
    store: &SqliteStore,
    name: &str,
    device: Option<Device>,
    place: Place,
) {
    let acknowledged = Acknowledged { user: user_id(name), device, place };
    store.acknowledge(vec![acknowledged]).await.expect("it works");
}
