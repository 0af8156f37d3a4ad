//! Takes connections off an accept queue.

use std::{future::Future, io, net::TcpStream, time::Duration};

use tokio::net::TcpListener;
use tracing::{info, warn};

/// How long accepting pauses when the process or the machine is out of something. The connections
/// wait in the accept queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);
/// The same while others are being closed.
const MENDING: Duration = Duration::from_millis(5);
/// Connections that are taken before those that have come already are looked at again.
const BURST: u32 = 16;

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
    let (mut failures, mut burst) = (0_u64, 0);
    loop {
        match listener.accept().await.and_then(|(socket, _)| socket.into_std()) {
            Ok(socket) => {
                if failures > 0 {
                    info!(failures, "accepting connections again");
                    failures = 0;
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
                    if failures == 0 {
                        warn!(%error, "cannot accept connections; they wait in the accept queue");
                    }
                    failures += 1;
                    tokio::time::sleep(if is_mended { MENDING } else { PAUSE }).await;
                }
            }
        }
    }
}

/// The errors accept(2) is known for, by their symbolic names.
pub const ERRORS: [(i32, &str); 6] = [
    (12, "ENOMEM"),
    (23, "ENFILE"),
    (24, "EMFILE"),
    (71, "EPROTO"),
    (103, "ECONNABORTED"),
    (105, "ENOBUFS"),
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
