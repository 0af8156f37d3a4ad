//! The gateway: holds client sessions and delivers pushes to them.
//!
//! Its rooms stand on floors, declared here from the top downwards: a module imports only what is
//! declared after it, which `tests/floors.rs` checks.
//!
//! A client comes in by its [`worker`]'s accept queue: `worker → entrance → seats → session →
//! directory → uplink`. A push comes down a [`link`] and is handed out by [`delivery`] to the
//! mailboxes that [`directory`] knows; there it crosses to the session's thread and is written:
//! `session → transports`.

mod run;

mod ports;
mod shown;
mod takeover;

mod worker;

mod operators;

mod entrance;
mod link;

mod gateway;
mod seats;
mod standstill;

mod session;

mod delivery;

mod access;
mod directory;
mod metrics;

mod ledger;

mod http;
mod runtime;
mod settings;
mod tls;
mod transports;
mod uplink;

mod handover;

pub use self::{
    run::{Running, StartError, start},
    settings::Settings,
    takeover::refusal::TakeoverError,
};

/// What benchmarks and fuzz targets reach into. Not a promise.
#[doc(hidden)]
pub mod internals {
    pub use crate::{
        delivery::frame::{FrameMemory, SharedFrame},
        directory::registry::{Registration, Registry},
        entrance::{
            first_message::{First, first_message},
            proxy_header::{MAX_HEADER_BYTES, NoHeader, PassedOn, proxy_header},
            question::{LONGEST_WAIT, Question, question},
            tcp::first_frame,
        },
        handover::check as takeover_records,
        http::{
            client_address::ClientAddress,
            forwarded::client as client_of,
            request::{HeadError, MAX_HEAD_BYTES, Request},
        },
        runtime::wheel::{NEVER, Wheel},
        session::frames,
        tls::{Channel, Fault, Opened},
        transports::{
            inbound::{Assembly, Inbound},
            tcp::{Tcp, next_line},
            websocket::{WebSocket, message::next_frame},
            wire::Wire,
        },
        uplink::{presence::PresenceFeed, queue::LinkQueue},
    };
}
