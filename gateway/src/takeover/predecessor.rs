//! Waits for a successor, and gives it everything.
//!
//! A thread of its own leads: it has links and workers stand still, has each worker give what it holds, and sees to
//! it that all of them go on, or end, whatever happens. Up to the successor's last word nothing is given away.

use std::{
    net::{SocketAddr, TcpListener},
    os::fd::AsFd,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use actix_rt::ArbiterHandle;
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, geteuid, kill_process};
use tokio::sync::{mpsc::UnboundedSender, watch};
use tracing::{info, warn};

use super::process;
use crate::{
    gateway::Gateway,
    handover::{
        channel::{Channel, ChannelError, MOST},
        giver::{Failure, Giver},
        place::Place,
        proof::{Side, is_proof, nonce, proof},
        records::{ListenerRecord, RECORDS},
        words::{Given, Taking},
    },
    standstill::Phase,
    worker::{Handover, Step},
};

/// How long everything may take, from the moment in which nothing is served, and so much more for each session.
const LONGEST: Duration = Duration::from_secs(20);
const EACH: Duration = Duration::from_micros(50);
/// How long what goes up to pusher-apis, receipts above all, may take to be written.
const FLUSH: Duration = Duration::from_millis(250);
/// How long links may take to end.
const LINKS_END: Duration = Duration::from_secs(1);
/// How often it is looked whether something has happened that nobody tells.
const LOOK: Duration = Duration::from_millis(1);
/// How long it is not listened after an error.
const PAUSE: Duration = Duration::from_millis(100);

/// Sockets that listen, as they are given: as long as this process takes clients.
pub(crate) type Copies = Arc<Mutex<Vec<(ListenerRecord, TcpListener)>>>;

/// Copies of sockets that listen, of the addresses of a flag.
///
/// # Errors
/// There are no descriptors for that.
pub(crate) fn copies<'a>(
    flag: &str,
    sockets: impl IntoIterator<Item = &'a TcpListener>,
) -> std::io::Result<Vec<(ListenerRecord, TcpListener)>> {
    let copy = |socket: &TcpListener| {
        let address: SocketAddr = socket.local_addr()?;
        let record = ListenerRecord { flag: flag.to_owned(), address };
        Ok((record, socket.try_clone()?))
    };
    sockets.into_iter().map(copy).collect()
}

/// What leads a takeover by the next process.
pub(crate) struct Predecessor {
    /// The process.
    pub gateway: Arc<Gateway>,
    /// Where it waits.
    pub place: Arc<Place>,
    /// The threads that hold sessions.
    pub workers: Vec<UnboundedSender<Arc<Handover>>>,
    /// The thread of links and operators.
    pub links: ArbiterHandle,
    /// What it listens with.
    pub listeners: Copies,
    /// Ends the taking of clients.
    pub stop_accepting: watch::Sender<bool>,
    /// Told when everything is another process's, with its id.
    pub moved: watch::Sender<Option<i32>>,
}

impl Predecessor {
    /// Waits on a thread of its own until a successor has everything.
    ///
    /// # Errors
    /// The system has no thread for it.
    pub(crate) fn spawn(self) -> std::io::Result<()> {
        thread::Builder::new().name("takeover".to_owned()).spawn(move || self.wait()).map(drop)
    }

    fn wait(self) {
        loop {
            let asked = self.place.accept().and_then(Channel::new);
            let asked = asked.and_then(|channel| Ok((channel.peer()?, channel)));
            let ((pid, uid), channel) = match asked {
                Ok(asked) => asked,
                Err(error) => {
                    warn!(%error, "a successor cannot be let in");
                    thread::sleep(PAUSE);
                    continue;
                }
            };
            match self.serve(channel, pid, uid) {
                Ok(()) => {
                    self.moved.send_replace(Some(pid));
                    return;
                }
                Err(Ending { result, why }) => {
                    self.gateway.metrics.takeovers.count(result);
                    warn!(pid, uid, result, %why, "a successor does not take over");
                }
            }
        }
    }

