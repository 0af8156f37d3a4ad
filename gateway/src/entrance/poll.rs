//! The requests of long poll: the first begins a session, each later one asks it for what is new, and the
//! connection is kept for the next.

use std::{io::ErrorKind, net::TcpStream, sync::Arc, time::Duration};

use bytes::BytesMut;
use protocol::{SessionId, Transport, link::Errand, problem::Problem};
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_keepintvl};

use super::{
    arrivals::{Arrivals, Arrived},
    elsewhere::{self, Elsewhere},
    handshake::{Doorway, Unidentified},
    leaving::LINGER_BYTES,
    origins,
    question::{LONGEST_WAIT, goes_on, question},
    shown::Shown,
    sse::notice_cuts,
};
use crate::{
    access::admission::Refusal,
    http::request::Request,
    seats::{Arrival, Asking, Progress, Telling, Then},
    session::{Abandoned, Address, Answer, Polled, Reply, Runner, expired},
    tls,
};

/// The label of the handshake metric for a request that asks a session for what is new.
const POLL: &str = "poll";

impl Arrivals {
    /// A poll has come.
    pub(super) fn on_poll(
        &self,
        request: &Request<'_>,
        rest: &[u8],
        arrival: Box<Arrival>,
        seat: u32,
    ) -> Arrived {
        let local = &self.doorway.seats.local;
        if let Err(foreign) = origins::check(&local.settings, request, &arrival.socket) {
            return self.refuse(request, &Refusal::from(foreign).problem(), arrival);
        }
        let asked = question(request);
        let (answer, shown) = (Answer::for_seat(&local.calls, seat), Shown::by(request));
        let asking = asked.and_then(|question| {
            let polled = Polled {
                seen: question.seen,
                wait: question.wait,
                peer: self.client_of(request, &arrival.socket, seat),
                owner: None,
                proof: shown.proof(&local.directory.polls),
                expires: None,
                reply: Reply::new(&answer, expired),
            };
            match question.session {
                None => begin(&self.doorway, &shown, polled).map(Some),
                Some(session) => {
                    local.metrics.request(POLL);
                    go_on(&self.doorway, &shown, session, polled)
                }
            }
        });
        match asking {
            Ok(poller) => self.await_poll(request, rest, arrival, answer, poller),
            Err(problem) => self.refuse(request, &problem, arrival),
        }
    }

    /// Has the client wait for what is said to its poll: by a session here, which is to hear if it goes, or by
    /// one of another gateway. `rest` came behind the request.
    fn await_poll(
        &self,
        request: &Request<'_>,
        rest: &[u8],
        mut arrival: Box<Arrival>,
        answer: Arc<Answer>,
        poller: Option<Address>,
    ) -> Arrived {
        if !arrival.guard.is_pollers() {
            notice_lost(&arrival.socket, self.doorway.seats.local.settings.ping_interval);
        }
        // Where no session here stands for it, it keeps its place among others that wait.
        if poller.is_some() {
            arrival.guard.hold();
        }
        arrival.until_further_notice();
        let then = match goes_on(request) {
            true => Then::Next(rest.to_vec(), poller),
            false => Then::End(LINGER_BYTES, poller),
        };
        self.await_answer(request, arrival, answer, then)
    }

    /// Tells the client of a connection that goes on what its session has said; `words` have come meanwhile.
    pub(super) fn tell(
        &self,
        mut arrival: Box<Arrival>,
        bytes: Vec<u8>,
        words: Vec<u8>,
    ) -> Arrived {
        let local = &self.doorway.seats.local;
        arrival.guard.idle();
        arrival.until(local.clock.tick_after(local.settings.write_timeout));
        arrival.guard.keep(bytes.len() + words.len());
        arrival.progress = Progress::Telling(Box::new(Telling { bytes, told: 0, words }));
        self.tell_more(arrival)
    }

