//! What a worker does for its sessions, by hand.

use std::{
    collections::BTreeMap,
    net::TcpStream,
    os::{fd::OwnedFd, unix::net::UnixStream},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use bytes::BytesMut;
use futures::FutureExt;
use protocol::{
    Device, MessageId, Topic, TopicPattern, Transport, UserId,
    clock::micros_since_epoch,
    link::{EntryLayout, PushEntry, TargetRef, Up},
    receipt::Receipt,
};

use crate::{
    access::{admission::Admission, identity::Identity, keys::keeper::Keeper},
    delivery::{
        dispatch::{Delivery, Unfinished},
        fan_out::FanOut,
        lane::Lane,
    },
    ledger::Bounds,
    runtime::{
        acceptance::{Accepted, Arrival},
        clock::{stopped, ticks},
        reactor::Ready,
    },
    session::{
        self, Address, After, Cursors, GivenUp, Joining, Local, Runner, Session, SessionContext,
        Shared, Topical,
    },
    settings::{Settings, tests::settings},
    uplink::queue::LinkQueue,
};

use super::client::Client;

/// Transports whose clients speak on the session's own connection.
pub(super) const WITH_A_WAY_UP: [Transport; 2] = [Transport::WebSocket, Transport::Tcp];
/// Frames that clients were sent.
pub(super) const FRAMES_OUT: &str = "holdfast_frames_out_total";

/// Sessions, and time.
pub(super) struct Thread {
    pub(super) local: Rc<Local>,
    admission: Admission,
    runners: BTreeMap<u32, Runner>,
    delivery: Delivery<Address>,
    /// Where receipts go.
    link: Arc<LinkQueue>,
    next_seat: u32,
}

/// Who comes.
pub(super) struct Who<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) device: Option<&'a str>,
    pub(super) topics: &'a [&'a str],
    pub(super) subscribe: &'a [&'a str],
    pub(super) expires: Option<u64>,
    pub(super) greeting: &'a [u8],
    pub(super) read: &'a [u8],
}

impl Default for Who<'_> {
    fn default() -> Self {
        let (device, expires) = (None, None);
        Self {
            user: Some("u"),
            device,
            topics: &[],
            subscribe: &[],
            expires,
            greeting: b"",
            read: b"",
        }
    }
}

impl Thread {
    /// A thread of a gateway with these flags, at tick 0.
    pub(super) fn new(flags: &[&str]) -> Self {
        Self::changed(flags, |_, _| {})
    }

    /// The same, with other bounds of memory.
    pub(super) fn with_bounds(flags: &[&str], change: impl FnOnce(&mut Bounds)) -> Self {
        Self::changed(flags, |_, bounds| change(bounds))
    }

    /// The same, with settings that nobody may give.
    pub(super) fn with_settings(flags: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        Self::changed(flags, |settings, _| change(settings))
    }

    fn changed(flags: &[&str], change: impl FnOnce(&mut Settings, &mut Bounds)) -> Self {
        stopped::at(0);
        stopped::set_wall(0);
        let mut settings = settings(flags);
        let mut bounds = Bounds::of(&settings, Some(1 << 30));
        change(&mut settings, &mut bounds);
        let admission = Admission::new(&settings);
        let keeper = Keeper::load(&settings).expect("good keys");
        let mut shared = Shared::new(settings, keeper.authenticator, bounds);
        // Near to where the half of it that sessions remember begins anew.
        shared.fan_out = Arc::new(FanOut::counting_from(u64::from(u32::MAX) - 9));
        let lane = Arc::new(Lane::new(0));
        shared.fan_out.set_lanes(vec![Arc::clone(&lane)]);
        let link = Arc::<LinkQueue>::default();
        let delivery = Delivery::new(
            Arc::clone(&shared.directory),
            Arc::clone(&shared.fan_out),
            Arc::clone(&shared.push_memory),
            Arc::clone(&link),
            shared.metrics.deliveries.no_session.clone(),
        );
        let local = Rc::new(Local::new(shared, lane));
        Self { local, admission, runners: BTreeMap::new(), delivery, link, next_seat: 0 }
    }

