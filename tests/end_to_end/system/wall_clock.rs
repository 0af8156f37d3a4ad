//! Processes whose wall clocks are set while clients are there, by libfaketime (Debian's package of that
//! name); where it is missing, that is said, and nothing is tested.

use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use serde_json::json;

use crate::harness::{
    Client, Gateway, Process, PusherApi, Tcp, WebSocket, Who,
    client::{Event, Refused, connect},
    eventually,
    files::TestFile,
    process::BINARY,
    servers::arguments,
    tokens::{SECRET, in_seconds, secret_flag, sign},
};

const HOUR: i64 = 3600;

/// Where distributions put the library.
const FOLDERS: [&str; 4] = [
    "/usr/lib/x86_64-linux-gnu/faketime",
    "/usr/lib/aarch64-linux-gnu/faketime",
    "/usr/lib64/faketime",
    "/usr/lib/faketime",
];

/// The wall clock of one process. Its other clocks go as everybody's.
struct WallClock {
    library: PathBuf,
    offset: TestFile,
}

impl WallClock {
    /// One that is right, if there is what it takes.
    fn find() -> Option<Self> {
        let libraries = FOLDERS.map(|folder| Path::new(folder).join("libfaketimeMT.so.1"));
        let Some(library) = libraries.into_iter().find(|library| library.exists()) else {
            // Past the harness, which keeps what tests that pass have printed.
            let line = "\nskipped: wall_clock: needs libfaketime\n";
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
            return None;
        };
        Some(Self { library, offset: TestFile::new("wall-clock", "+0\n") })
    }

    /// Starts a gateway that goes by it.
    fn gateway(&self, flags: &[&str]) -> Gateway {
        let any = "127.0.0.1:0".parse().unwrap();
        let mut all = vec![secret_flag(), "--jwt-leeway=0s".to_owned()];
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Gateway::listen([any; 3], all.clone(), self.start(&arguments([any; 3], &all)))
    }

    /// Starts a pusher-api that goes by it and is linked to this gateway.
    fn pusher_api(&self, gateway: &Gateway) -> PusherApi {
        let link = format!("--gateway=http://{}", gateway.operators);
        let flags =
            ["pusher-api", "--log-format=json", "--listen=127.0.0.1:0", "--insecure", &link];
        let flags = flags.map(str::to_owned).to_vec();
        let started = PusherApi::take(self.start(&flags), flags);
        started.await_ready();
        started
    }

    fn start(&self, arguments: &[String]) -> Process {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.offset.path())
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("NO_FAKE_STAT", "1");
        Process::spawn(command)
    }

    /// Sets it to so many seconds beside what is right.
    fn set(&self, seconds: i64) {
        self.offset.write(&format!("{seconds:+}\n"));
    }
}

/// A token that is valid from and until so many seconds from now by the right clock.
fn token(user: &str, from: i64, until: i64) -> Who {
    let claims = json!({ "sub": user, "nbf": in_seconds(from), "exp": in_seconds(until) });
    Who::Token(sign(&claims, SECRET))
}

fn is_taken(gateway: &Gateway, who: Who) -> bool {
    match Tcp::open(gateway, who) {
        Ok(_) => true,
        Err(Refused::Reason(reason)) if reason == "unauthorized" => false,
        Err(other) => panic!("{other:?}"),
    }
}

#[test]
fn tokens_end_by_the_wall_clock_and_valid_ones_stay() {
    let Some(clock) = WallClock::find() else { return };
    let gateway = clock.gateway(&[]);
    let mut valid = WebSocket::join(&gateway, token("valid", -10 * HOUR, 10 * HOUR));
    let mut web = WebSocket::join(&gateway, token("web", -10 * HOUR, HOUR));
    let mut tcp = Tcp::join(&gateway, token("tcp", -10 * HOUR, HOUR));
    let mut soon = Tcp::join(&gateway, token("soon", -10 * HOUR, 4));

    // Back: what was about to end does not.
    clock.set(-2 * HOUR);
    sleep(Duration::from_secs(5));
    soon.expect_alive();
    assert!(!is_taken(&gateway, token("early", -HOUR, HOUR)), "not valid yet");
    assert!(is_taken(&gateway, token("late", -10 * HOUR, -HOUR)), "still valid");

    // Right again: it ends at once, and nobody else.
    clock.set(0);
    soon.expect_bye("token_expired", 4401);
    assert!(is_taken(&gateway, token("early", -HOUR, HOUR)));
    assert!(!is_taken(&gateway, token("late", -10 * HOUR, -HOUR)));
    web.expect_alive();
    tcp.expect_alive();

    // Forward, beyond the end of two.
    clock.set(2 * HOUR);
    web.expect_bye("token_expired", 4401);
    tcp.expect_bye("token_expired", 4401);
    assert!(!is_taken(&gateway, token("tcp", -HOUR, HOUR)));
    valid.expect_alive();
    gateway.await_metric("holdfast_sessions_closed_total{reason=\"token_expired\"}", 3.0);
}

