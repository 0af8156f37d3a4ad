//! What another process gives, until it is taken, and then.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    mem::take,
    net::TcpListener,
    os::fd::OwnedFd,
    sync::{Arc, mpsc},
    time::Instant,
};

use serving::listen::Inherited as InheritedListener;
use tracing::warn;

use super::{
    process,
    refusal::{TakeoverError, out_of_turn},
    taking_up::TakingUp,
};
use crate::{
    access::admission::Admission,
    delivery::frame::SharedFrame,
    gateway::Inherited,
    handover::{
        channel::{Channel, ChannelError},
        records::{
            ArrivalRecord, ChunkRecord, FrameRecord, ListenerRecord, ProcessRecord, SessionRecord,
        },
        words::{Batch, Given, Taking},
    },
    session::Shared,
    worker::{Share, Shares},
};

/// What the other process has given, and is its own until [`Self::take`].
pub(crate) struct Offer {
    channel: Channel,
    /// Whether the other process has ended while it gave: what is here has nobody else.
    is_orphaned: bool,
    since: Instant,
    process: ProcessRecord,
    listeners: Vec<(ListenerRecord, TcpListener)>,
    frames: Vec<FrameRecord>,
    /// Sessions, with their connections.
    sessions: Vec<(SessionRecord, Option<OwnedFd>)>,
    /// Connections that are none.
    arrivals: Vec<(ArrivalRecord, OwnedFd)>,
}

impl Offer {
    /// Nothing has come.
    pub(super) fn new(channel: Channel) -> Self {
        Self {
            channel,
            is_orphaned: false,
            since: Instant::now(),
            process: ProcessRecord::default(),
            listeners: Vec::new(),
            frames: Vec::new(),
            sessions: Vec::new(),
            arrivals: Vec::new(),
        }
    }

