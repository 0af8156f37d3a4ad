//! Walks over real seats.

use std::{
    io::Read,
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
};

use bytes::BytesMut;
use protocol::{Topic, Transport, UserId};

use super::*;
use crate::{
    access::{admission::Admission, identity::Identity, keys::keeper::Keeper},
    delivery::{frame::SharedFrame, lane::Lane, message::Push},
    ledger::Bounds,
    runtime::{acceptance::Accepted, reactor::Reactor},
    session::{Client, Joining, Local, Session, Shared},
    settings::tests::settings,
};

struct Worker {
    seats: Rc<Seats>,
    admission: Admission,
}

impl Worker {
    fn new() -> Self {
        let settings = settings(&[]);
        let bounds = Bounds::of(&settings, None);
        let admission = Admission::new(&settings);
        let authenticator = Keeper::load(&settings).expect("no keys").authenticator;
        let (shared, lane) = (Shared::new(settings, authenticator, bounds), Arc::new(Lane::new(0)));
        shared.fan_out.set_lanes(vec![Arc::clone(&lane)]);
        let sockets = Reactor::new().expect("a reactor").sockets();
        let seats = Seats::new(Rc::new(Local::new(shared, lane)), sockets);
        Self { seats, admission }
    }

    /// A client of this user with the topic `t`, behind its hello.
    fn join(&self, number: usize) -> UnixStream {
        let (socket, mut peer) = UnixStream::pair().expect("a pair");
        socket.set_nonblocking(true).expect("a socket");
        peer.set_nonblocking(true).expect("a socket");
        let identity = Identity {
            topics: vec![Topic::new("t").expect("a topic")],
            ..Identity::of(UserId::new(&format!("u{number}")).expect("a user"))
        };
        let permit = Some(self.admission.admit().expect("room"));
        let started = self.seats.start(OwnedFd::from(socket).into(), |socket, seat| {
            let joining = Joining {
                socket: Some(socket.into()),
                seat,
                transport: Transport::Tcp,
                read: BytesMut::new(),
                greeting: Vec::new(),
                client: Client::User(identity),
                after: crate::session::Cursors::default(),
                permit,
            };
            Session::start(&self.seats.local, joining)
        });
        assert!(started.is_ok_and(|joined| joined.is_ok()), "it joins");
        // Its hello is let through by a message.
        self.seats.taken().into_iter().for_each(|seat| self.seats.turn(seat, |_, _| false));
        assert!(heard(&mut peer).starts_with(r#"{"type":"hello""#));
        peer
    }

    fn push(&self, topic: Option<&str>, json: &str) {
        let local = &self.seats.local;
        let frame = SharedFrame::new(json.as_bytes(), &local.push_memory, &mut Vec::new());
        let push = Push { frame, accepted: Accepted::now(), receipt: None };
        match topic {
            None => local.fan_out.to_all(&push),
            Some(topic) => local.fan_out.to_topic(topic, &local.directory.topics, &push),
        }
    }

    /// How many slices it took until nothing was left to do.
    fn walk(&self) -> usize {
        let (mut met, mut slices) = (Vec::new(), 0);
        loop {
            let done = slice(&self.seats, &mut met);
            assert!(done.sessions <= SLICE, "others must not wait longer");
            if !self.seats.local.walks.borrow().is_busy() {
                return slices;
            }
            slices += 1;
        }
    }
}

fn heard(peer: &mut UnixStream) -> String {
    let mut bytes = [0; 4096];
    let count = peer.read(&mut bytes).unwrap_or(0);
    String::from_utf8(bytes[..count].to_vec()).expect("text")
}

#[actix_rt::test]
async fn everybody_is_met_in_slices_and_what_gathered_travels_together() {
    let worker = Worker::new();
    let mut peers: Vec<_> = (0..200).map(|number| worker.join(number)).collect();
    for topic in [None, Some("t"), None] {
        worker.push(topic, r#"{"n":1}"#);
    }
    let local = &worker.seats.local;
    assert_eq!(local.fan_out.backlog().recipients, 600);
    // Seats of two walks, of which the second finds that everybody has everything.
    let slices = worker.walk();
    assert!((400 / SLICE..=1024 / SLICE).contains(&slices), "{slices}");
    for peer in &mut peers {
        assert_eq!(heard(peer), "{\"n\":1}\n".repeat(3));
    }
    assert_eq!(local.fan_out.backlog().recipients, 0);
    assert_eq!(local.push_memory.used(), 0);
}

#[actix_rt::test]
async fn a_panic_costs_its_session_and_nobody_else() {
    let worker = Worker::new();
    let Worker { seats, .. } = &worker;
    let mut peers: Vec<_> = (0..5).map(|number| worker.join(number)).collect();
    worker.push(Some("t"), r#"{"n":1}"#);
    let doomed = seats.taken();
    seats.turn(doomed[1], |_, _| panic!("in its turn"));
    seats.step(doomed[3], || panic!("outside its turn"));
    worker.walk();
    let local = &seats.local;
    let directory = &local.directory;
    assert_eq!(local.metrics.session_panics.get(), 2);
    assert_eq!((seats.taken().len(), directory.registry.users()), (3, 3));
    assert_eq!((directory.topics.count("t"), local.lane.load.sessions()), (3, 3));
    assert_eq!(local.metrics.all_sessions(), 3);
    let heard = [0, 1, 2, 3, 4].map(|client| heard(&mut peers[client]).len());
    assert_eq!(heard, [8, 0, 8, 0, 8], "the others have theirs");
}
