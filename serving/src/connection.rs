//! One connection: request after request, each answered before the next is looked at.

use std::{io, net::SocketAddr, rc::Rc};

use actix_http::{
    Request, Response, ServiceConfig,
    body::BoxBody,
    h1::{Codec, MessageType},
    header::{HeaderName, HeaderValue},
};
use actix_web::HttpMessage;
use bytes::BytesMut;
use futures::future::LocalBoxFuture;
use protocol::problem::Problem;
use socket2::SockRef;
use tracing::debug;

use crate::{
    answer,
    body::Body,
    budget::{Budget, Seat},
    handshake::Accepted,
    head::{self, NoRequest},
    problem,
    secured::Secured,
    upgrade::{Switch, Upgrade},
    waits::Wait,
    wire::Wire,
};

/// Answers one request.
pub(crate) type Handler = Box<dyn Fn(Request) -> LocalBoxFuture<'static, Response<BoxBody>>>;

/// Most bytes of a refused body that are thrown away, so that its sender comes to read the answer.
const THROWN_AWAY: usize = 4 << 20;
/// The same behind what is no request at all.
const THROWN_AWAY_OF_NONSENSE: usize = 128 << 10;

/// What answers requests on a thread.
pub(crate) struct Service {
    /// Answers ordinary requests.
    pub handler: Handler,
    /// Decides about upgrades, where there are any.
    pub upgrade: Option<Upgrade>,
    /// Paths that are answered however many requests are in progress.
    pub always: &'static [&'static str],
    /// What every answer says besides.
    pub mark: Option<(HeaderName, HeaderValue)>,
    /// How answers are written.
    pub config: ServiceConfig,
    /// What connections may cost.
    pub budget: Rc<Budget>,
}

/// What becomes of a connection.
enum Next {
    /// The next request.
    GoOn,
    /// The end, once the peer has taken the answer; so many bytes of it are thrown away.
    Farewell(usize),
    /// Another protocol.
    Switch(Switch),
}

/// A connection at work.
struct Connection {
    wire: Rc<Wire>,
    service: Rc<Service>,
    peer: SocketAddr,
    secured: Secured,
}

/// Serves a connection until it is over or has become something else.
pub(crate) async fn serve(service: Rc<Service>, accepted: Accepted, seat: Seat) {
    let (peer, at) = (accepted.peer, accepted.at);
    let handshakes = &service.budget.counters.handshakes;
    let Some(stream) = accepted.open(&seat, handshakes).await else { return };
    let secured = Secured::of(&stream);
    let wire = Wire::new(stream, at, seat, Codec::new(service.config.clone()));
    let connection = Connection { wire, service, peer, secured };
    match connection.run().await {
        Ok(Some(switch)) => {
            let Connection { wire, .. } = connection;
            // No body shares it: an upgrade has none.
            if let Some(wire) = Rc::into_inner(wire) {
                switch(wire.stream.into_inner(), wire.read.into_inner());
            }
        }
        Ok(None) => connection.wire.say_end(),
        Err(error) => {
            debug!(%peer, %error, "http connection ended");
            connection.wire.say_end();
            connection.reset_if_stuck();
        }
    }
}

impl Connection {
    async fn run(&self) -> io::Result<Option<Switch>> {
        let mut is_first = true;
        loop {
            let next = match head::read(&self.wire, is_first).await {
                Ok(request) => self.on_request(request).await?,
                Err(NoRequest::Gone) => return Ok(None),
                Err(NoRequest::Refused(refusal)) => {
                    // What was known of the last request does not hold for this one.
                    self.wire.codec.replace(Codec::new(self.service.config.clone()));
                    self.refuse(&refusal).await?;
                    Next::Farewell(THROWN_AWAY_OF_NONSENSE)
                }
            };
            match next {
                Next::GoOn => is_first = false,
                Next::Farewell(most) => return self.say_farewell(most).await.map(|()| None),
                Next::Switch(switch) => return Ok(Some(switch)),
            }
            self.wire.begin_wait();
            self.wire.take_turn().await?;
        }
    }

    async fn on_request(&self, mut request: Request) -> io::Result<Next> {
        request.head_mut().peer_addr = Some(self.peer);
        request.extensions_mut().insert(self.secured);
        if let Some(upgrade) = self.service.upgrade.as_ref().filter(|_| request.upgrade()) {
            return match upgrade(&request) {
                Ok(switch) => Ok(Next::Switch(switch)),
                Err(response) => self.answer((*response).into(), true).await,
            };
        }
        let awaits_continue = match head::awaits_continue(&request) {
            Ok(awaits) => awaits,
            Err(refusal) => return self.refuse(&refusal).await,
        };
        let kind = self.wire.codec.borrow().message_type();
        if kind == MessageType::Payload {
            *request.payload() = Body::payload(&self.wire, awaits_continue);
        }
        let holding = self.wire.seat.begin_request();
        if self.service.budget.is_full_of_requests()
            && !self.service.always.contains(&request.path())
        {
            drop(request);
            let refusal = Problem::unavailable("too many requests are in progress");
            return self.refuse(&refusal).await;
        }
        request.extensions_mut().insert(holding);
        let response = (self.service.handler)(request).await;
        // What would follow a request without an end (CONNECT, an upgrade nobody offers) is nothing.
        self.answer(response, kind == MessageType::Stream).await
    }

    async fn refuse(&self, refusal: &Problem) -> io::Result<Next> {
        self.service.budget.counters.refused(refusal.status);
        self.answer(problem::response(refusal).into(), true).await
    }

    async fn answer(&self, response: Response<BoxBody>, is_last: bool) -> io::Result<Next> {
        let ends = is_last || self.service.budget.is_stopping() || !self.wire.body_is_over();
        let holding = self.wire.seat.begin_request();
        let mark = self.service.mark.as_ref();
        let goes_on = answer::send(&self.wire, &holding, mark, response, ends).await?;
        self.wire.seat.end_request();
        Ok(if goes_on { Next::GoOn } else { Next::Farewell(THROWN_AWAY) })
    }

    /// Has the peer close first: a close with bytes unread would be a reset, and the answer might be
    /// lost with it (RFC 9112 section 9.6).
    async fn say_farewell(&self, most: usize) -> io::Result<()> {
        if self.wire.seat.ending().is_some() {
            return Ok(());
        }
        self.wire.begin_wait();
        self.wire.shut_down()?;
        let mut thrown_away = 0;
        while thrown_away < most {
            let read = self.wire.read.replace(BytesMut::new());
            thrown_away += read.len();
            drop(read);
            if !self.wire.fill(Wait::Farewell).await? {
                break;
            }
            self.wire.take_turn().await?;
        }
        Ok(())
    }

    /// What a peer does not take would stay in the kernel for minutes.
    fn reset_if_stuck(&self) {
        if self.wire.seat.ending().is_some_and(|ending| ending.wait == Wait::Answer) {
            // It is lost either way.
            let stream = self.wire.stream.borrow();
            let _ = SockRef::from(stream.tcp()).set_linger(Some(std::time::Duration::ZERO));
        }
    }
}