    /// Starts a session and gives everybody their turns; nothing if the user has too many.
    pub(super) fn try_join(&mut self, transport: Transport, who: &Who<'_>) -> Option<Client> {
        let (socket, peer) = UnixStream::pair().expect("a pair");
        socket.set_nonblocking(true).expect("a socket");
        peer.set_nonblocking(true).expect("a socket");
        rustix::net::sockopt::set_socket_send_buffer_size(&socket, 4096).expect("a socket");
        let seat = self.next_seat;
        self.next_seat += 1;
        let pattern = |text: &&str| TopicPattern::new(text).expect("a pattern");
        let own = who.topics.iter().chain(who.subscribe).map(pattern);
        let user = |user| Identity {
            subscribable: own.collect(),
            device: who.device.map(|device| Device::new(device).expect("a device")),
            topics: who.topics.iter().map(|topic| Topic::new(topic).expect("a topic")).collect(),
            expires: who.expires,
            ..Identity::of(UserId::new(user).expect("a user id"))
        };
        let client = match who.user {
            Some(name) => session::Client::User(user(name)),
            None => session::Client::Echo { expires: who.expires },
        };
        let joining = Joining {
            socket: (transport != Transport::Poll)
                .then(|| TcpStream::from(OwnedFd::from(socket)).into()),
            seat,
            transport,
            read: BytesMut::from(who.read),
            greeting: who.greeting.to_vec(),
            client,
            after: Cursors::default(),
            permit: Some(self.admission.admit().expect("room")),
        };
        let there = self.local.directory.registry.sessions(who.user.unwrap_or_default());
        let before: Vec<_> = there.iter().map(|one| one.id).collect();
        let runner = Session::start(&self.local, joining).ok()?;
        self.runners.insert(seat, runner);
        self.settle();
        let speaks_elsewhere = !WITH_A_WAY_UP.contains(&transport);
        let address = who.user.filter(|_| speaks_elsewhere).and_then(|user| {
            let sessions = self.local.directory.registry.sessions(user);
            sessions.into_iter().find(|one| !before.contains(&one.id)).map(|one| one.address)
        });
        Some(Client::new(peer, seat, transport, address))
    }

    /// The same, where there is room.
    pub(super) fn join(&mut self, transport: Transport, who: &Who<'_>) -> Client {
        self.try_join(transport, who).expect("room")
    }

