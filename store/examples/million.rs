//! What a million kept messages take, and how long their store takes to open: run by hand, in release.
//!
//! `cargo run --release -p store --example million -- DIRECTORY`

use std::{
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use bytes::Bytes;
use protocol::{MessageId, UserId, kept::Log};
use store::{
    contract::{KeptPayload, KeptPush, Store as _},
    sqlite::{Settings, SqliteStore},
};

const USERS: usize = 100_000;
const EACH: usize = 10;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let directory = env::args().nth(1).expect("a directory");
    let settings = Settings::new(Path::new(&directory).join("million"));
    let _was_not_there = fs::remove_dir_all(&settings.directory);
    let store = SqliteStore::open(settings.clone()).expect("a store");
    let name = |user: usize| Log::User(UserId::new(&format!("user-{user}")).expect("a name"));
    let logs: Vec<_> = (0..USERS).map(name).collect();
    let begun = Instant::now();
    for round in 0..EACH {
        for some in 0..USERS / 1000 {
            let push = KeptPush {
                id: MessageId::generate(),
                origin: None,
                // Never the same ones together.
                logs: (0..1000)
                    .map(|user| logs[(user * 100 + some * (round + 1)) % USERS].clone())
                    .collect(),
                payload: KeptPayload::Json(Bytes::from(vec![b'1'; 100])),
                collapse_key: None,
                ttl: Duration::from_secs(86_400),
            };
            store.append(push).await.expect("it is kept");
        }
    }
    println!("kept in {:?}", begun.elapsed());
    // As if it had been killed: its log is as it is.
    let begun = Instant::now();
    let second = SqliteStore::open(settings.clone()).expect("the same store");
    println!("opened beside itself in {:?}", begun.elapsed());
    second.close();
    store.close();
    let begun = Instant::now();
    let store = SqliteStore::open(settings.clone()).expect("the same store");
    let took = begun.elapsed();
    let messages = store.counters().messages.load(std::sync::atomic::Ordering::Relaxed);
    let bytes = fs::metadata(settings.file()).expect("a file").len();
    println!("{messages} messages opened in {took:?}; {} bytes each", bytes / messages.max(1));
}