    /// Goes on telling, as far as the socket takes it.
    pub(super) fn tell_more(&self, mut arrival: Box<Arrival>) -> Arrived {
        let local = &self.doorway.seats.local;
        let Progress::Telling(telling) = &mut arrival.progress else {
            return Arrived::Waiting(arrival);
        };
        while telling.told < telling.bytes.len() {
            let rest = &telling.bytes[telling.told..];
            match tls::write(&arrival.socket, arrival.tls.as_deref_mut(), rest, &local.tls) {
                Ok(count) => telling.told += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Arrived::Waiting(arrival);
                }
                Err(_) => return Arrived::Gone,
            }
        }
        let words = BytesMut::from(&telling.words[..]);
        arrival.guard.keep(words.len());
        arrival.until(local.clock.tick_after(local.settings.poll_grace));
        arrival.progress = Progress::Speaking(words);
        Arrived::Waiting(arrival)
    }

    /// The client of a request is gone: its session is told, so that it does not wait in vain.
    pub(super) fn abandon(arrival: Arrival) {
        let Progress::Asking(Asking { answer, then, .. }) = arrival.progress else { return };
        drop(answer);
        if let Some(session) = then.poller().and_then(Address::upgrade) {
            session.do_send(Abandoned);
        }
    }
}

/// Begins a session, which the request asks at once.
fn begin(doorway: &Doorway, shown: &Shown<'_>, mut polled: Polled) -> Result<Address, Problem> {
    let seats = &doorway.seats;
    let started = seats.open(|seat| -> Result<Runner, Refusal> {
        let (read, greeting) = (BytesMut::new(), Vec::new());
        let client = Unidentified {
            socket: None,
            seat,
            transport: Transport::Poll,
            read,
            greeting,
            after: shown.after(),
        };
        client.identify(doorway, shown.credentials()).map_err(|refused| refused.refusal)
    });
    let (seat, address) = started.map_err(|refusal| refusal.problem())?;
    polled.wait = LONGEST_WAIT;
    seats.turn(seat, |session, _| {
        session.on_polled(polled);
        false
    });
    Ok(address)
}

/// Asks a session; one that is here comes back, to hear if its client goes.
fn go_on(
    doorway: &Doorway,
    shown: &Shown<'_>,
    session: SessionId,
    polled: Polled,
) -> Result<Option<Address>, Problem> {
    let local = &doorway.seats.local;
    let directory = &local.directory;
    let found = directory.polls.find(session);
    if let Some((address, Some(proof))) = &found
        && polled.proof == Some(*proof)
    {
        return ask(address.clone(), Polled { proof: None, ..polled });
    }
    let identity = shown.identity(&local.authenticator)?;
    let Some((address, _)) = found else {
        if directory.has_given(session) {
            return Err(expired());
        }
        let Polled { seen, wait, reply, .. } = polled;
        let wanted = poll(seen, wait, identity.expires);
        elsewhere::ask(local, identity, session, wanted, reply);
        return Ok(None);
    };
    let owner = Some(directory.polls.owner(&identity.user, identity.device.as_ref()));
    ask(address, Polled { owner, expires: identity.expires, ..polled })
}

fn ask(address: Address, polled: Polled) -> Result<Option<Address>, Problem> {
    address.upgrade().ok_or_else(expired)?.do_send(polled);
    Ok(Some(address))
}

/// What another gateway's session is asked.
fn poll(seen: u32, wait: Duration, expires: Option<u64>) -> Elsewhere {
    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let errand = Errand::Poll { seen, wait_ms, expires };
    Elsewhere { errand, wait, nowhere: moved }
}

/// Nobody knows the session.
fn moved() -> Problem {
    let detail = "no such session is known: begin a new one, with what was seen last";
    Problem::new(410, "Gone", detail).coded("moved")
}

/// Has the kernel notice within two intervals that a client is gone that says nothing while it waits
/// (tcp(7), `TCP_KEEPIDLE`).
fn notice_lost(socket: &TcpStream, interval: Duration) {
    let interval = interval.max(Duration::from_secs(1));
    // Without them the session notices later, by the time of the request.
    let _ = set_socket_keepalive(socket, true);
    let _ = set_tcp_keepidle(socket, interval);
    let _ = set_tcp_keepintvl(socket, interval);
    notice_cuts(socket, interval);
}
