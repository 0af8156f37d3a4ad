//! What a session is made of, and where it stands.

use std::net::TcpStream;

use actix::WeakAddr;
use protocol::{CloseReason, TopicPattern};

use super::{
    allowance::Allowance,
    holding::Holding,
    holdings::Held,
    kept::{Listed, Replay},
    local,
    membership::Membership,
    queue::OutboundQueue,
};
use crate::{
    delivery::walks::Seen,
    directory,
    tls::Tls,
    transports::{inbound::Assembly, table::wire, wire::Wire},
};

/// Where a session is reached; it is kept alive by its thread and not by addresses.
pub(crate) type Address = WeakAddr<Session>;
/// Who is here, and where.
pub(crate) type Directory = directory::Directory<Address>;
/// What the sessions of all threads share.
pub(crate) type Shared = local::Shared<Address>;
/// What the sessions of one thread share.
pub(crate) type Local = local::Local<Address>;

/// Where a session stands. It only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Registered, but not every pusher-api knows yet; the client waits for its hello.
    Joining,
    /// Hello was said.
    Live,
    /// The close was said; waiting for the client's.
    Closing,
    /// The connection is over.
    Gone,
}

/// Whether a client owes a sign that it is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// It need not answer pings, as it has never done.
    NotAsked,
    /// Something came since the last ping.
    Given,
    /// Nothing has.
    Owed,
}

/// What only some sessions need, and only at times.
#[derive(Default)]
pub(super) struct Rare {
    /// Frames the socket would not take yet.
    pub(super) outbound: OutboundQueue,
    /// When the socket must have taken some of them, in ticks.
    pub(super) write_deadline: u32,
    /// The start of a frame whose end has not come yet.
    pub(super) partial: Vec<u8>,
    /// Whether there may be more to act on before the socket tells: whole frames that a turn had no
    /// room for, or what came behind a handshake.
    pub(super) backlog: bool,
    /// The start of a fragmented message.
    pub(super) assembly: Option<Assembly>,
    /// How many gates it waits behind, until pusher-apis know what it is to be told of; nothing is
    /// written meanwhile.
    pub(super) gates: u32,
    /// What the client may subscribe to, as its token says.
    pub(super) subscribable: Box<[TopicPattern]>,
    /// When what has begun must have come whole, in ticks.
    pub(super) whole_by: Option<u32>,
    /// The logs that ids of events name.
    pub(super) ids: Vec<Listed>,
    /// Logs of which it has not everything, and what waits for that.
    pub(super) replays: Vec<Replay>,
    /// TLS, where it is spoken.
    pub(super) tls: Option<Box<Tls>>,
    /// The record of what it holds, if that is anything.
    pub(super) holding: Option<Holding<Address>>,
}

impl Rare {
    fn is_empty(&self) -> bool {
        self.outbound.is_empty()
            && self.partial.is_empty()
            && !self.backlog
            && self.assembly.is_none()
            && self.gates == 0
            && self.subscribable.is_empty()
            && self.replays.is_empty()
            && self.ids.is_empty()
            && self.tls.is_none()
    }

    /// What it holds of memory.
    pub(super) fn held(&self) -> Held {
        let begun = self.assembly.as_ref().map_or(0, |message| message.bytes.capacity());
        let tls = self.tls.as_ref().map_or((0, 0), |tls| (tls.incomplete(), tls.waiting()));
        Held {
            incomplete: self.partial.capacity() + begun + tls.0,
            queue: self.outbound.own_bytes()
                + tls.1
                + self.replays.iter().map(Replay::own_bytes).sum::<usize>(),
            waiting: self.outbound.len()
                + self.replays.iter().map(Replay::waiting_bytes).sum::<usize>(),
            closing: false,
        }
    }

    /// Whether something is on its way, in either direction.
    pub(super) fn is_under_way(&self) -> bool {
        let waits = !self.outbound.is_empty() || self.gates > 0 || !self.replays.is_empty();
        waits || self.is_incomplete()
    }

    /// Whether something has begun that has not come whole.
    pub(super) fn is_incomplete(&self) -> bool {
        !self.partial.is_empty()
            || self.assembly.is_some()
            || self.tls.as_ref().is_some_and(|tls| tls.incomplete() > 0)
    }
}

/// One connected client.
pub(crate) struct Session {
    pub(super) member: Membership<Address>,
    /// None if it is asked by requests.
    pub(super) socket: Option<TcpStream>,
    pub(super) rare: Option<Box<Rare>>,
    /// The tick in which the worker looks at its deadlines next.
    pub(super) due: u32,
    /// The tick at which the session began.
    pub(super) since: u32,
    /// When the token expires, in seconds since the Unix epoch: by the wall clock, which may be set.
    pub(super) expires: u32,
    /// The tick at which the next ping is due, or, when closing, the end.
    pub(super) ping_due: u32,
    /// How far it has all fan-outs that concern it.
    pub(super) seen: Seen,
    /// What the client may still send.
    pub(super) allowance: Allowance,
    pub(super) stage: Stage,
    /// Why it ends, once it does.
    pub(super) reason: Option<CloseReason>,
    /// What the client owes.
    pub(super) sign: Sign,
    /// Whether the socket would not take more when it was last tried.
    pub(super) blocked: bool,
}

impl Session {
    /// What the sessions of its thread share.
    pub(super) fn local(&self) -> &Local {
        &self.member.local
    }

    /// The bytes of its transport.
    pub(super) fn wire(&self) -> &'static dyn Wire {
        wire(self.member.transport)
    }

    /// Something came of the client.
    pub(super) fn hear(&mut self) {
        if self.sign == Sign::Owed {
            self.sign = Sign::Given;
        }
    }

    pub(super) fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// Gives back the memory of what is not needed any more.
    pub(super) fn shed(&mut self) {
        if self.rare.as_ref().is_some_and(|rare| rare.is_empty()) {
            self.rare = None;
        }
    }

    /// Whether what it is sent waits until pusher-apis know what it is told of.
    pub(super) fn is_held_back(&self) -> bool {
        match self.stage {
            Stage::Joining => true,
            Stage::Live => self.rare.as_ref().is_some_and(|rare| rare.gates > 0),
            Stage::Closing | Stage::Gone => false,
        }
    }

    pub(super) fn outbound_len(&self) -> usize {
        self.rare.as_ref().map_or(0, |rare| rare.outbound.len())
    }

    pub(super) fn has_outbound(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.outbound.is_empty())
    }
}

impl Drop for Session {
    /// What still waits is lost, whatever ended it.
    fn drop(&mut self) {
        self.say_closed();
        self.leave_pollers();
        self.local().places.borrow_mut().clear(self.member.seat);
        self.local().addresses.borrow_mut().clear(self.member.seat);
        let waiting = |rare: &Rare| {
            rare.outbound.pushes() + rare.replays.iter().map(Replay::live).sum::<usize>()
        };
        self.lose(self.rare.as_deref().map_or(0, waiting));
    }
}
