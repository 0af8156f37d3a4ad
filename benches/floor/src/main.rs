//! The floor: the least a server can do that holds WebSockets and writes to them.
//!
//! One thread, one epoll, one descriptor per session and nothing else. No tokens, no limits, no
//! close frames: what a real server is slower than this is what its features cost. With
//! `--ping-interval` it pings, evenly spread and also while it writes other things, because a million
//! sessions that are pinged take a good part of a small machine by that alone; nobody is given up. It
//! is told what to write on its control port, a line per command:
//!
//! - `random N SIZE`: N text frames of SIZE bytes, each to a session picked at random
//! - `all SIZE NUMBER DUE`: one text frame of SIZE bytes to every session, which says that it was due
//!   at DUE microseconds since the epoch: the same for several floors, so that clients know them as one
//! - `count`: how many sessions there are
//! - `quit`
//!
//! Each is answered with one line when it is done. Several floors run side by side when one
//! process may not have enough descriptors.

mod command;
mod floor;
mod frame;
mod pings;
mod sessions;
mod upgrade;

use std::{net::SocketAddr, process::ExitCode};

use clap::Parser;

use crate::floor::Floor;

/// The yardstick server.
#[derive(Parser)]
struct Flags {
    /// Where clients connect
    #[arg(long, default_value = "127.0.0.1:9000")]
    listen: SocketAddr,
    /// Where commands are taken, a line each
    #[arg(long, default_value = "127.0.0.1:9100")]
    control: SocketAddr,
    /// Seconds between two pings to a session; 0 for none
    #[arg(long, default_value_t = 0)]
    ping_interval: u32,
}

fn main() -> ExitCode {
    let flags = Flags::parse();
    match rlimit::increase_nofile_limit(u64::MAX).and_then(|_| Floor::start(&flags)?.serve()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("floor: {error}");
            ExitCode::FAILURE
        }
    }
}
