//! From settings to work: checks what the flags say together, looks names up, and shares the
//! sessions out between workers.

use std::{
    net::{IpAddr, SocketAddr, ToSocketAddrs},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use settings::{ConfigError, Endpoint, Secret};

use crate::{session::Transport, settings::Sessions};

/// Descriptors of a process that are not sessions: standard streams, epoll, pushes, links.
pub const SPARE_DESCRIPTORS: u64 = 1200;
/// Tokens outlive the run by this.
const TOKEN_SLACK: Duration = Duration::from_secs(24 * 3600);

/// A worker's share of the sessions. It holds a secret, so it travels through a pipe only and
/// cannot be printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// The number of the first session.
    pub first: u32,
    /// How many sessions.
    pub count: u32,
    /// Servers, taken in turn.
    pub targets: Vec<Target>,
    /// Addresses to connect from, taken in turn; none leaves it to the system.
    pub sources: Vec<IpAddr>,
    /// Sessions opened per second; 0 is as fast as possible.
    pub rate: f64,
    /// Handshakes under way at once.
    pub concurrency: u32,
    /// How long a session may take to open.
    pub connect_timeout: Duration,
    /// Whether a session counts as held only after the server's `hello`.
    pub needs_hello: bool,
    /// Who the sessions are.
    pub identity: Identity,
}

/// One server to connect to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// Its address.
    pub address: SocketAddr,
    /// How it is called in requests.
    pub host: String,
    /// The path of the upgrade.
    pub path: String,
    /// How frames travel.
    pub transport: Transport,
}

/// Who the sessions are.
#[derive(Clone, Serialize, Deserialize)]
pub struct Identity {
    /// User ids are this and the session's number.
    pub user_prefix: String,
    /// The device in the tokens.
    pub device: String,
    /// Signs the tokens; none means development.
    pub secret: Option<String>,
    /// When the tokens expire, in seconds since the epoch.
    pub expires: u64,
}

/// Shares the sessions out between as many workers as needed.
///
/// # Errors
/// Flags that contradict each other, schemes that are not supported, names that are unknown.
pub fn assignments(sessions: &Sessions, descriptors: u64) -> Result<Vec<Assignment>, ConfigError> {
    let targets = targets(&sessions.targets)?;
    let sources = sessions.sources.as_ref().map(|it| it.addresses()).unwrap_or_default();
    check_families(&targets, &sources)?;
    let workers = u64::from(workers(sessions, descriptors)?);
    let total = u64::from(sessions.sessions);
    let identity = identity(sessions)?;
    let start = |worker: u64| (total * worker / workers) as u32;
    let share = |worker: u64| Assignment {
        first: start(worker),
        count: start(worker + 1) - start(worker),
        targets: targets.clone(),
        sources: sources.clone(),
        rate: f64::from(sessions.rate) / workers as f64,
        concurrency: sessions.concurrency,
        connect_timeout: sessions.connect_timeout,
        needs_hello: !sessions.no_hello,
        identity: identity.clone(),
    };
    Ok((0..workers).map(share).collect())
}

fn workers(sessions: &Sessions, descriptors: u64) -> Result<u32, ConfigError> {
    let room = descriptors.saturating_sub(SPARE_DESCRIPTORS).max(1);
    let needed = u64::from(sessions.sessions).div_ceil(room);
    let workers = sessions.processes.map_or(needed, u64::from);
    if workers < needed || needed > 1000 {
        let problem = format!(
            "{workers} processes with {descriptors} descriptors each cannot hold {} sessions",
            sessions.sessions
        );
        let expected =
            format!("give {needed} (1000 at most), or raise the hard limit (ulimit -Hn)");
        return Err(ConfigError::new("--processes", problem, expected));
    }
    Ok(workers.min(u64::from(sessions.sessions)) as u32)
}

fn identity(sessions: &Sessions) -> Result<Identity, ConfigError> {
    let user = format!("{}{}", sessions.user_prefix, sessions.sessions);
    protocol::ids::check_name(&user).map_err(|error| {
        let problem = format!("makes the user id {user:?}, which {error}");
        ConfigError::new("--user-prefix", problem, "give a shorter one, like u")
    })?;
    let file = sessions.token_secret_file.as_deref();
    let secret = Secret::load("token-secret", sessions.token_secret.as_ref(), file)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(Identity {
        user_prefix: sessions.user_prefix.clone(),
        device: sessions.device.as_str().to_owned(),
        secret: secret.map(|secret| secret.expose().to_owned()),
        expires: (now + TOKEN_SLACK + sessions.hold.unwrap_or_default()).as_secs(),
    })
}

fn targets(endpoints: &[Endpoint]) -> Result<Vec<Target>, ConfigError> {
    let mut targets = Vec::new();
    for endpoint in endpoints {
        let (transport, path) = match (endpoint.scheme.as_str(), endpoint.path.as_str()) {
            ("ws", "") => (Transport::WebSocket, "/v1/ws"),
            ("ws", path) => (Transport::WebSocket, path),
            ("tcp", _) => (Transport::Tcp, ""),
            _ => {
                let problem = format!("{endpoint} has a scheme that this client does not speak");
                return Err(ConfigError::new("--target", problem, "use ws:// or tcp://"));
            }
        };
        targets.extend(addresses("--target", endpoint)?.into_iter().map(|address| Target {
            address,
            host: format!("{}:{}", endpoint.host, address.port()),
            path: path.to_owned(),
            transport,
        }));
    }
    Ok(targets)
}

/// Every address of an endpoint, one for each of its ports.
///
/// # Errors
/// The host's name is unknown.
pub fn addresses(flag: &str, endpoint: &Endpoint) -> Result<Vec<SocketAddr>, ConfigError> {
    let unknown = |detail: String| {
        let problem = format!("cannot look {} up: {detail}", endpoint.host);
        ConfigError::new(flag, problem, "name a host this machine knows, or an address")
    };
    let host = (endpoint.host.as_str(), *endpoint.ports.start());
    let mut found = host.to_socket_addrs().map_err(|error| unknown(error.to_string()))?;
    let first = found.next().ok_or_else(|| unknown("no address".into()))?;
    Ok(endpoint.ports.clone().map(|port| SocketAddr::new(first.ip(), port)).collect())
}

fn check_families(targets: &[Target], sources: &[IpAddr]) -> Result<(), ConfigError> {
    let differs =
        |source: &&IpAddr| targets.iter().any(|it| it.address.is_ipv4() != source.is_ipv4());
    sources.iter().find(differs).map_or(Ok(()), |source| {
        let problem = format!("{source} cannot reach a target of the other IP version");
        Err(ConfigError::new("--sources", problem, "give addresses of the targets' IP version"))
    })
}

#[cfg(test)]
mod tests;
