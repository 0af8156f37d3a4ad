//! What can be set on a gateway.

use std::{path::PathBuf, time::Duration};

use certificates::{CertificateArgs, LinkTlsArgs, ServerSource};
use clap::Args;
use limits::places;
use settings::{
    ConfigError, DevelopmentArgs, LinkSecretArgs, ListenRange,
    guard::require_guard,
    logging::CommonArgs,
    units::{duration, positive_duration, size},
};

use crate::handover::place;

mod keys;
mod operators;
mod proxies;

pub(crate) use self::{
    keys::{ClientSubscribe, KeySettings},
    operators::OperatorsKeyArgs,
    proxies::ProxySettings,
};

/// The shortest `--max-session-age`.
const LEAST_AGE: Duration = Duration::from_secs(1);

/// The flags of `holdfast gateway`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Configuration file and logs.
    #[command(flatten)]
    pub common: CommonArgs,

    /// Name in receipts and presence [default: the host's name and the operators' port]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,

    /// Where clients reach the gateway over HTTP
    #[arg(
        long,
        value_name = "IP:PORT[-PORT]",
        value_delimiter = ',',
        default_value = "127.0.0.1:8080"
    )]
    pub listen: Vec<ListenRange>,

    /// Where clients reach the gateway over TCP
    #[arg(
        long,
        value_name = "IP:PORT[-PORT]",
        value_delimiter = ',',
        default_value = "127.0.0.1:8081"
    )]
    pub listen_tcp: Vec<ListenRange>,

    /// Where clients reach the gateway over HTTP with TLS, beside --listen
    #[arg(long, value_name = "IP:PORT[-PORT]", value_delimiter = ',')]
    pub tls_listen: Vec<ListenRange>,

    /// Where clients reach the gateway over TCP with TLS, beside --listen-tcp
    #[arg(long, value_name = "IP:PORT[-PORT]", value_delimiter = ',')]
    pub tls_listen_tcp: Vec<ListenRange>,

    /// What is shown there.
    #[command(flatten)]
    pub certificates: CertificateArgs,

    /// Where operators and pusher-api reach the gateway
    #[arg(
        long,
        value_name = "IP:PORT[-PORT]",
        value_delimiter = ',',
        default_value = "127.0.0.1:8082"
    )]
    pub listen_operators: Vec<ListenRange>,

    /// What may stand in front.
    #[command(flatten)]
    pub(crate) proxies: ProxySettings,

    /// Who clients are.
    #[command(flatten)]
    pub(crate) keys: KeySettings,

    /// What links are guarded with.
    #[command(flatten)]
    pub link: LinkSecretArgs,

    /// TLS of the operators' port.
    #[command(flatten)]
    pub link_tls: LinkTlsArgs,

    /// What orders at the operators' port are given with.
    #[command(flatten)]
    pub(crate) operators: OperatorsKeyArgs,

    /// Let anybody in, also from other machines, without any authentication
    #[arg(long)]
    pub insecure: bool,

    /// Development.
    #[command(flatten)]
    pub development: DevelopmentArgs,

    /// Threads that hold sessions; 0 for one per core
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub workers: usize,

    /// Most sessions; 0 for as many as descriptors allow
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub max_sessions: usize,

    /// Most clients' connections that are not sessions, in the whole process; fewer where sessions or
    /// memory leave less. Beyond them the one that has waited longest goes, but none in its first 200 ms
    #[arg(long, value_name = "COUNT", default_value_t = places::MOST_PENDING as usize)]
    pub max_pending: usize,

    /// Most bytes kept of requests and first lines that have not come whole, in the whole process;
    /// beyond them the client that has waited longest goes [default: a 64th of the memory there is,
    /// 1MiB to 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub pending_memory: Option<usize>,

    /// Most links of pusher-apis at a time
    #[arg(long, value_name = "COUNT", default_value_t = 64)]
    pub max_links: usize,

    /// Most new sessions a second; 0 for no limit
    #[arg(long, value_name = "PER SECOND", default_value_t = 0)]
    pub handshake_rate: u32,

    /// How long a connection may take to become a session, whatever it sends meanwhile
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "10s")]
    pub handshake_timeout: Duration,

    /// Most sessions of one user
    #[arg(long, value_name = "COUNT", default_value_t = 16)]
    pub sessions_per_user: usize,

    /// Most topics one session may be subscribed to
    #[arg(long, value_name = "COUNT", default_value_t = 128)]
    pub topics_per_session: usize,

    /// How often a silent client is pinged; one that stays silent that long again is closed
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "25s")]
    pub ping_interval: Duration,

    /// How long an SSE stream lasts whose client answers no pings; it ends with draining, and the client
    /// comes back
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "15m")]
    pub sse_age: Duration,

    /// How old a session may become before it is asked to come back: each at an age of its own between
    /// half of this and all of it [default: as old as it likes]
    #[arg(long, value_name = "DURATION", value_parser = positive_duration)]
    pub max_session_age: Option<Duration>,

    /// How long a client that polls is online without a poll that waits
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "30s")]
    pub poll_grace: Duration,

    /// How long acknowledgements of clients are gathered before the store is told
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "1s")]
    pub ack_delay: Duration,

    /// Largest frame from a client
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64KiB")]
    pub max_frame: usize,

    /// Most frames a second from one client, WebSocket pings, fragments and empty lines included; as
    /// many may come at once
    #[arg(long, value_name = "PER SECOND", default_value_t = 200)]
    pub frame_rate: u32,

    /// Most bytes a second from one client; as many, or two of the largest frames, may come at once
    /// [default: --frame-rate times a sixteenth of --max-frame]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub byte_rate: Option<usize>,

    /// How long a frame, or a message in fragments, may take to come whole
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "30s")]
    pub frame_timeout: Duration,

    /// Bytes that the kernel may hold for one client that does not read (SO_SNDBUF; Linux counts its own
    /// expenses, too, and takes twice as much)
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "32KiB")]
    pub send_buffer: usize,

    /// Bytes that the kernel may hold of one client that were not read yet (SO_RCVBUF)
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "32KiB")]
    pub receive_buffer: usize,

    /// Most bytes that wait for one slow client before it is closed
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "2MiB")]
    pub outbound_limit: usize,

    /// Memory that the process may plan with [default: what its control group or the machine has]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub memory: Option<usize>,

    /// Most bytes of pushes that wait in the whole process; above it those who read slowest are closed
    /// and pusher-api is slowed down [default: an eighth of the memory there is, at most 1GiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub push_memory: Option<usize>,

    /// Memory kept free in the memory cgroup and on the machine: with less left, new sessions are
    /// refused; at most a quarter of the limit, 0B to never refuse
    #[arg(long, value_name = "SIZE", value_parser = size, default_value = "64MiB")]
    pub memory_reserve: usize,

    /// How long a client may take none of the bytes that wait for it
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "30s")]
    pub write_timeout: Duration,

    /// How long a closing session waits for the client to close, too
    #[arg(long, value_name = "DURATION", value_parser = positive_duration, default_value = "5s")]
    pub close_timeout: Duration,

    /// How long clients are still taken after SIGTERM, when the gateway is not ready any more: until
    /// load balancers have noticed
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "0s")]
    pub drain_wait: Duration,

    /// Over how long sessions are closed after SIGTERM and --drain-wait
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "30s")]
    pub drain: Duration,

    /// Unix socket at which the gateway is taken over by its successor: a gateway that finds another one there
    /// takes its listeners and live sessions, and waits there itself. In a directory nobody else may write
    #[arg(long, value_name = "SOCKET")]
    pub takeover: Option<PathBuf>,

    /// Connections the kernel may hold for us to accept; net.core.somaxconn caps it
    #[arg(long, value_name = "COUNT", default_value_t = 65_535)]
    pub backlog: u32,

    /// Return what clients send to /v1/echo and in echo frames
    #[arg(long)]
    pub echo: bool,
    /// Run a timer of 1 ms on each worker and show the longest stall it saw (for diagnosis)
    #[arg(long)]
    pub measure_stalls: bool,
}

