//! What may stand in the file of a store.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
    time::Duration,
};

use bytes::Bytes;
use protocol::{
    Device, MessageId, Topic, UserId,
    kept::{Log, Place},
};
use store::{
    contract::{
        Acknowledged, AppendError, From, KeptPayload, KeptPush, Room, Store as _, StoreError,
    },
    sqlite::{Settings, SqliteStore},
};
use uuid::Uuid;

/// A directory that goes when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("holdfast-fuzz-{}", Uuid::new_v4()));
        fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    fn settings(&self) -> Settings {
        Settings { kept_bytes: Some(1 << 30), ..Settings::new(&self.0) }
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _is_left = fs::remove_dir_all(&self.0);
    }
}

/// A store's file with bytes changed, three an edit: where, in two bytes, and what stands there then. It is not
/// opened, or whatever is asked of it has an answer.
pub(crate) fn store_files(bytes: &[u8]) {
    static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
    let mut file = WHOLE.get_or_init(|| in_runtime(whole_file())).clone();
    for edit in bytes.chunks_exact(3) {
        let place = usize::from(u16::from_be_bytes([edit[0], edit[1]]));
        let length = file.len();
        file[place % length] = edit[2];
    }
    let directory = Directory::new();
    fs::write(directory.settings().file(), &file).expect("a file");
    let Ok(store) = SqliteStore::open(directory.settings()) else { return };
    in_runtime(ask_everything(&store));
    store.close();
    assert!(is_there(&directory.settings().file()), "the file is kept");
}

fn is_there(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|file| file.len() > 0)
}

fn in_runtime<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(work)
}

const ROOM: Room = Room { messages: 100, bytes: 1 << 20 };

fn user() -> UserId {
    UserId::new("u").expect("a name")
}

fn logs() -> [Log; 3] {
    let other = UserId::new("other").expect("a name");
    let topic = Topic::new("t").expect("a name");
    [Log::User(user()), Log::Topic(topic), Log::User(other)]
}

fn push(logs: &[Log], collapse_key: Option<&str>) -> KeptPush {
    KeptPush {
        id: MessageId::generate(),
        origin: None,
        logs: logs.to_vec(),
        payload: KeptPayload::Json(Bytes::from_static(b"{\"a\":1}")),
        collapse_key: collapse_key.map(Into::into),
        ttl: Duration::from_secs(3600),
    }
}

async fn whole_file() -> Vec<u8> {
    let directory = Directory::new();
    let store = SqliteStore::open(directory.settings()).expect("a store");
    let device = Device::new("d").ok();
    store.begin(user(), device, None, ROOM).await.expect("a page");
    for key in [None, Some("k"), None] {
        store.append(push(&logs()[..2], key)).await.expect("it is kept");
    }
    store.close();
    fs::read(directory.settings().file()).expect("a file")
}

async fn ask_everything(store: &SqliteStore) {
    for log in logs() {
        let page = answered(store.read(log.clone(), From::Start, ROOM).await);
        let place = page.map_or(Place::START, |page| page.through);
        answered(store.read(log.clone(), From::After(place), ROOM).await);
        answered(store.standing(log.clone()).await);
        let kept = store.append(push(std::slice::from_ref(&log), Some("k"))).await;
        if let Err(AppendError::Store(error)) = kept {
            answered::<()>(Err(error));
        }
        let device = Device::new("d").ok();
        answered(store.begin(user(), device.clone(), Some(place), ROOM).await);
        let acknowledged = Acknowledged { user: user(), device, place };
        answered(store.acknowledge(vec![acknowledged]).await);
        answered(store.changed_since(None).await);
        answered(store.forget(log).await);
    }
}

/// What was answered; that something inside has panicked is none.
fn answered<T>(answer: Result<T, StoreError>) -> Option<T> {
    match answer {
        Err(StoreError::Away(reason)) => {
            assert!(!reason.contains("inside"), "{reason}");
            None
        }
        Ok(answer) => Some(answer),
    }
}