    fn serve(&self, mut channel: Channel, pid: i32, uid: u32) -> Result<(), Ending> {
        if let Err(why) = self.agree(&mut channel, uid) {
            // Whoever it is goes in any case.
            let _ = channel.send(&Given::Refused(why.to_string()), &[]);
            return Err(Ending { result: "refused", why });
        }
        info!(
            pid,
            sessions = self.gateway.metrics.all_sessions(),
            "giving everything to a successor"
        );
        let begin = Instant::now();
        let handover = Handover::new(self.workers.len(), Giver::new(channel));
        // On every path, also that of a panic: nobody stands still for ever.
        let mut let_go = LetGo { predecessor: self, handover: &handover, pid, is_given: false };
        let sessions = u32::try_from(self.gateway.admission.sessions()).unwrap_or(u32::MAX);
        let given = self.give(&handover, begin + LONGEST + EACH * sessions);
        given.map_err(|why| Ending { result: "abandoned", why })?;
        let_go.is_given = true;
        self.end(&handover);
        let (sessions, arrivals) = handover.giver.lock().given;
        info!(pid, sessions, arrivals, took = ?begin.elapsed(), "a successor has taken over");
        self.gateway.metrics.takeovers.count("given");
        Ok(())
    }

    /// Makes sure of who it is, and that it can take everything.
    fn agree(&self, channel: &mut Channel, uid: u32) -> Result<(), Failure> {
        if uid != geteuid().as_raw() {
            return Err(Failure::Own("it runs as another user"));
        }
        if self.gateway.admission.is_leaving() {
            return Err(Failure::Own("this gateway is draining"));
        }
        let own = nonce();
        channel.send(&Given::Challenge { nonce: own.clone(), records: RECORDS }, &[])?;
        let (theirs, proofs, records, room) = match channel.receive::<Taking>()?.0 {
            Taking::Hello { nonce, proofs, records, sessions, descriptors } => {
                (nonce, proofs, records, (sessions, descriptors))
            }
            Taking::Refused(why) => return Err(Failure::Refused(why)),
            _ => return Err(Failure::Unexpected),
        };
        let (secrets, nonces) = (self.gateway.link_secrets.all(), [own.as_str(), theirs.as_str()]);
        let is_shown = |secret: &&settings::Secret| {
            proofs.iter().any(|shown| is_proof(shown, secret.expose(), Side::Takes, nonces))
        };
        let secret = secrets.iter().find(is_shown);
        if !secrets.is_empty() && secret.is_none() {
            return Err(Failure::Own("it does not prove that it has the link secret"));
        }
        if records < RECORDS {
            return Err(Failure::Own("it cannot read records of this version"));
        }
        let (sessions, descriptors) = self.size();
        if sessions > room.0 || descriptors > room.1 {
            return Err(Failure::Own("it has no room for the sessions of this gateway"));
        }
        let proof = secret.map(|secret| proof(secret.expose(), Side::Gives, nonces));
        channel.send(&Given::Welcome { proof, sessions, descriptors }, &[])?;
        match channel.receive::<Taking>()?.0 {
            Taking::Begin => Ok(()),
            Taking::Refused(why) => Err(Failure::Refused(why)),
            _ => Err(Failure::Unexpected),
        }
    }

    /// How many sessions there are, and how many descriptors, about.
    fn size(&self) -> (usize, usize) {
        let sessions = self.gateway.admission.sessions();
        let listeners = self.listeners.lock().len();
        let pending = usize::try_from(self.gateway.metrics.pending.get()).unwrap_or(0);
        (sessions, sessions + listeners + pending)
    }

    /// Has everything stand still, and gives it.
    fn give(&self, handover: &Arc<Handover>, until: Instant) -> Result<(), Failure> {
        let position = self.hold_links(until)?;
        for worker in &self.workers {
            let told = worker.send(Arc::clone(handover));
            told.map_err(|_| Failure::Own("a worker has ended"))?;
        }
        handover.done(until)?;
        for step in [Step::Settle, Step::Answer] {
            handover.begin(step);
            handover.done(until)?;
        }
        self.flush_links();
        self.give_process(&mut handover.giver.lock(), position)?;
        for worker in 0..self.workers.len() {
            handover.begin(Step::Give(worker));
            handover.done(until)?;
        }
        let mut giver = handover.giver.lock();
        giver.settle()?;
        let (sessions, arrivals) = giver.given;
        giver.channel.send(&Given::All { sessions, arrivals }, &[])?;
        giver.hear(&Taking::Ready)?;
        giver.channel.send(&Given::Take, &[])?;
        match giver.hear(&Taking::Taken) {
            Ok(()) => Ok(()),
            Err(why) => self.is_taken_all_the_same(&mut giver, why),
        }
    }

