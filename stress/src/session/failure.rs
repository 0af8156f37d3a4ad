//! Why a session could not be opened or was lost, and which limit is likely behind it.

use std::{collections::BTreeMap, fmt};

use certificates::Cause;
use client::{Ending, State};
use limits::symptom::{Evidence, Symptom};
use nix::errno::Errno;
use serde::{Deserialize, Serialize};

/// One way for a session to end that nobody asked for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// The operating system said no.
    Socket(State, i32),
    /// The session was not open in time.
    Timeout(State),
    /// The server closed the socket without a word.
    Eof(State),
    /// The upgrade was answered with this HTTP status.
    Status(u16),
    /// The server closed the WebSocket with this code.
    Close(u16),
    /// The server said `bye` with this reason.
    Bye(String),
    /// No terms of TLS were come to, by the label of the cause.
    Tls(String),
    /// The server broke the rules of the transport.
    Protocol(String),
    /// The operating system said no to a connection that was to bring what the client says.
    PostSocket(i32),
    /// A request that brought what the client says was answered with this HTTP status.
    PostStatus(u16),
    /// The process that held the session ended before its time.
    Worker,
    /// The session was open in the end, and nobody answered on it.
    Silent,
}

impl From<Ending> for Failure {
    fn from(ending: Ending) -> Self {
        match ending {
            Ending::Status(status) => Self::Status(status),
            Ending::Close(code) => Self::Close(code),
            Ending::Bye(reason) => Self::Bye(reason),
            Ending::Protocol(rule) => Self::Protocol(rule),
        }
    }
}

impl From<Cause> for Failure {
    fn from(cause: Cause) -> Self {
        Self::Tls(cause.label().to_owned())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Socket(stage, errno) => write!(f, "{:?} while {stage}", Errno::from_raw(*errno)),
            Self::Timeout(stage) => write!(f, "timeout while {stage}"),
            Self::Eof(stage) => write!(f, "closed by the server while {stage}"),
            Self::Status(status) => Ending::Status(*status).fmt(f),
            Self::Close(code) => Ending::Close(*code).fmt(f),
            Self::Bye(reason) => Ending::Bye(reason.clone()).fmt(f),
            Self::Tls(label) => match Cause::ALL.iter().find(|cause| cause.label() == label) {
                Some(cause) => write!(f, "TLS: {cause}"),
                None => write!(f, "TLS: {}", label.escape_debug()),
            },
            Self::Protocol(rule) => Ending::Protocol(rule.clone()).fmt(f),
            Self::PostSocket(errno) => {
                write!(f, "{:?} while posting a frame", Errno::from_raw(*errno))
            }
            Self::PostStatus(status) => {
                write!(f, "HTTP status {status} for a frame that was posted")
            }
            Self::Worker => write!(f, "the worker process ended"),
            Self::Silent => write!(f, "no sign of life when asked in the end"),
        }
    }
}

impl Failure {
    /// The limit that is likely behind it, and what to do.
    pub(crate) fn limit(&self, evidence: &Evidence) -> Option<String> {
        let known = match self {
            Self::Socket(_, errno) | Self::PostSocket(errno) => {
                return evidence.behind(Symptom::Errno(*errno));
            }
            Self::Timeout(State::Connecting) => return evidence.behind(Symptom::ConnectTimeout),
            Self::Timeout(_) => return evidence.behind(Symptom::Silence),
            Self::Status(503) | Self::PostStatus(503) | Self::Close(1013) => {
                return evidence.behind(Symptom::Refused);
            }
            Self::Status(401 | 403) | Self::Close(1008) => {
                "authentication: --token-secret must be the gateway's --jwt-secret"
            }
            Self::Status(404) => "no such path: give it in --target, like ws://host:8080/v1/ws",
            Self::Status(410) => {
                "the session was given up between two requests: --poll-grace of the gateway"
            }
            Self::Status(429) => "sessions of one user: --sessions-per-user of the gateway",
            Self::Tls(label) => match label.as_str() {
                "unknown_issuer" => "--tls-ca names a file with the authority of the server",
                "wrong_name" => "the host in --target, or --tls-name",
                "not_tls" => "the port: without TLS write ws://, http:// or tcp://",
                _ => return None,
            },
            Self::PostStatus(404) => "the server that was asked does not hold the session any more",
            Self::Silent => "the server stands still, or was away without a goodbye",
            Self::Close(4401) => "the lifetime of the token",
            Self::Close(4409) => "another run uses the same users; give another --user-prefix",
            _ => return None,
        };
        Some(known.to_owned())
    }
}

/// How often each failure happened.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(Failure, u64)>", into = "Vec<(Failure, u64)>")]
pub(crate) struct Failures(BTreeMap<Failure, u64>);

impl Failures {
    /// Counts `count` more.
    pub(crate) fn add(&mut self, failure: Failure, count: u64) {
        *self.0.entry(failure).or_default() += count;
    }

    /// Adds those of another worker.
    pub(crate) fn merge(&mut self, other: Self) {
        other.0.into_iter().for_each(|(failure, count)| self.add(failure, count));
    }

    /// All of them together.
    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    /// Each with its count.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Failure, u64)> {
        self.0.iter().map(|(failure, count)| (failure, *count))
    }
}

impl From<Vec<(Failure, u64)>> for Failures {
    fn from(counts: Vec<(Failure, u64)>) -> Self {
        Self(counts.into_iter().collect())
    }
}

impl From<Failures> for Vec<(Failure, u64)> {
    fn from(failures: Failures) -> Self {
        failures.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_name_their_limit() {
        let socket = |errno: Errno| Failure::Socket(State::Connecting, errno as i32);
        let cases = [
            (socket(Errno::EMFILE), "EMFILE while connecting", "RLIMIT_NOFILE"),
            (socket(Errno::EADDRNOTAVAIL), "EADDRNOTAVAIL while connecting", "ip_local_port_range"),
            (socket(Errno::ETIMEDOUT), "ETIMEDOUT while connecting", "accept queue"),
            (Failure::Timeout(State::Connecting), "timeout while connecting", "conntrack"),
            (
                Failure::Timeout(State::AwaitingHello),
                "timeout while awaiting hello",
                "RLIMIT_NOFILE",
            ),
            (Failure::Status(503), "HTTP status 503", "--memory-reserve"),
            (Failure::Status(401), "HTTP status 401", "--token-secret"),
            (Failure::PostStatus(503), "HTTP status 503 for a frame that was posted", "--memory"),
            (
                Failure::PostSocket(Errno::EMFILE as i32),
                "EMFILE while posting a frame",
                "RLIMIT_NOFILE",
            ),
            (Cause::UnknownIssuer.into(), "TLS: nobody who is believed", "--tls-ca"),
            (Failure::Close(4409), "WebSocket close code 4409", "--user-prefix"),
        ];
        for (failure, shown, limit) in cases {
            assert!(failure.to_string().starts_with(shown), "{failure}");
            assert!(failure.limit(&Evidence::default()).expect(shown).contains(limit), "{shown}");
        }
    }
}