impl Settings {
    /// Whether clients are taken inside TLS.
    pub(crate) fn takes_tls(&self) -> bool {
        !(self.tls_listen.is_empty() && self.tls_listen_tcp.is_empty())
    }

    /// Checks what one flag's parser cannot see.
    ///
    /// # Errors
    /// Names the flag, its value and what would be right.
    pub fn validate(&self) -> Result<(), ConfigError> {
        self.check_amounts()?;
        self.check_times()?;
        self.link_tls.server()?;
        self.proxies.check(self.of_clients())?;
        if let Some(path) = &self.takeover {
            place::check(path)?;
        }
        self.check_exposure()
    }

    fn check_amounts(&self) -> Result<(), ConfigError> {
        let least = [
            ("--sessions-per-user", self.sessions_per_user, 1),
            ("--max-pending", self.max_pending, 1),
            ("--pending-memory", self.pending_memory.unwrap_or(usize::MAX), 64 << 10),
            ("--max-links", self.max_links, 1),
            ("--max-frame", self.max_frame, 1024),
            ("--frame-rate", self.frame_rate as usize, 1),
            ("--byte-rate", self.byte_rate(), 1024),
            ("--backlog", self.backlog as usize, 1),
            ("--outbound-limit", self.outbound_limit, 2 * protocol::push::MAX_PAYLOAD_BYTES),
            ("--push-memory", self.push_memory.unwrap_or(1 << 20), 1 << 20),
            ("--memory", self.memory.unwrap_or(32 << 20), 32 << 20),
            ("--send-buffer", self.send_buffer, 4096),
            ("--receive-buffer", self.receive_buffer, 4096),
        ];
        for (flag, value, least) in least {
            if value < least {
                let problem = format!("{value} is too low");
                return Err(ConfigError::new(flag, problem, format!("give at least {least}")));
            }
        }
        let most = [
            ("--max-frame", self.max_frame, 16 << 20),
            ("--workers", self.workers, 1024),
            ("--max-links", self.max_links, 10_000),
            ("--frame-rate", self.frame_rate as usize, 65_535),
            ("--send-buffer", self.send_buffer, 64 << 20),
            ("--receive-buffer", self.receive_buffer, 64 << 20),
            ("--sessions-per-user", self.sessions_per_user, 10_000),
        ];
        for (flag, value, most) in most {
            if value > most {
                let problem = format!("{value} is too high");
                return Err(ConfigError::new(flag, problem, format!("give at most {most}")));
            }
        }
        Ok(())
    }

