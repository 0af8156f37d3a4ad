//! Connections that are not sessions, on their way to another process.

use std::{
    collections::HashMap,
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use bytes::BytesMut;
use parking_lot::Mutex;
use protocol::problem::Problem;

use super::{
    arrivals::{Arrivals, Arrived},
    leaving::{Farewell, LINGER_BYTES},
};
use crate::{
    access::pending::PendingGuard,
    handover::records::{ArrivalRecord, Bytes, PortRecord, ProgressRecord},
    runtime::wheel::NEVER,
    seats::{Arrival, Asking, Port, Progress, Telling, Then},
    session::{Address, Answer, Polled, Reply, expired},
};

/// Sessions that hold a request, by the numbers of their tickets: where each is, how many answers it has given, and
/// for how many milliseconds more it holds it.
#[derive(Default)]
pub(crate) struct Tickets(Mutex<HashMap<u64, (Address, u32, i64)>>);

impl Tickets {
    /// The session here holds the request of this ticket.
    pub(crate) fn enter(&self, ticket: u64, session: Address, answers: u32, millis: i64) {
        self.0.lock().insert(ticket, (session, answers, millis));
    }
}

/// As it is given to another process.
pub(crate) fn record(
    arrival: &Arrival,
    client: Option<SocketAddr>,
    left_ms: Option<i64>,
) -> ArrivalRecord {
    let progress = match &arrival.progress {
        Progress::Speaking(words) => ProgressRecord::Speaking {
            words: Bytes(words.to_vec()),
            is_idle: arrival.guard.is_pollers(),
        },
        Progress::Asking(Asking { answer, reader, then }) => ProgressRecord::Asking {
            ticket: answer.ticket(),
            reader: reader.as_deref().map(str::to_owned),
            words: match then {
                Then::End(..) => None,
                Then::Next(words, _) => Some(Bytes(words.clone())),
            },
        },
        Progress::Telling(telling) => ProgressRecord::Telling {
            bytes: Bytes(telling.bytes[telling.told..].to_vec()),
            words: Bytes(telling.words.clone()),
        },
        Progress::Answered(_) => ProgressRecord::Answered,
    };
    ArrivalRecord {
        port: match arrival.port {
            Port::Http => PortRecord::Http,
            Port::Tcp => PortRecord::Tcp,
            Port::WebSocket => PortRecord::WebSocket,
        },
        is_proxied: arrival.is_proxied,
        client,
        progress,
        device: arrival.device.as_deref().map(str::to_owned),
        left_ms,
    }
}

/// What is said where it is not known whether something was done.
fn interrupted() -> Problem {
    Problem::unavailable("the gateway has given its sessions to its successor; ask again")
}

impl Arrivals {
    /// Says what the connection in a seat was to be told by a session, which says no more from here on. One that asks
    /// another gateway's is told to ask again, because that answer would not find it.
    pub(crate) fn answer_before_leaving(&self, arrival: Box<Arrival>) -> Arrived {
        let has_poller = |asking: &Asking| asking.then.poller().is_some();
        let arrival = match self.tell_answer(arrival) {
            Arrived::Waiting(arrival) => arrival,
            settled => return settled,
        };
        match &arrival.progress {
            // A connection of TLS does not go, and its session may.
            Progress::Asking(asking) if !has_poller(asking) || arrival.tls.is_some() => {
                let reader = asking.reader.clone();
                self.say(arrival, &Farewell::of_session(Err(interrupted()), reader.as_deref()))
            }
            _ => Arrived::Waiting(arrival),
        }
    }

    /// Acts on what has come and was left for the successor, which does not come.
    pub(crate) fn act(&self, arrival: Box<Arrival>, seat: u32) -> Arrived {
        self.on_words(arrival, seat)
    }

    /// Goes on with a connection of another process, which has this seat.
    pub(crate) fn resume(
        &self,
        record: ArrivalRecord,
        socket: TcpStream,
        seat: u32,
        tickets: &Tickets,
    ) -> Arrived {
        let ArrivalRecord { port, is_proxied, client, progress, device, left_ms } = record;
        let local = &self.doorway.seats.local;
        let port = match port {
            PortRecord::Http => Port::Http,
            PortRecord::Tcp => Port::Tcp,
            PortRecord::WebSocket => Port::WebSocket,
        };
        let mut guard = self.pending().enter(seat);
        let progress = self.resume_progress(progress, &mut guard, seat, tickets);
        if let Some(client) = client {
            local.addresses.borrow_mut().note(seat, client.into());
        }
        let deadline = left_ms.map_or(NEVER, |millis| local.clock.tick_in(millis));
        let device = device.map(String::into_boxed_str);
        let (tls, due) = (None, NEVER);
        let arrival =
            Arrival { socket, tls, port, is_proxied, progress, device, deadline, due, guard };
        let mut arrival = Box::new(arrival);
        if arrival.is_told() {
            arrival = match self.tell_more(arrival) {
                Arrived::Waiting(arrival) => arrival,
                settled => return settled,
            };
        }
        match arrival.has_words() {
            true => self.on_words(arrival, seat),
            false => Arrived::Waiting(arrival),
        }
    }

    fn resume_progress(
        &self,
        progress: ProgressRecord,
        guard: &mut PendingGuard,
        seat: u32,
        tickets: &Tickets,
    ) -> Progress {
        match progress {
            ProgressRecord::Speaking { words, is_idle } => {
                if is_idle {
                    guard.idle();
                }
                guard.keep(words.0.len());
                Progress::Speaking(BytesMut::from(&words.0[..]))
            }
            ProgressRecord::Asking { ticket, reader, words } => {
                guard.hold();
                Progress::Asking(self.ask_again(ticket, reader, words, seat, tickets))
            }
            ProgressRecord::Telling { bytes, words } => {
                guard.idle();
                guard.keep(bytes.0.len() + words.0.len());
                Progress::Telling(Box::new(Telling { bytes: bytes.0, told: 0, words: words.0 }))
            }
            ProgressRecord::Answered => {
                guard.answered();
                Progress::Answered(LINGER_BYTES)
            }
        }
    }

    /// Has the session of a ticket hold the request as it did; one that is not here has ended.
    fn ask_again(
        &self,
        ticket: u64,
        reader: Option<String>,
        words: Option<Bytes>,
        seat: u32,
        tickets: &Tickets,
    ) -> Asking {
        let answer = Answer::for_seat(&self.doorway.seats.local.calls, seat);
        let reply = Reply::new(&answer, expired);
        let found = tickets.0.lock().remove(&ticket);
        let session = found.as_ref().map(|(session, ..)| session.clone());
        if let Some((session, seen, millis)) = found
            && let Some(session) = session.upgrade()
        {
            let wait = Duration::from_millis(u64::try_from(millis).unwrap_or(0).max(1));
            let (peer, owner, proof, expires) = (None, None, None, None);
            session.do_send(Polled { seen, wait, peer, owner, proof, expires, reply });
        }
        let then = match words {
            Some(words) => Then::Next(words.0, session),
            None => Then::End(LINGER_BYTES, session),
        };
        Asking { answer, reader: reader.map(String::into_boxed_str), then }
    }
}
