//! A session: one connected client, one actix actor, almost nothing while it is idle.
//!
//! [`context`] runs the actor without a context of actix's size, [`io`] moves bytes between the
//! socket and the session, [`inbound`] acts on what the client says, [`outbound`] is how frames
//! leave, [`mailbox`] is what other parts of the gateway may ask of it, [`lifecycle`] is its
//! beginning, its deadlines and its end, and [`membership`] its place in the gateway's tables.

mod context;
mod inbound;
mod io;
mod lifecycle;
mod mailbox;
mod membership;
mod outbound;

use std::net::TcpStream;

use actix::Actor;
use bytes::BytesMut;
use protocol::Topic;

use self::membership::Membership;
pub use self::{
    context::{After, Running, SessionContext},
    mailbox::{Admit, Close, Describe, Topical},
};
use crate::{
    admission::Permit,
    auth::Identity,
    outbound::Outbound,
    transports::{Transport, websocket::message::Assembly},
};

/// An admitted client on its way to being a session.
pub struct Joining {
    /// The connection, which the worker waits for.
    pub socket: TcpStream,
    /// The seat that was kept for it.
    pub seat: u32,
    /// What it speaks.
    pub transport: Transport,
    /// What it has sent already behind its handshake.
    pub read: BytesMut,
    /// What it must be sent before its first frame.
    pub greeting: Vec<u8>,
    /// Who it is; nobody for an echo session.
    pub identity: Option<Identity>,
    /// Its room; none for the gateway's own sessions, which are not counted.
    pub permit: Option<Permit>,
}

/// Where a session stands. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Registered, but not every pusher-api knows yet; the client waits for its hello.
    Joining,
    /// Hello was said.
    Live,
    /// The close was said; waiting for the client's.
    Closing,
    /// The connection is over.
    Gone,
}

/// What only some sessions need, and only at times.
#[derive(Default)]
struct Rare {
    /// Frames the socket would not take yet.
    outbound: Outbound,
    /// When the socket must have taken some of them, in ticks.
    write_deadline: u32,
    /// The start of a frame whose end has not come yet.
    partial: Vec<u8>,
    /// The start of a fragmented message.
    assembly: Option<Assembly>,
    /// Subscriptions.
    topics: Vec<Topic>,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.outbound.is_empty()
            && self.partial.is_empty()
            && self.assembly.is_none()
            && self.topics.is_empty()
    }
}

/// One connected client.
pub struct Session {
    member: Membership,
    socket: TcpStream,
    rare: Option<Box<Rare>>,
    /// The tick in which the worker looks at its deadlines next.
    due: u32,
    /// The tick at which the session began.
    since: u32,
    /// The tick at which the token expires.
    expires: u32,
    /// The tick at which the next ping is due, or, when closing, the end.
    ping_due: u32,
    /// The number of the last broadcast it got.
    broadcast: u32,
    /// The second in which frames are being counted, and how many came in it.
    frame_window: u32,
    frames: u16,
    stage: Stage,
    /// Whether anything came since the last ping.
    heard: bool,
    /// Whether what comes from the client can no longer be understood.
    deaf: bool,
    /// Whether the socket would not take more when it was last tried.
    blocked: bool,
}

impl Actor for Session {
    type Context = SessionContext;

    fn stopped(&mut self, _: &mut SessionContext) {
        let waiting = self.outbound_len() as i64;
        self.member.worker.gateway.metrics.outbound_queued.sub(waiting);
    }
}

impl Session {
    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Gives back the memory of what is not needed any more.
    fn shed(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| rare.is_empty()) {
            self.rare = None;
        }
    }

    fn outbound_len(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.outbound.len())
    }

    fn has_outbound(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.outbound.is_empty())
    }
}
