//! Takes connections off an accept queue.

use std::{
    future::Future,
    io,
    net::TcpStream,
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tracing::{info, warn};

/// How long accepting pauses when the process or the machine is out of something. The connections
/// wait in the accept queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while others are being closed.
const MENDING: Duration = Duration::from_millis(5);
/// Connections that are taken before those that have come already are looked at again.
const BURST: u32 = 16;

/// After so long without a failure, a spell of them is over. A success between two failures is none:
/// out of descriptors, each connection that ends lets one more in.
const QUIET: Duration = Duration::from_secs(5);

/// Failures that follow each other, to be told once.
#[derive(Debug, Default)]
struct Spell {
    failures: u64,
    last: Option<Instant>,
}

impl Spell {
    /// Adds a failure; true if it begins a spell.
    fn fail(&mut self, now: Instant) -> bool {
        let ended = self.last.is_none_or(|last| now.duration_since(last) > QUIET);
        self.failures = if ended { 1 } else { self.failures + 1 };
        self.last = Some(now);
        ended
    }

    /// Of how many failures a spell was that is over.
    fn take_ended(&mut self, now: Instant) -> Option<u64> {
        self.last.take_if(|last| now.duration_since(*last) > QUIET)?;
        Some(self.failures)
    }
}

/// What accepted connections are given to.
pub trait Arrivals {
    /// One has come.
    fn arrive(&mut self, socket: TcpStream) -> impl Future<Output = ()>;

    /// None can be taken. Where something has run out (`is_shortage`), it may be given back; whether
    /// that is under way.
    fn fail(&mut self, error: &io::Error, is_shortage: bool) -> bool;
}

/// Accepts for ever.
///
/// # Errors
/// The socket cannot be waited for.
pub async fn accept(
    listener: std::net::TcpListener,
    mut arrivals: impl Arrivals,
) -> io::Result<()> {
    let listener = TcpListener::from_std(listener)?;
    let (mut spell, mut burst) = (Spell::default(), 0);
    loop {
        match listener.accept().await.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => {
                if let Some(failures) = spell.take_ended(Instant::now()) {
                    info!(failures, "accepting connections again");
                }
                arrivals.arrive(socket).await;
                burst = (burst + 1) % BURST;
                if burst == 0 {
                    tokio::task::yield_now().await;
                }
            }
            Err(error) => {
                let is_shortage = is_shortage(&error);
                let is_mended = arrivals.fail(&error, is_shortage);
                if is_shortage {
                    if spell.fail(Instant::now()) {
                        warn!(%error, "cannot accept connections; they wait in the accept queue");
                    }
                    tokio::time::sleep(if is_mended { MENDING } else { PAUSE }).await;
                }
            }
        }
    }
}

/// The errors accept(2) is known for, and that of an epoll that may watch no more (ENOSPC), by their
/// symbolic names.
pub const ERRORS: [(i32, &str); 15] = [
    (1, "EPERM"),
    (12, "ENOMEM"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (28, "ENOSPC"),
    (64, "ENONET"),
    (71, "EPROTO"),
    (92, "ENOPROTOOPT"),
    (95, "EOPNOTSUPP"),
    (100, "ENETDOWN"),
    (101, "ENETUNREACH"),
    (103, "ECONNABORTED"),
    (105, "ENOBUFS"),
    (112, "EHOSTDOWN"),
    (113, "EHOSTUNREACH"),
];

/// The symbolic name of an error of accept, else the number.
pub fn error_name(error: &io::Error) -> String {
    let number = error.raw_os_error().unwrap_or(0);
    let known = ERRORS.iter().find(|(errno, _)| *errno == number);
    known.map_or_else(|| number.to_string(), |(_, name)| (*name).to_owned())
}

/// Whether the error will come again at once because something has run out, as opposed to one
/// connection being broken (accept(2), "Error handling").
fn is_shortage(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    !matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spell_is_told_once_and_outlives_a_success() {
        let (mut spell, start) = (Spell::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(spell.take_ended(at(0)), None);
        assert!(spell.fail(at(1)));
        assert_eq!(spell.take_ended(at(2)), None, "one got in");
        assert!(!spell.fail(at(3)) && !spell.fail(at(8)));
        assert_eq!(spell.take_ended(at(13)), None);
        assert_eq!(spell.take_ended(at(14)), Some(3));
        assert_eq!(spell.take_ended(at(15)), None, "it is told once");
        assert!(spell.fail(at(16)));
        assert!(spell.fail(at(60)), "nobody came in between");
    }

    #[test]
    fn errors_have_names() {
        let name = |errno| error_name(&io::Error::from_raw_os_error(errno));
        assert_eq!(
            (name(24).as_str(), name(113).as_str(), name(9)),
            ("EMFILE", "EHOSTUNREACH", "9".to_owned())
        );
    }
}
