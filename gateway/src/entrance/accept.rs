//! Takes connections off the accept queue, as soon as there is a place for them.

use std::{
    io,
    net::{TcpListener, TcpStream},
    sync::Arc,
    time::Duration,
};

use rustix::net::{SocketFlags, accept_with};
use tokio::{io::unix::AsyncFd, sync::watch};
use tracing::error;

use crate::{access::accepting::Accepting, runtime::reactor};

/// How long accepting pauses when the process or the machine is out of something. The connections
/// wait in the accept queue meanwhile.
const PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections on a task of its own and gives them to `arrive`, until `stop` turns true;
/// each when `place` has come to its end.
pub(crate) fn spawn_accept(
    listener: TcpListener,
    accepting: &Arc<Accepting>,
    place: impl AsyncFn() + 'static,
    arrive: impl Fn(TcpStream) -> io::Result<()> + 'static,
    stop: &watch::Receiver<bool>,
) {
    let (accepting, stop) = (Arc::clone(accepting), stop.clone());
    actix_rt::spawn(async move {
        if let Err(error) = accept(listener, &accepting, place, arrive, stop).await {
            error!(%error, "cannot wait for connections");
        }
    });
}

async fn accept(
    listener: TcpListener,
    accepting: &Accepting,
    place: impl AsyncFn(),
    arrive: impl Fn(TcpStream) -> io::Result<()>,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = reactor::readable(listener)?;
    loop {
        let accepted = tokio::select! {
            biased;
            _ = stop.wait_for(|stop| *stop) => return Ok(()),
            accepted = accept_one(&listener, accepting, &place) => accepted,
        };
        match accepted.and_then(&arrive) {
            Ok(()) => accepting.on_success(),
            Err(error) if accepting.on_failure(&error) => tokio::time::sleep(PAUSE).await,
            Err(_) => {}
        }
    }
}

async fn accept_one(
    listener: &AsyncFd<TcpListener>,
    accepting: &Accepting,
    place: &impl AsyncFn(),
) -> io::Result<TcpStream> {
    loop {
        let mut ready = listener.readable().await?;
        // Last, so that no other listener of this thread takes the place meanwhile.
        place().await;
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        // No address: few want it, and they can ask for it.
        match ready.try_io(|listener| Ok(accept_with(listener, flags)?)) {
            Ok(accepted) => return accepted.map(TcpStream::from),
            // Nobody waits, and there would have been a descriptor.
            Err(_) => accepting.on_success(),
        }
    }
}
