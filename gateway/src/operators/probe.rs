//! The gateway's own sessions: one on each worker, which must keep receiving their own pushes for
//! the gateway to count as ready.
//!
//! A probe's pushes take the way of all others, from the bytes of a batch over the registry and
//! the session's mailbox to a socket. Its user id is one no client can have.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream as StdStream},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use protocol::{
    MessageId, Transport, UserId,
    clock::micros_since_epoch,
    link::{EntryLayout, PushEntry, TargetRef},
};
use tokio::{io::AsyncReadExt, net::TcpStream, sync::mpsc, time::interval};
use tracing::warn;

use crate::{
    access::identity::Identity,
    delivery::dispatch::{Delivery, Unfinished},
    gateway::Gateway,
    runtime::{acceptance::Arrival, clock::ticks},
    seats::Seats,
    session::{Address, Client, Joining, Session},
    uplink::queue::LinkQueue,
};

const INTERVAL: Duration = Duration::from_secs(1);
/// A worker that has delivered nothing for this long is stuck.
const LATE: Duration = Duration::from_secs(5);

/// When each worker last delivered its probe's push.
pub(crate) struct Probe {
    gateway: Arc<Gateway>,
    delivered: Vec<AtomicU32>,
}

/// The client's end of a probe.
pub(crate) type ProbeClient = (usize, StdStream);

impl Probe {
    /// Probes for so many workers, all of them fine to begin with.
    pub(crate) fn new(gateway: &Arc<Gateway>, workers: usize) -> Arc<Self> {
        let now = gateway.clock.tick_now();
        let delivered = (0..workers).map(|_| AtomicU32::new(now)).collect();
        Arc::new(Self { gateway: Arc::clone(gateway), delivered })
    }

    /// Whether a worker has not delivered its push lately.
    pub(crate) fn is_late(&self) -> bool {
        let oldest = self.delivered.iter().map(|tick| tick.load(Ordering::Relaxed)).min();
        let now = self.gateway.clock.tick_now();
        oldest.is_some_and(|oldest| now.saturating_sub(oldest) > ticks(LATE))
    }

    /// Pushes to every probe now and then, for ever. `clients` come from the workers.
    pub(crate) async fn run(self: Arc<Self>, mut clients: mpsc::Receiver<ProbeClient>) {
        let mut rounds = interval(INTERVAL);
        let mut delivery = self.gateway.delivery(Arc::new(LinkQueue::default()));
        loop {
            tokio::select! {
                Some((worker, client)) = clients.recv() => {
                    actix_rt::spawn(Arc::clone(&self).watch(worker, client));
                }
                _ = rounds.tick() => {
                    for worker in 0..self.delivered.len() {
                        push(&mut delivery, worker);
                    }
                }
            }
        }
    }

    async fn watch(self: Arc<Self>, worker: usize, client: StdStream) {
        let Ok(mut client) = TcpStream::from_std(client) else { return };
        let mut scratch = [0; 1024];
        while let Ok(1..) = client.read(&mut scratch).await {
            self.delivered[worker].store(self.gateway.clock.tick_now(), Ordering::Relaxed);
        }
    }
}

fn push(delivery: &mut Delivery<Address>, worker: usize) {
    let user = UserId::reserved(worker);
    let entry = PushEntry {
        id: MessageId::generate(),
        accepted_micros: micros_since_epoch(),
        receipt: false,
        target: TargetRef::User(user.as_str()),
        frame: br#"{"type":"push"}"#,
        collapse_key: None,
    };
    let mut batch = BytesMut::new();
    entry.encode(EntryLayout::Framed, &mut batch);
    delivery
        .batch(Unfinished::new(&batch, EntryLayout::Framed, Arrival::now(None)))
        .expect("the entry was encoded just now");
}

/// Starts this worker's probe session and sends its client's end to the watcher.
pub(crate) fn start(seats: &Rc<Seats>, clients: &mpsc::Sender<ProbeClient>) {
    let worker = seats.local.lane.worker;
    let started = pair().and_then(|(server, client)| {
        let identity = Identity::of(UserId::reserved(worker));
        let joined = seats.start(server, |socket, seat| {
            let joining = Joining {
                socket: Some(socket.into()),
                seat,
                transport: Transport::Tcp,
                read: BytesMut::new(),
                greeting: Vec::new(),
                client: Client::User(identity),
                after: crate::session::Cursors::default(),
                permit: None,
            };
            Session::start(&seats.local, joining)
        })?;
        joined.map_err(|_| std::io::ErrorKind::AlreadyExists)?;
        clients.try_send((worker, client)).map_err(std::io::Error::other)
    });
    if let Err(error) = started {
        warn!(%error, "no probe session; the gateway will not become ready");
    }
}

fn pair() -> std::io::Result<(StdStream, StdStream)> {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
    let client = StdStream::connect(listener.local_addr()?)?;
    let (server, _) = listener.accept()?;
    server.set_nonblocking(true)?;
    client.set_nonblocking(true)?;
    Ok((server, client))
}