#[test]
fn deadlines_go_by_the_time_that_has_passed() {
    let Some(clock) = WallClock::find() else { return };
    let gateway = clock.gateway(&["--ping-interval=2s", "--handshake-timeout=4s"]);
    for seconds in [24 * HOUR, -24 * HOUR] {
        clock.set(0);
        let begun = Instant::now();
        let mut half = connect(gateway.http);
        half.write_all(b"GET /v1/ws HTTP/1.1\r\nHost: h\r\n").unwrap();
        let mut silent = Tcp::join(&gateway, token("silent", -100 * HOUR, 100 * HOUR));
        clock.set(seconds);

        // Asked once within one interval, and given up at the end of the next.
        assert_eq!(silent.line(), Event::Frame(json!({ "type": "ping" })));
        let Event::Frame(bye) = silent.line() else { panic!("no bye") };
        assert_eq!(bye["reason"], "ping_timeout");
        let silence = begun.elapsed();
        let mut answer = String::new();
        half.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
        let handshake = begun.elapsed();
        let bounds =
            |seconds: std::ops::Range<u64>, elapsed: Duration| seconds.contains(&elapsed.as_secs());
        assert!(bounds(1..12, silence) && bounds(3..12, handshake), "{silence:?} {handshake:?}");
    }
}

/// Pushes once, and says how many pushes were measured to take less than five seconds by then, and of
/// how many nothing is known.
fn push(gateway: &Gateway, pusher: &PusherApi, client: &mut Tcp) -> (f64, f64) {
    let counted = || {
        let shown = gateway.metrics();
        let count = shown.get("holdfast_push_latency_seconds_count");
        let within = shown.get("holdfast_push_latency_seconds_bucket{le=\"5\"}");
        assert_eq!(count, within, "no push takes that long");
        (within, shown.get("holdfast_push_latency_unknown_total"))
    };
    let before = counted();
    let push = json!({ "to": { "user": "u" }, "data": 1 });
    pusher.client.push(&push);
    client.expect("push");
    eventually("it is measured, or not", || Some(counted()).filter(|after| *after != before))
}

#[test]
fn a_push_takes_as_long_as_it_takes_whatever_the_clocks_show() {
    let (Some(ours), Some(theirs)) = (WallClock::find(), WallClock::find()) else { return };
    ours.set(HOUR);
    let gateway = ours.gateway(&[]);
    let pusher = theirs.pusher_api(&gateway);
    let mut client = Tcp::join(&gateway, token("u", -10 * HOUR, 10 * HOUR));
    let offset = || gateway.metrics().get("holdfast_link_clock_offset_seconds");
    let until_offset = |hours: i64| {
        let (about, what) = ((hours * HOUR) as f64, format!("{hours} hours apart"));
        eventually(&what, || ((offset() - about).abs() < 60.0).then_some(()));
    };
    until_offset(-1);
    assert_eq!(push(&gateway, &pusher, &mut client), (1.0, 0.0));

    // The gateway's own clock is set: nothing changes, not even for a moment.
    ours.set(-HOUR);
    assert_eq!(push(&gateway, &pusher, &mut client), (2.0, 0.0));
    until_offset(1);
    assert_eq!(push(&gateway, &pusher, &mut client), (3.0, 0.0));

    // The other one is set: the next exchange shows it.
    theirs.set(2 * HOUR);
    until_offset(3);
    assert_eq!(push(&gateway, &pusher, &mut client).0, 4.0);
    assert!(gateway.metrics().get("holdfast_link_round_trip_seconds") < 5.0);
}