    /// Receives everything. Where the other process ends meanwhile, what has come by then.
    pub(super) fn receive(&mut self) -> Result<(), TakeoverError> {
        let mut known = HashSet::new();
        loop {
            let received = self.channel.receive::<Given>();
            let (given, descriptors) = match received {
                Ok(received) => received,
                Err(ChannelError::Ended) if !self.listeners.is_empty() => {
                    warn!(sessions = self.sessions.len(), "the other gateway ended while it gave");
                    self.is_orphaned = true;
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            };
            let taken = match given {
                Given::Process(process) => {
                    self.since = Instant::now();
                    self.process = *process;
                    Ok(())
                }
                Given::Listeners(records) => self.take_listeners(records, descriptors),
                Given::Batch(batch) => self.take_batch(batch, descriptors, &mut known),
                Given::All { sessions, arrivals } => return self.check(sessions, arrivals),
                Given::Abandoned(why) => return Err(TakeoverError::Refused(why)),
                _ => Err(out_of_turn()),
            };
            if let Err(error) = taken {
                // It goes on in any case.
                let _ = self.channel.send(&Taking::Refused(error.to_string()), &[]);
                return Err(error);
            }
            match self.channel.send(&Taking::Had, &[]) {
                // What it had written before its end is still to be read.
                Ok(()) | Err(ChannelError::Ended) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn take_listeners(
        &mut self,
        records: Vec<ListenerRecord>,
        descriptors: Vec<OwnedFd>,
    ) -> Result<(), TakeoverError> {
        if records.len() != descriptors.len() {
            return Err(TakeoverError::Nonsense("a listener has no socket".to_owned()));
        }
        let listeners = descriptors.into_iter().map(TcpListener::from);
        self.listeners.extend(records.into_iter().zip(listeners));
        Ok(())
    }

    fn take_batch(
        &mut self,
        batch: Batch,
        descriptors: Vec<OwnedFd>,
        known: &mut HashSet<u64>,
    ) -> Result<(), TakeoverError> {
        known.extend(batch.frames.iter().map(|frame| frame.id));
        self.frames.extend(batch.frames);
        let lacks = |what: &str| TakeoverError::Nonsense(what.to_owned());
        let mut descriptors = descriptors.into_iter();
        for session in batch.sessions {
            if !names(&session).all(|frame| known.contains(&frame)) {
                return Err(lacks("a session names a frame that was not given"));
            }
            let socket = match session.has_socket {
                true => Some(descriptors.next().ok_or_else(|| lacks("a session has no socket"))?),
                false => None,
            };
            self.sessions.push((session, socket));
        }
        for arrival in batch.arrivals {
            let socket = descriptors.next().ok_or_else(|| lacks("a connection has no socket"))?;
            self.arrivals.push((arrival, socket));
        }
        match descriptors.next() {
            None => Ok(()),
            Some(_) => Err(lacks("a socket is nobody's")),
        }
    }

    fn check(&mut self, sessions: usize, arrivals: usize) -> Result<(), TakeoverError> {
        match (self.sessions.len(), self.arrivals.len()) {
            counts if counts == (sessions, arrivals) => Ok(()),
            counts => {
                let why = format!("{counts:?} of {:?} came", (sessions, arrivals));
                let _ = self.channel.send(&Taking::Refused(why.clone()), &[]);
                Err(TakeoverError::Nonsense(why))
            }
        }
    }

    /// The sockets that listen for the addresses of a flag.
    pub(crate) fn listeners(&mut self, flag: &str) -> Vec<InheritedListener> {
        let (own, others) =
            take(&mut self.listeners).into_iter().partition(|(record, _)| record.flag == flag);
        self.listeners = others;
        let own: Vec<(ListenerRecord, TcpListener)> = own;
        let own = own.into_iter();
        own.map(|(record, socket)| InheritedListener { address: record.address, socket }).collect()
    }

    /// Takes everything: from here on it is nobody else's.
    ///
    /// # Errors
    /// The other process goes on.
    pub(crate) fn take(&mut self) -> Result<(), TakeoverError> {
        if self.is_orphaned {
            return Ok(());
        }
        let ready = self.channel.send(&Taking::Ready, &[]).map_err(TakeoverError::from);
        match (ready, self.channel.receive().map(|(given, _)| given)) {
            (_, Ok(Given::Take)) => {}
            (_, Ok(Given::Abandoned(why))) => return Err(TakeoverError::Refused(why)),
            // It has ended, and has not said that it goes on.
            (_, Err(ChannelError::Ended)) => return Ok(()),
            (Err(error), _) => return Err(error),
            (_, Ok(_)) => return Err(out_of_turn()),
            (_, Err(error)) => return Err(error.into()),
        }
        match self.channel.send(&Taking::Taken, &[]) {
            Ok(()) => Ok(()),
            // Either it has ended, or it did not want to wait any longer, and then has said so.
            Err(ChannelError::Ended) => match self.channel.receive() {
                Err(ChannelError::Ended) => Ok(()),
                Ok((Given::Abandoned(why), _)) => Err(TakeoverError::Refused(why)),
                Ok(_) => Err(out_of_turn()),
                Err(error) => Err(error.into()),
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What a gateway begins with, and what its sessions share from now on.
    pub(crate) fn inherit(&mut self, shared: &mut Shared) -> Inherited {
        process::inherit(take(&mut self.process), shared)
    }

    /// The share of each worker, and what says when each has taken up its own.
    pub(crate) fn shares(
        mut self,
        shared: &Shared,
        admission: &Arc<Admission>,
        workers: usize,
    ) -> (VecDeque<Share>, Option<TakingUp>) {
        let (tell, told) = mpsc::sync_channel(workers);
        let shares = Shares::new(workers, self.frames(shared), admission, tell);
        let share = |_| Share { shares: shares.clone(), sessions: vec![], arrivals: vec![] };
        let mut all: VecDeque<_> = (0..workers).map(share).collect();
        for (place, session) in self.sessions.into_iter().enumerate() {
            all[place % workers].sessions.push(session);
        }
        for (place, arrival) in self.arrivals.into_iter().enumerate() {
            all[place % workers].arrivals.push(arrival);
        }
        (all, Some(TakingUp::new(told, workers, self.since)))
    }

    /// The frames that sessions name.
    fn frames(&mut self, shared: &Shared) -> HashMap<u64, SharedFrame> {
        let mut scratch = Vec::new();
        let frames = take(&mut self.frames).into_iter();
        let made = frames.map(|frame| {
            (frame.id, SharedFrame::resumed(frame, &shared.push_memory, &mut scratch))
        });
        made.collect()
    }
}

/// The frames that a session names.
fn names(session: &SessionRecord) -> impl Iterator<Item = u64> {
    let queued = session.queue.chunks.iter().filter_map(|chunk| match chunk {
        ChunkRecord::Frame((frame, _)) => Some(*frame),
        ChunkRecord::Bytes(_) => None,
    });
    let waiting = session.replays.iter().flat_map(|replay| &replay.waiting);
    queued.chain(waiting.map(|(frame, _)| *frame))
}
