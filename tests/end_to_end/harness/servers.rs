//! `holdfast gateway` and `holdfast pusher-api` on ports the system chose.

use std::{
    net::{Ipv4Addr, SocketAddr},
    process::ExitStatus,
    sync::atomic::{AtomicU16, Ordering},
};

use rustix::process::Signal;
use serde_json::Value;

use super::{
    http::{Answer, Http},
    metrics::Metrics,
    process::Process,
    tunnel::{PROXY_FLAGS, certificate_flags, is_passed_on, is_sealed, tunnel},
    wait::eventually,
};

/// A running gateway.
pub(crate) struct Gateway {
    /// The process.
    pub process: Process,
    /// Where clients reach it over HTTP.
    pub http: SocketAddr,
    /// Where clients reach it over TCP.
    pub tcp: SocketAddr,
    /// Where operators and pusher-apis reach it.
    pub operators: SocketAddr,
    /// Where clients reach it over HTTP and over TCP with TLS, where they do.
    pub tls: Option<[SocketAddr; 2]>,
    /// Where it listens for clients without TLS.
    plain: [SocketAddr; 2],
    flags: Vec<String>,
    client: Http,
}

impl Gateway {
    /// Starts one that listens, with these flags more.
    pub(crate) fn start(flags: &[&str]) -> Self {
        Self::start_at(own_address(), flags)
    }

    /// The same, at any ports of this address.
    pub(crate) fn start_at(any: SocketAddr, flags: &[&str]) -> Self {
        let mut flags = flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<_>>();
        if is_sealed() {
            flags.extend(["--tls-listen", "--tls-listen-tcp"].map(|flag| format!("{flag}={any}")));
            flags.extend(certificate_flags("localhost"));
        }
        if is_passed_on() {
            flags.extend(PROXY_FLAGS.map(str::to_owned));
        }
        Self::listen([any; 3], flags.clone(), Process::start(&arguments([any; 3], &flags)))
    }

    /// Takes a process that is starting; it was given these flags behind the addresses.
    pub(crate) fn listen(
        addresses: [SocketAddr; 3],
        flags: Vec<String>,
        mut process: Process,
    ) -> Self {
        let [http, tcp, operators] = process.find_in_log("gateway listening", |line| {
            let fields = event(line, "gateway listening")?;
            Some(["clients", "tcp", "operators"].map(|key| first_address(&fields[key])))
        });
        debug_assert!(addresses[0].port() == 0 || addresses[0] == http);
        let tls = flags.iter().any(|flag| flag.starts_with("--tls-listen")).then(|| {
            process.find_in_log("gateway listening with TLS", |line| {
                let fields = event(line, "gateway listening with TLS")?;
                Some(["clients", "tcp"].map(|key| first_address_or(&fields[key], http)))
            })
        });
        let client = match flags.iter().any(|flag| flag.starts_with("--link-tls-cert=")) {
            true => Http::inside_tls(operators, false),
            false => Http::new(operators),
        };
        let plain = [http, tcp];
        let [http, tcp] = match tls.filter(|_| is_sealed()) {
            Some(sealed) => sealed.map(tunnel),
            None => plain,
        };
        Self { process, http, tcp, operators, tls, plain, flags, client }
    }

    /// Cuts it off and starts it anew on the same ports.
    pub(crate) fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same, with these flags instead of those of their names.
    pub(crate) fn restart_with(&mut self, flags: &[&str]) {
        self.process.kill();
        replace(&mut self.flags, flags);
        let addresses = [self.plain[0], self.plain[1], self.operators];
        let process = Process::start(&arguments(addresses, &self.flags));
        *self = Self::listen(addresses, self.flags.clone(), process);
    }

    /// Starts another one with the same addresses and flags, these instead of those of their names: its successor,
    /// where they say so. It may not get as far as listening.
    pub(crate) fn start_successor(&self, flags: &[&str]) -> Process {
        let mut all = self.flags.clone();
        replace(&mut all, flags);
        Process::start(&arguments([self.http, self.tcp, self.operators], &all))
    }

    /// The same, and waits until it listens.
    pub(crate) fn succeeded_by(&self, process: Process) -> Self {
        Self::listen([self.http, self.tcp, self.operators], self.flags.clone(), process)
    }

    /// Asks at the operators' port.
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.client.get(path)
    }

    /// What it measures now.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::parse(&self.get("/metrics").text)
    }

    /// Waits until a metric has this value.
    pub(crate) fn await_metric(&self, name: &str, value: f64) {
        eventually(&format!("{name} is {value}"), || {
            (self.metrics().get(name) == value).then_some(())
        });
    }

    /// Asks it to drain.
    pub(crate) fn terminate(&self) {
        self.process.signal(Signal::TERM);
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        self.process.wait()
    }
}

