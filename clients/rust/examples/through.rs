//! How fast pushes get through to clients that are online: by this library, or by curl with one batch of the same
//! pushes. `python3 -m benches.clients` runs it.
//!
//! ```text
//! through client|curl TCP_ADDRESS API_URL API_KEY TOKENS_FILE PUSHES BATCH_FILE
//! ```
//!
//! Prints one line of JSON: the seconds from the first push to when the last one had arrived, and how many had.

use std::{
    error::Error,
    fs,
    io::{self, Write},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use holdfast_client::{Client, Counters, Push, To, blocking};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Semaphore,
};

/// After so long without a push, none is expected any more.
const PATIENCE: Duration = Duration::from_secs(10);

struct Plan {
    by: String,
    tcp: String,
    api: String,
    key: String,
    tokens: Vec<String>,
    pushes: u64,
    file: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = plan().ok_or("see what stands at the top of this program")?;
    let arrived = Arc::new(AtomicU64::new(0));
    listen(&plan, &arrived)?;
    if plan.by == "curl" {
        write_batch(&plan)?;
    }
    let begun = Instant::now();
    let counters = match plan.by.as_str() {
        "curl" => post(&plan).map(|()| None)?,
        _ => Some(push(&plan)?),
    };
    let sent = begun.elapsed();
    let (mut last, mut changed) = (0, Instant::now());
    while last < plan.pushes && changed.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(1));
        let now = arrived.load(Ordering::Relaxed);
        if now != last {
            (last, changed) = (now, Instant::now());
        }
    }
    let (sent, all) = (sent.as_secs_f64(), changed.duration_since(begun).as_secs_f64());
    let requests = counters.map_or(1, |counters| counters.failed_requests);
    println!(
        r#"{{"arrived":{last},"seconds":{all},"sent_seconds":{sent},"failed_requests":{requests}}}"#
    );
    Ok(())
}

fn plan() -> Option<Plan> {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next();
    let (by, tcp, api, key) = (next()?, next()?, next()?, next()?);
    let tokens = fs::read_to_string(next()?).ok()?.lines().map(str::to_owned).collect();
    Some(Plan { by, tcp, api, key, tokens, pushes: next()?.parse().ok()?, file: next()? })
}

/// Opens a session for each token, and counts what comes on a thread of its own.
fn listen(plan: &Plan, arrived: &Arc<AtomicU64>) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (tcp, tokens, arrived) = (plan.tcp.clone(), plan.tokens.clone(), Arc::clone(arrived));
    let (open, all) = (Arc::new(Semaphore::new(0)), u32::try_from(plan.tokens.len())?);
    let opened = Arc::clone(&open);
    thread::spawn(move || {
        runtime.block_on(async {
            for token in tokens {
                tokio::spawn(hear(tcp.clone(), token, Arc::clone(&opened), Arc::clone(&arrived)));
            }
            std::future::pending::<()>().await;
        });
    });
    let waiting = tokio::runtime::Builder::new_current_thread().build()?;
    waiting.block_on(open.acquire_many(all))?.forget();
    Ok(())
}

async fn hear(
    tcp: String,
    token: String,
    opened: Arc<Semaphore>,
    arrived: Arc<AtomicU64>,
) -> io::Result<()> {
    let mut socket = BufReader::with_capacity(64 * 1024, TcpStream::connect(tcp).await?);
    let connect = format!("{{\"type\":\"connect\",\"token\":\"{token}\"}}\n");
    socket.write_all(connect.as_bytes()).await?;
    let mut line = Vec::new();
    while socket.read_until(b'\n', &mut line).await? > 0 {
        if line.starts_with(b"{\"type\":\"push\"") {
            arrived.fetch_add(1, Ordering::Relaxed);
        } else if line.starts_with(b"{\"type\":\"hello\"") {
            opened.add_permits(1);
        } else if line.starts_with(b"{\"type\":\"ping\"") {
            socket.write_all(b"{\"type\":\"pong\"}\n").await?;
        }
        line.clear();
    }
    Ok(())
}

fn pushes(plan: &Plan) -> impl Iterator<Item = Push> {
    let users: Vec<_> = (0..plan.tokens.len()).map(|number| format!("u{number}")).collect();
    (0..plan.pushes).map(move |number| {
        let user = &users[number as usize % users.len()];
        Push::json(To::User(user), &("hello", number)).expect("JSON")
    })
}

fn push(plan: &Plan) -> Result<Counters, Box<dyn Error>> {
    let builder =
        Client::builder(&plan.api).api_key(&plan.key).queue(usize::MAX / 2, usize::MAX / 2);
    let client = blocking::Client::start(builder)?;
    for push in pushes(plan) {
        client.push(push)?;
    }
    Ok(client.close())
}

/// The same pushes, ids included.
fn write_batch(plan: &Plan) -> io::Result<()> {
    let mut file = io::BufWriter::new(fs::File::create(&plan.file)?);
    for number in 0..plan.pushes {
        let (user, id) = (number as usize % plan.tokens.len(), uuid::Uuid::now_v7());
        writeln!(file, r#"{{"to":{{"user":"u{user}"}},"data":["hello",{number}],"id":"{id}"}}"#)?;
    }
    file.flush()
}

fn post(plan: &Plan) -> Result<(), Box<dyn Error>> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--fail",
        "--request",
        "POST",
        "--header",
        "content-type: application/x-ndjson",
    ]);
    curl.arg("--header").arg(format!("authorization: Bearer {}", plan.key));
    curl.args(["--header", "expect:", "--upload-file", &plan.file]);
    let status = curl.arg(format!("{}/v1/push/batch", plan.api)).stdout(Stdio::null()).status()?;
    if status.success() { Ok(()) } else { Err(format!("curl: {status}").into()) }
}
