//! What the SQLite store does in a second, on this machine: run by hand, in release.
//!
//! `cargo run --release -p store --example throughput -- DIRECTORY [USERS] [SECONDS] [AT_ONCE]`

use std::{
    env, fs,
    path::Path,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures::{StreamExt as _, stream::FuturesUnordered};
use protocol::{
    MessageId, UserId,
    kept::{Log, Place},
};
use store::{
    contract::{Acknowledged, From, KeptPayload, KeptPush, Room, Store as _},
    sqlite::{Settings, SqliteStore},
};

const ROOM: Room = Room { messages: 100, bytes: 1 << 20 };

struct Load {
    store: SqliteStore,
    users: Vec<UserId>,
    seconds: Duration,
    at_once: usize,
}

/// What is done again and again.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Doing {
    Begin,
    Append,
    AppendAndAcknowledge,
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let number = |index: usize, or: u64| {
        arguments.get(index).map_or(or, |text| text.parse().expect("a number"))
    };
    let directory = Path::new(arguments.first().expect("a directory")).join("throughput");
    let _was_not_there = fs::remove_dir_all(&directory);
    let (users, at_once) = (number(1, 18_000), number(3, 2_000) as usize);
    let seconds = Duration::from_secs(number(2, 10));
    let users = (0..users).map(|user| UserId::new(&format!("user-{user}")).expect("a name"));
    let users = users.collect();
    let store = SqliteStore::open(Settings::new(&directory)).expect("a store");
    let load = Load { store, users, seconds, at_once };
    load.begin_all().await;
    for doing in [Doing::AppendAndAcknowledge, Doing::Append, Doing::Begin] {
        load.run(doing).await;
    }
    let held = load.held();
    let begun = Instant::now();
    load.acknowledge_all().await;
    println!("{held} messages acknowledged by their users in {:?}", begun.elapsed());
    load.run(Doing::Begin).await;
    load.run(Doing::Append).await;
    let Load { store, .. } = load;
    let messages = store.counters().messages.load(Ordering::Relaxed);
    store.close();
    let length = fs::metadata(directory.join("holdfast.sqlite")).expect("a file").len();
    println!("{messages} messages in {length} bytes: {} each", length / messages.max(1));
    let begun = Instant::now();
    SqliteStore::open(Settings::new(&directory)).expect("a store").close();
    println!("opened and closed in {:?}", begun.elapsed());
}

impl Load {
    /// Makes every user known.
    async fn begin_all(&self) {
        let begun = Instant::now();
        let begin = |user: &UserId| self.store.begin(user.clone(), None, None, ROOM);
        let mut all =
            futures::stream::iter(self.users.iter().map(begin)).buffer_unordered(self.at_once);
        while let Some(page) = all.next().await {
            page.expect("a page");
        }
        println!("{} users made known in {:?}", self.users.len(), begun.elapsed());
    }

    async fn run(&self, doing: Doing) {
        let (begun, processor) = (Instant::now(), processor());
        let (commits, bytes) = (self.commits(), written());
        let mut under_way = FuturesUnordered::new();
        let mut latencies = Vec::new();
        while begun.elapsed() < self.seconds {
            while under_way.len() < self.at_once {
                under_way.push(self.one(doing));
            }
            latencies.extend(under_way.next().await);
        }
        while let Some(latency) = under_way.next().await {
            latencies.push(latency);
        }
        let took = begun.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let at = |share: f64| latencies[(latencies.len() as f64 * share) as usize];
        let commits = self.commits() - commits;
        println!(
            "{doing:?}: {:.0}/s, each {:.1} µs of processor and {} bytes written, in {commits} commits; \
             took {:?} (median), {:?} (99 %)",
            latencies.len() as f64 / took,
            (crate::processor() - processor).as_micros() as f64 / latencies.len() as f64,
            (written() - bytes) / latencies.len() as u64,
            at(0.5),
            at(0.99),
        );
    }

    async fn one(&self, doing: Doing) -> Duration {
        let begun = Instant::now();
        let user = self.users[fastrand::usize(..self.users.len())].clone();
        if doing == Doing::Begin {
            self.store.begin(user, None, None, ROOM).await.expect("a page");
            return begun.elapsed();
        }
        let place = self.append(&user).await;
        let took = begun.elapsed();
        if doing == Doing::AppendAndAcknowledge {
            let acknowledged = Acknowledged { user, device: None, place };
            self.store.acknowledge(vec![acknowledged]).await.expect("an answer");
        }
        took
    }

    async fn append(&self, user: &UserId) -> Place {
        let push = KeptPush {
            id: MessageId::generate(),
            origin: None,
            logs: vec![Log::User(user.clone())],
            payload: KeptPayload::Json(Bytes::from(vec![b'1'; 100])),
            collapse_key: None,
            ttl: Duration::from_secs(86_400),
        };
        let appended = self.store.append(push).await.expect("it is kept");
        appended.steps[0].expect("it is new").place
    }

    /// Has every user acknowledge all there is.
    async fn acknowledge_all(&self) {
        let end = self.store.read(Log::User(self.users[0].clone()), From::Now, ROOM).await;
        let place = end.expect("a page").through;
        let one = |user: &UserId| {
            let acknowledged = Acknowledged { user: user.clone(), device: None, place };
            self.store.acknowledge(vec![acknowledged])
        };
        let mut all =
            futures::stream::iter(self.users.iter().map(one)).buffer_unordered(self.at_once);
        while let Some(answer) = all.next().await {
            answer.expect("an answer");
        }
    }

    fn held(&self) -> u64 {
        self.store.counters().messages.load(Ordering::Relaxed)
    }

    fn commits(&self) -> u64 {
        self.store.counters().commits.load(Ordering::Relaxed)
    }
}

/// Processor time of this process.
fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Bytes that this process has written.
fn written() -> u64 {
    let io = fs::read_to_string("/proc/self/io").expect("Linux");
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).expect("a line");
    line.parse().expect("a number")
}
