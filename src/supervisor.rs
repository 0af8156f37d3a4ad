//! Tells systemd how a server is, where it was started by it (sd_notify(3)): a datagram to the socket that the
//! environment names.

use std::{
    env,
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tracing::warn;

/// The server does its work; also the one that has taken over from another process, which systemd is to watch from
/// now on.
pub(crate) fn ready() {
    notify(&format!("MAINPID={}\nREADY=1", std::process::id()));
}

/// A successor is being started.
pub(crate) fn reloading() {
    // By which systemd tells this from an older word.
    let now = clock_gettime(ClockId::Monotonic);
    let now = Duration::new(now.tv_sec.unsigned_abs(), u32::try_from(now.tv_nsec).unwrap_or(0));
    notify(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
}

/// Nothing has come of that.
pub(crate) fn goes_on() {
    notify("READY=1");
}

/// Another process does the work.
pub(crate) fn main_process(id: u32) {
    notify(&format!("MAINPID={id}"));
}

/// The server ends.
pub(crate) fn stopping() {
    notify("STOPPING=1");
}

fn notify(words: &str) {
    let Some(path) = env::var_os("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else { return };
    let address = match path.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name),
        _ => SocketAddr::from_pathname(&path),
    };
    let sent = address.and_then(|address| {
        let socket = UnixDatagram::unbound()?;
        socket.send_to_addr(words.as_bytes(), &address)
    });
    if let Err(error) = sent {
        warn!(%error, "systemd cannot be told how this process is");
    }
}