    fn check_times(&self) -> Result<(), ConfigError> {
        for (flag, value) in [
            ("--ping-interval", self.ping_interval),
            ("--sse-age", self.sse_age),
            ("--poll-grace", self.poll_grace),
            ("--ack-delay", self.ack_delay),
        ] {
            if value > Duration::from_secs(24 * 3600) {
                let problem = format!("{} is too long", settings::units::show(value));
                return Err(ConfigError::new(flag, problem, "give at most 24h"));
            }
        }
        // With a shorter one clients would come back without end.
        match self.max_session_age {
            Some(age) if age < LEAST_AGE => {
                let problem = format!("{} is too short", settings::units::show(age));
                Err(ConfigError::new("--max-session-age", problem, "give at least 1s"))
            }
            _ => Ok(()),
        }
    }

    /// Most bytes a second from one client.
    pub(crate) fn byte_rate(&self) -> usize {
        self.byte_rate.unwrap_or_else(|| self.max_frame / 16 * self.frame_rate as usize)
    }

    /// What is shown at listeners that speak TLS, if there are some.
    ///
    /// # Errors
    /// They have no certificate, or there are not as many keys as certificates.
    pub(crate) fn shown(&self) -> Result<Option<ServerSource>, ConfigError> {
        self.certificates.for_listeners(&[
            ("--tls-listen", !self.tls_listen.is_empty()),
            ("--tls-listen-tcp", !self.tls_listen_tcp.is_empty()),
        ])
    }

    /// Where clients come in.
    fn of_clients(&self) -> impl Iterator<Item = &ListenRange> + Clone {
        let plain = self.listen.iter().chain(&self.listen_tcp);
        plain.chain(&self.tls_listen).chain(&self.tls_listen_tcp)
    }

    /// Clients need keys, or somebody who says that they need none; a listener that others can reach
    /// needs authentication.
    fn check_exposure(&self) -> Result<(), ConfigError> {
        let flag = "--jwt-secret (or --jwt-public-key, --jwks)";
        let tokens = self.keys.is_given();
        if !self.insecure && !self.development.development {
            require_guard(flag, tokens, self.of_clients())?;
            require_guard("--link-secret", self.link.is_given(), &self.listen_operators)?;
        }
        let all = self.of_clients().chain(&self.listen_operators);
        self.development.check(flag, tokens, self.insecure, all)
    }
}

#[cfg(test)]
pub(crate) mod tests;