    /// The last word has not come. From here on it cannot be written any more; was it?
    fn is_taken_all_the_same(&self, giver: &mut Giver, why: Failure) -> Result<(), Failure> {
        if let Failure::Channel(ChannelError::Late) = why {
            let said = giver.channel.send(&Given::Abandoned(why.to_string()), &[]);
            giver.channel.close_for_others();
            if giver.hear(&Taking::Taken).is_ok() {
                return Ok(());
            }
            said?;
        }
        Err(why)
    }

    /// Takes nothing more from links. Returns up to where the store had been asked for changes.
    fn hold_links(&self, until: Instant) -> Result<Option<bytes::Bytes>, Failure> {
        let gateway = Arc::clone(&self.gateway);
        let position = on_thread(&self.links, move || {
            gateway.standstill.set(Phase::Held);
            gateway.directory.stores.position()
        })?;
        while self.gateway.batches.is_any_under_way() {
            if Instant::now() > until {
                return Err(Failure::Own("a batch of pushes was not delivered in time"));
            }
            thread::sleep(LOOK);
        }
        Ok(position)
    }

    /// Waits until what goes up to pusher-apis is written: receipts of pushes that were delivered. What is not is told
    /// by the loss of the link, as ever.
    fn flush_links(&self) {
        let until = Instant::now() + FLUSH;
        while self.gateway.directory.presence.queued() > 0 && Instant::now() < until {
            thread::sleep(LOOK);
        }
    }

    fn give_process(
        &self,
        giver: &mut Giver,
        position: Option<bytes::Bytes>,
    ) -> Result<(), Failure> {
        let record = process::record(&self.gateway, position);
        giver.give(&Given::Process(Box::new(record)), &[])?;
        let listeners = self.listeners.lock();
        for listeners in listeners.chunks(MOST) {
            let records = listeners.iter().map(|(record, _)| record.clone()).collect();
            let sockets: Vec<_> = listeners.iter().map(|(_, socket)| socket.as_fd()).collect();
            giver.give(&Given::Listeners(records), &sockets)?;
        }
        Ok(())
    }

    /// Everything is the successor's: links end, so that pusher-apis come to it, and sessions are forgotten.
    fn end(&self, handover: &Handover) {
        self.gateway.admission.start_draining();
        let gateway = Arc::clone(&self.gateway);
        // Whether in time or not: the process ends.
        let _ = on_thread(&self.links, move || gateway.standstill.set(Phase::Over));
        let until = Instant::now() + LINKS_END;
        while self.gateway.metrics.links.get() > 0 && Instant::now() < until {
            thread::sleep(LOOK);
        }
        self.listeners.lock().clear();
        // Before the workers go on: whoever comes is the successor's.
        self.stop_accepting.send_replace(true);
        handover.begin(Step::Forget);
        let _ = handover.done(until);
    }
}

/// Does something on another thread, and waits until it is done.
fn on_thread<R: Send + 'static>(
    thread: &ArbiterHandle,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, Failure> {
    let (tell, told) = mpsc::sync_channel(1);
    thread.spawn_fn(move || drop(tell.send(work())));
    let ended = |_| Failure::Own("the thread of links did not answer in time");
    told.recv_timeout(LONGEST).map_err(ended)
}

/// Why a successor does not take over, as it stands in metric labels and for people.
struct Ending {
    result: &'static str,
    why: Failure,
}

/// Has everybody go on who stands still, unless the successor has everything.
struct LetGo<'a> {
    predecessor: &'a Predecessor,
    handover: &'a Handover,
    pid: i32,
    is_given: bool,
}

impl Drop for LetGo<'_> {
    fn drop(&mut self) {
        if self.is_given {
            return;
        }
        // First of all the successor has to know, or be gone: it takes what it has if this process ends in silence.
        let mut giver = self.handover.giver.lock();
        let why = Given::Abandoned("the running gateway goes on".to_owned());
        let told = giver.channel.send(&why, &[]);
        if !matches!(told, Ok(()) | Err(ChannelError::Ended)) {
            warn!(pid = self.pid, "a successor that hears nothing is killed");
            if let Some(pid) = Pid::from_raw(self.pid) {
                // It may be gone by now.
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        drop(giver);
        self.handover.begin(Step::Abandoned);
        let gateway = Arc::clone(&self.predecessor.gateway);
        self.predecessor.links.spawn_fn(move || gateway.standstill.set(Phase::Served));
    }
}