/// The command line of a gateway.
pub(crate) fn arguments([http, tcp, operators]: [SocketAddr; 3], flags: &[String]) -> Vec<String> {
    let mut arguments = vec![
        "gateway".to_owned(),
        "--log-format=json".to_owned(),
        format!("--listen={http}"),
        format!("--listen-tcp={tcp}"),
        format!("--listen-operators={operators}"),
    ];
    // One given later would be a second value, not a change.
    let defaults = ["--workers=2", "--poll-grace=1s"];
    let is_given =
        |flag: &str| flags.iter().any(|given| given.split('=').next() == flag.split('=').next());
    arguments.extend(defaults.into_iter().filter(|flag| !is_given(flag)).map(str::to_owned));
    arguments.extend_from_slice(flags);
    arguments.extend(without_keys(flags, &["--jwt-", "--jwks"]));
    arguments
}

/// What lets a process start to whose flags no key belongs.
fn without_keys(flags: &[String], keys: &[&str]) -> Option<String> {
    let openers = ["--insecure", "--development"];
    let is_decided =
        |flag: &String| keys.iter().chain(&openers).any(|known| flag.starts_with(known));
    (!flags.iter().any(is_decided)).then(|| "--insecure".to_owned())
}

/// A running pusher-api.
pub(crate) struct PusherApi {
    /// The process.
    pub process: Process,
    /// Where backends reach it.
    pub address: SocketAddr,
    /// One keep-alive connection to it.
    pub client: Http,
    flags: Vec<String>,
}

impl PusherApi {
    /// Starts one that is linked to these gateways, with these flags more.
    pub(crate) fn start(gateways: &[&Gateway], flags: &[&str]) -> Self {
        let started = Self::start_unready(gateways, flags);
        started.await_ready();
        started
    }

    /// Starts one and does not wait for its links.
    pub(crate) fn start_unready(gateways: &[&Gateway], flags: &[&str]) -> Self {
        let mut all = vec!["pusher-api".to_owned(), "--log-format=json".to_owned()];
        all.extend(gateways.iter().map(|one| format!("--gateway=http://{}", one.operators)));
        all.extend(flags.iter().map(|flag| (*flag).to_owned()));
        Self::listen(own_address(), all)
    }

    fn listen(address: SocketAddr, flags: Vec<String>) -> Self {
        let mut arguments = flags.clone();
        arguments.push(format!("--listen={address}"));
        arguments.extend(without_keys(&flags, &["--api-key"]));
        Self::take(Process::start(&arguments), flags)
    }

    /// Takes a process that is starting; it was given these flags.
    pub(crate) fn take(mut process: Process, flags: Vec<String>) -> Self {
        let address = process.find_in_log("pusher-api listens", |line| {
            Some(first_address(&event(line, "pusher-api listens")?["address"]))
        });
        Self { process, address, client: Http::new(address), flags }
    }

    /// What it measures now.
    pub(crate) fn metrics(&self) -> Metrics {
        Metrics::parse(&self.client.get("/metrics").text)
    }

    /// Waits until it takes pushes.
    pub(crate) fn await_ready(&self) {
        eventually("pusher-api is ready", || {
            (self.client.get("/readyz").status == 200).then_some(())
        });
    }

    /// Waits until it knows which topics its gateways have subscribers of.
    pub(crate) fn await_topics(&self) {
        let gateways = self.flags.iter().filter(|flag| flag.starts_with("--gateway=")).count();
        eventually("all gateways have named their topics", || {
            let naming = self.metrics().get("holdfast_pusher_link_names_topics");
            (naming == gateways as f64).then_some(())
        });
    }

    /// Cuts it off and starts it anew on the same port.
    pub(crate) fn restart(&mut self) {
        self.restart_with(&[]);
    }

    /// The same, with these flags instead of those of their names.
    pub(crate) fn restart_with(&mut self, flags: &[&str]) {
        self.process.kill();
        replace(&mut self.flags, flags);
        *self = Self::listen(self.address, self.flags.clone());
    }
}

/// Puts flags in the place of those with the same names.
fn replace(flags: &mut Vec<String>, new: &[&str]) {
    let name = |flag: &str| flag.split('=').next().map(str::to_owned);
    flags.retain(|flag| new.iter().all(|new| name(new) != name(flag)));
    flags.extend(new.iter().map(|flag| (*flag).to_owned()));
}

/// A gateway with these flags, and a pusher-api linked to it.
pub(crate) fn pair(flags: &[&str]) -> (Gateway, PusherApi) {
    let gateway = Gateway::start(flags);
    let pusher = PusherApi::start(&[&gateway], &[]);
    (gateway, pusher)
}

/// Any port of a loopback address that no other server of these tests has: while one is down, no
/// other takes the ports it comes back to.
fn own_address() -> SocketAddr {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let [high, low] = TAKEN.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    (Ipv4Addr::new(127, 1, high, low), 0).into()
}

/// The fields of a log line with this message.
fn event(line: &str, message: &str) -> Option<Value> {
    let parsed: Value = serde_json::from_str(line).ok()?;
    let fields = parsed.get("fields")?;
    (fields["message"] == message).then(|| fields.clone())
}

/// The same, or another one where nothing is listened on.
fn first_address_or(field: &Value, other: SocketAddr) -> SocketAddr {
    if field == "[]" { other } else { first_address(field) }
}

fn first_address(field: &Value) -> SocketAddr {
    let text = field.as_str().unwrap().trim_matches(['[', ']']);
    text.split(", ").next().unwrap().parse().unwrap()
}
