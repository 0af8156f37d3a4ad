//! Six servers on free ports: three masters, and a replica of each.

use std::{
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::resp::{Connection, Value};

/// How many masters there are.
pub(crate) const MASTERS: usize = 3;
/// How long anything may take before a test fails.
const LIMIT: Duration = Duration::from_secs(60);

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A cluster, which ends with its test. Replica n + 3 is of master n at first.
pub(crate) struct Servers {
    servers: Vec<Server>,
    folder: PathBuf,
}

struct Server {
    port: u16,
    /// Where the servers talk with each other.
    bus: u16,
    process: Child,
}

impl Servers {
    pub(crate) fn start() -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("holdfast-cluster-{}-{count}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let servers =
            (0..2 * MASTERS).map(|number| Server::start(&folder.join(number.to_string())));
        let this = Self { servers: servers.collect(), folder };
        this.make_cluster();
        this
    }

    pub(crate) fn ports(&self) -> Vec<u16> {
        self.servers.iter().map(|server| server.port).collect()
    }

    pub(crate) fn index(&self, port: u16) -> usize {
        self.servers.iter().position(|server| server.port == port).unwrap()
    }

    pub(crate) fn ask(&self, server: usize, command: &str) -> Value {
        let answer = Connection::open(self.servers[server].port).and_then(|mut to| to.ask(command));
        answer.unwrap_or_else(|error| panic!("server {server}: {command}: {error}"))
    }

    /// What a server says of itself in a line of INFO, or of CLUSTER INFO.
    pub(crate) fn info(&self, server: usize, command: &str, name: &str) -> String {
        let text = self.ask(server, command).text();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.unwrap_or_default().to_string()
    }

    pub(crate) fn kill(&mut self, server: usize) {
        self.servers[server].process.kill().unwrap();
        self.servers[server].process.wait().unwrap();
    }

    pub(crate) fn signal(&self, server: usize, signal: Signal) {
        let pid = Pid::from_child(&self.servers[server].process);
        kill_process(pid, signal).unwrap();
    }

    fn make_cluster(&self) {
        let share = 16_384 / MASTERS;
        for server in 0..self.servers.len() {
            self.ask(server, &format!("CLUSTER SET-CONFIG-EPOCH {}", server + 1));
            let Server { port, bus, .. } = &self.servers[server];
            self.ask(0, &format!("CLUSTER MEET 127.0.0.1 {port} {bus}"));
        }
        for master in 0..MASTERS {
            let last = if master + 1 == MASTERS { 16_383 } else { (master + 1) * share - 1 };
            self.ask(master, &format!("CLUSTER ADDSLOTSRANGE {} {last}", master * share));
        }
        for server in 0..self.servers.len() {
            wait("the servers know each other", || {
                let is_ok = self.info(server, "CLUSTER INFO", "cluster_state") == "ok";
                is_ok && self.info(server, "CLUSTER INFO", "cluster_known_nodes") == "6"
            });
        }
        for master in 0..MASTERS {
            let id = self.ask(master, "CLUSTER MYID").text();
            wait("a replica takes its master", || {
                let answer = self.ask(master + MASTERS, &format!("CLUSTER REPLICATE {id}"));
                answer == Value::Text(b"OK".to_vec())
            });
        }
        for master in 0..MASTERS {
            self.wait_for_replica(master, master + MASTERS);
        }
    }

    /// Waits until a replica has what its master has, and everybody knows whose it is.
    pub(crate) fn wait_for_replica(&self, master: usize, replica: usize) {
        wait("a replica has what its master has", || {
            let offset = |server, name| self.info(server, "INFO replication", name);
            let is_up = offset(replica, "master_link_status") == "up";
            is_up && offset(master, "master_repl_offset") == offset(replica, "slave_repl_offset")
        });
        let id = self.ask(replica, "CLUSTER MYID").text();
        wait("everybody knows the replica", || {
            let alive = (0..self.servers.len()).filter(|server| self.is_alive(*server));
            alive.into_iter().all(|server| {
                let nodes = self.ask(server, "CLUSTER NODES").text();
                let line = nodes
                    .lines()
                    .find(|line| line.starts_with(&id))
                    .unwrap_or_default()
                    .to_string();
                line.contains("slave")
            })
        });
    }

    pub(crate) fn is_master(&self, server: usize) -> bool {
        self.info(server, "INFO replication", "role") == "master"
            && self.info(server, "CLUSTER INFO", "cluster_state") == "ok"
    }

    fn is_alive(&self, server: usize) -> bool {
        Connection::open(self.servers[server].port).is_ok()
    }
}

impl Server {
    /// Starts one, on other ports if somebody else was faster.
    fn start(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let mut tries = (0..10).filter_map(|_| Self::start_on(folder, free_port(), free_port()));
        let why =
            "redis-server does not start: install it (apt-get install redis-server, 7.0 or later)";
        tries
            .next()
            .unwrap_or_else(|| panic!("{why}\n{:?}", fs::read_to_string(folder.join("log"))))
    }

    fn start_on(folder: &Path, port: u16, bus: u16) -> Option<Self> {
        // It ends with the thread that started it, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "redis-server", "--bind", "127.0.0.1", "--save", ""]);
        command.args(["--port", &port.to_string(), "--cluster-port", &bus.to_string()]);
        command.args(["--cluster-enabled", "yes", "--cluster-node-timeout", "1000"]);
        command.args(["--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"]);
        command.args(["--enable-debug-command", "yes", "--appendonly", "no", "--hz", "100"]);
        let log = File::create(folder.join("log")).unwrap();
        command.current_dir(folder).stderr(log.try_clone().unwrap()).stdout(log);
        let process = command.spawn().expect("setpriv, of util-linux");
        let mut this = Self { port, bus, process };
        let mut has_ended = false;
        wait("redis-server starts", || {
            has_ended = this.process.try_wait().unwrap().is_some();
            has_ended || this.answers()
        });
        (!has_ended).then_some(this)
    }

    /// Whether it is this one that answers on its port.
    fn answers(&self) -> bool {
        let id = format!("process_id:{}\r\n", self.process.id());
        let answer = Connection::open(self.port).and_then(|mut to| to.ask("INFO server"));
        answer.is_ok_and(
            |answer| matches!(answer, Value::Text(text) if contains(&text, id.as_bytes())),
        )
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

/// A port that nobody has now, and no connection is given by the kernel.
fn free_port() -> u16 {
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    std::iter::repeat_with(|| fastrand::u16(10_000..32_000)).find(is_free).expect("it goes on")
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

pub(crate) fn wait(what: &str, mut is: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is() {
        assert!(begun.elapsed() < LIMIT, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(10));
    }
}