    /// A client that has had its hello.
    pub(super) fn client(&mut self, transport: Transport) -> Client {
        let mut client = self.join(transport, &Who::default());
        let heard = client.heard();
        assert!(heard.len() == 1 && heard[0].starts_with(r#"{"type":"hello""#), "{heard:?}");
        client
    }

    /// Gives a session its turn; true if it has more to do.
    pub(super) fn turn(
        &mut self,
        seat: u32,
        work: impl FnOnce(&mut Session, &mut SessionContext) -> bool,
    ) -> bool {
        let again = self.take_turn(seat, work);
        for given_up in self.local.relief_after_turn() {
            self.give_up(given_up);
        }
        again
    }

    fn give_up(&mut self, (seat, reason): GivenUp) {
        self.take_turn(seat, |session, _| {
            session.give_back(reason);
            false
        });
    }

    fn take_turn(
        &mut self,
        seat: u32,
        work: impl FnOnce(&mut Session, &mut SessionContext) -> bool,
    ) -> bool {
        let Some(runner) = self.runners.get_mut(&seat) else { return false };
        match runner.turn(work) {
            After::Rest => false,
            After::Again => true,
            After::Over => {
                self.runners.remove(&seat);
                false
            }
        }
    }

    /// Gives everybody their turns until nobody has more to read, to write or in the mailbox.
    pub(super) fn settle(&mut self) {
        let ready = Ready { readable: true, ended: false, writable: true };
        let mut called = Vec::new();
        loop {
            let seats: Vec<_> = self.runners.keys().copied().collect();
            let turns = seats
                .iter()
                .map(|seat| self.turn(*seat, |session, ctx| session.on_ready(ready, ctx)));
            let more = turns.fold(false, |more, turn| more | turn);
            called.clear();
            self.local.calls.take(&mut called);
            if !more && called.is_empty() {
                return;
            }
        }
    }

    /// Gives one session its turns until it has no more to read or in the mailbox.
    pub(super) fn settle_seat(&mut self, seat: u32) {
        let ready = Ready { readable: true, ended: false, writable: true };
        while self.turn(seat, |session, ctx| session.on_ready(ready, ctx)) {}
    }

    /// What a client hears that reads on while its session gets its turns.
    pub(super) fn hear(&mut self, client: &mut Client) -> Vec<String> {
        let mut all = Vec::new();
        loop {
            let heard = client.heard();
            if heard.is_empty() && !client.is_torn() {
                return all;
            }
            let over = heard.iter().any(|it| it == "[end]");
            all.extend(heard);
            if over {
                return all;
            }
            self.settle();
        }
    }

    /// Sets the wall clock by so many seconds from what it was at the start, which the thread notices.
    pub(super) fn set_wall_clock(&mut self, seconds: i64) {
        stopped::set_wall(seconds);
        assert!(self.local.was_wall_clock_set());
        let seats: Vec<_> = self.runners.keys().copied().collect();
        for seat in seats {
            self.turn(seat, |session, _| {
                session.schedule();
                false
            });
        }
    }

    /// Lets time pass, tick by tick, in which clients do nothing.
    pub(super) fn pass(&mut self, time: Duration) {
        for _ in 0..ticks(time) {
            stopped::at(self.local.tick() + 1);
            let (tick, noted) = self.local.next_tick();
            for seat in noted {
                self.turn(seat, |session, ctx| session.on_tick(tick, ctx));
            }
            self.make_room();
        }
        self.settle();
    }

    /// What the thread does when a push waits for room, and after each tick.
    pub(super) fn make_room(&mut self) {
        for given_up in self.local.relief() {
            self.give_up(given_up);
        }
    }

    /// A push that came down a link.
    pub(super) fn push(&mut self, target: TargetRef<'_>, json: &str) {
        let (id, frame) = (MessageId::generate(), json.as_bytes());
        let entry = PushEntry {
            id,
            accepted_micros: micros_since_epoch(),
            receipt: false,
            target,
            frame,
            collapse_key: None,
        };
        let mut batch = BytesMut::new();
        entry.encode(EntryLayout::Framed, &mut batch);
        let batch = Unfinished::new(&batch, EntryLayout::Framed, Arrival::now(None));
        self.delivery.batch(batch).expect("encoded just now");
    }

    /// The same with a receipt.
    pub(super) fn push_with_receipt(&mut self, target: TargetRef<'_>, json: &str) -> MessageId {
        let (id, frame) = (MessageId::generate(), json.as_bytes());
        let entry =
            PushEntry { id, accepted_micros: 0, receipt: true, target, frame, collapse_key: None };
        self.delivery.push(&entry, Accepted::now());
        id
    }

    /// The receipts that have come together so far.
    pub(super) fn receipts(&self) -> Vec<Receipt> {
        let mut written = BytesMut::new();
        while let Some(Some(bytes)) = self.link.next().now_or_never() {
            written.extend_from_slice(&bytes);
        }
        let frames = std::iter::from_fn(|| Up::decode(&mut written).expect("frames"));
        let receipts = frames.filter_map(|frame| match frame {
            Up::Receipt(receipt) => Some(receipt),
            _ => None,
        });
        receipts.collect()
    }

    /// Brings the fan-outs under way to everybody.
    pub(super) fn walk(&mut self) {
        while self.walk_on(64) {}
    }

    /// One step of a walk, which meets at most so many; whether there was one to make.
    pub(super) fn walk_on(&mut self, most: usize) -> bool {
        let (local, mut met) = (Rc::clone(&self.local), Vec::new());
        local.walks.borrow_mut().take_up(&local.lane);
        let next = local.walks.borrow_mut().next(most, self.next_seat, &mut met);
        let Some(mut walk) = next else { return false };
        let through = walk.through();
        for seat in &met {
            self.turn(*seat, |session, ctx| {
                if !session.on_walk(through, ctx) {
                    walk.meet_again(*seat);
                }
                false
            });
        }
        local.walks.borrow_mut().put_back(walk, met.len(), self.next_seat, &local.lane);
        true
    }

    /// What a backend wants of a user's sessions.
    pub(super) fn order(&self, user: &str, order: impl Fn() -> Topical) {
        for session in self.local.directory.registry.sessions(user) {
            session.address.upgrade().expect("a session").do_send(order());
        }
    }

    /// Ends a session as a panic of ours would.
    pub(super) fn drop_session(&mut self, client: &Client) {
        drop(self.runners.remove(&client.seat).expect("a session"));
    }

    pub(super) fn is_here(&self, client: &Client) -> bool {
        self.runners.contains_key(&client.seat)
    }

    /// A sample of the metrics, as operators read it.
    pub(super) fn metric(&self, sample: &str) -> u64 {
        let text = String::from_utf8(self.local.metrics.render()).expect("text");
        let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {sample}")).parse().expect("a number")
    }

    /// Users, sessions in the metrics, and bytes that wait: what must be none when all are gone.
    pub(super) fn left(&self) -> (usize, i64, usize) {
        let metrics = &self.local.metrics;
        let users = self.local.directory.registry.users();
        (users, metrics.all_sessions(), self.local.ledger.waiting.used())
    }
}
