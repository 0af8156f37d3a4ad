//! A control group with too little memory, of whichever version this machine has.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::Duration,
};

use serde_json::json;

use crate::{
    harness::{
        Client, Gateway, Process, PusherApi, Tcp, WebSocket, eventually, namespace::skip,
        process::BINARY, servers::arguments,
    },
    place::case,
    runs::{Diagnosis, Load},
};

const SESSIONS: u32 = 8000;
/// Slow enough for the gateway, which looks at its memory four times a second.
const RATE: &str = "--rate=4000";
const MIB: u64 = 1 << 20;
const RESERVE: u64 = 8 * MIB;

/// A control group of the case's own.
struct Group {
    path: PathBuf,
    limit: &'static str,
    current: &'static str,
    /// Whether the memory controller was passed on for it.
    passed_on: bool,
}

impl Group {
    fn new() -> Option<Self> {
        let version_1 = ("/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes");
        let version_2 = ("/sys/fs/cgroup", "memory.max", "memory.current");
        [version_1, version_2].into_iter().find_map(|(top, limit, current)| {
            let path = Path::new(top).join(format!("holdfast-lab-{}", std::process::id()));
            fs::create_dir(&path).ok()?;
            let mut group = Self { path, limit, current, passed_on: false };
            if !group.path.join(limit).exists() {
                // Version 2 has the file only where the controller is passed on.
                group.passed_on = fs::write(group.control(), "+memory").is_ok();
            }
            group.path.join(limit).exists().then_some(group)
        })
    }

    /// Where controllers are passed on to this group.
    fn control(&self) -> PathBuf {
        self.path.with_file_name("cgroup.subtree_control")
    }

    fn used(&self) -> u64 {
        fs::read_to_string(self.path.join(self.current)).unwrap().trim().parse().unwrap()
    }

    fn set_limit(&self, bytes: u64) {
        fs::write(self.path.join(self.limit), bytes.to_string()).unwrap();
    }

    fn start(&self, flags: &[&str]) -> Gateway {
        let any = "127.0.0.1:0".parse().unwrap();
        let flags: Vec<_> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let mut command = Command::new("sh");
        let script = format!("echo $$ > {}/cgroup.procs; exec \"$0\" \"$@\"", self.path.display());
        command.arg("-c").arg(script).arg(BINARY).args(arguments([any; 3], &flags));
        Gateway::listen([any; 3], flags, Process::spawn(command))
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // Its processes are gone; the kernel may need a moment to notice.
        let removed = (0..500).any(|_| {
            thread::sleep(Duration::from_millis(10));
            fs::remove_dir(&self.path).is_ok()
        });
        let back = !self.passed_on || fs::write(self.control(), "-memory").is_ok();
        if !removed || !back {
            eprintln!("{} could not be removed", self.path.display());
        }
    }
}

#[test]
fn sessions_are_refused_before_the_kernel_kills() {
    case("memory", &[], |home| {
        let Some(group) = Group::new() else {
            return skip("memory", "leave to make control groups with the memory controller");
        };
        let reserve = format!("--memory-reserve={}MiB", RESERVE / MIB);
        let gateway = group.start(&[&reserve]);
        let mut witness = WebSocket::join(&gateway, "witness");
        group.set_limit(group.used() + RESERVE + MIB);

        let address = gateway.http;
        let load = thread::scope(|scope| {
            let load =
                scope.spawn(move || Load::websockets(address, SESSIONS, &[RATE, "--hold=2s"]));
            eventually("not ready", || (gateway.get("/readyz").status == 503).then_some(()));
            load.join().unwrap()
        });
        load.assert_fails("HTTP status 503", "--memory-reserve");
        witness.expect_alive();
        let refused = "holdfast_handshakes_total{result=\"memory\",transport=\"websocket\"}";
        assert!(gateway.metrics().get(refused) > 0.0);
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        found.assert_names("memory cgroup", group.limit);
        found.assert_stopped_by("memory cgroup");
        assert_eq!(found.counter("cgroup_oom_kills"), 0);

        group.set_limit(found.limit("memory cgroup", "needed").as_u64().unwrap());
        eventually("ready again", || (gateway.get("/readyz").status == 200).then_some(()));
        Load::websockets(gateway.http, SESSIONS, &[RATE]).assert_passes();
        witness.expect_alive();
    });
}

const SMALL: u64 = 128 * MIB;
const HALF_FRAMES: usize = 3000;
const SLOW_READERS: usize = 800;
/// Pushes to each of those who read nothing, and their size: more than the kernel and the gateway
/// hold for one.
const PUSHES: usize = 30;
const PAYLOAD: usize = 10_000;

#[test]
fn a_small_gateway_survives_half_frames_and_slow_readers() {
    rlimit::increase_nofile_limit(1 << 14).unwrap();
    case("small gateway", &[], |home| {
        let Some(group) = Group::new() else {
            return skip(
                "small gateway",
                "leave to make control groups with the memory controller",
            );
        };
        group.set_limit(SMALL);
        let gateway = group.start(&["--close-timeout=1s"]);
        let pusher = PusherApi::start(&[&gateway], &[]);
        let mut witness = WebSocket::join(&gateway, "witness");
        let mut pushed = 0;
        let mut served = |witness: &mut WebSocket| {
            pusher.client.push(&json!({ "to": { "user": "witness" }, "data": pushed }));
            assert_eq!(witness.expect("push")["data"], pushed);
            pushed += 1;
        };

        let begun = Tcp::wire(&json!({ "type": "ping", "x": "x".repeat(60_000) }).to_string());
        let mut crowd = Vec::new();
        for number in 0..HALF_FRAMES {
            // With little memory left newcomers are refused, as they should be.
            if let Ok((client, _)) = Tcp::open(&gateway, format!("half-{number}").as_str()) {
                // It may have been closed for the others already.
                let _ = (&mut client.socket()).write_all(&begun[..60_000]);
                crowd.push(client);
            }
            if number % 200 == 0 {
                served(&mut witness);
            }
        }
        served(&mut witness);
        crowd.clear();
        gateway.await_metric("holdfast_users", 1.0);

        let mut slow = Vec::new();
        for number in 0..SLOW_READERS {
            slow.extend(WebSocket::open(&gateway, format!("slow-{number}").as_str()).ok());
        }
        assert!(slow.len() > SLOW_READERS / 2, "{} came in", slow.len());
        let payload = "x".repeat(PAYLOAD);
        for _ in 0..PUSHES {
            let mut batch = String::new();
            for number in 0..SLOW_READERS {
                let to = json!({ "user": format!("slow-{number}") });
                batch += &format!("{}\n", json!({ "to": to, "data": payload }));
            }
            pusher.client.batch(batch.as_bytes());
            served(&mut witness);
        }
        let found = Diagnosis::of(home, &gateway, SESSIONS, &[]);
        assert_eq!(found.counter("cgroup_oom_kills"), 0);
        let metrics = gateway.metrics();
        for class in ["incomplete", "outbound"] {
            let name = format!("holdfast_memory_given_up_total{{class=\"{class}\"}}");
            assert!(metrics.get(&name) >= 1.0, "{class}");
        }
        drop(slow);
    });
}
