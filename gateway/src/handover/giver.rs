//! Gives what a thread has, in steps: so many descriptors and bytes a message, and so few messages that were not
//! read, that what is under way stays small.

use std::{collections::HashSet, mem::take, os::fd::BorrowedFd};

use super::{
    channel::{Channel, ChannelError, MOST},
    records::{ArrivalRecord, FrameRecord, SessionRecord},
    words::{Batch, Given, Taking},
};

/// A message has about so many bytes, and those of one record more.
const BYTES: usize = 256 * 1024;
/// Messages under way: so many times [`MOST`] descriptors are with neither process's table alone.
const UNDER_WAY: usize = 3;

/// Why giving has come to an end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The connection is gone, or too slow.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The other process does not want it.
    #[error("the successor refuses: {0}")]
    Refused(String),
    /// Something else was said than the order allows.
    #[error("the successor said something else than was its turn to say")]
    Unexpected,
    /// It was this side's own.
    #[error("{0}")]
    Own(&'static str),
}

/// Frames that were named, and those that no message has brought so far.
#[derive(Default)]
pub(crate) struct Frames {
    known: HashSet<u64>,
    new: Vec<FrameRecord>,
    bytes: usize,
}

impl Frames {
    /// Takes a frame that a record names, which `record` writes if it is the first to.
    pub(crate) fn name(&mut self, id: u64, record: impl FnOnce() -> FrameRecord) {
        if self.known.insert(id) {
            let record = record();
            self.bytes += record.json.0.len();
            self.new.push(record);
        }
    }
}

/// The way to the successor.
pub(crate) struct Giver {
    /// Where to.
    pub channel: Channel,
    /// Frames that were named.
    pub frames: Frames,
    under_way: usize,
    /// How many sessions and connections were given.
    pub given: (usize, usize),
}

impl Giver {
    /// Nothing has been given.
    pub(crate) fn new(channel: Channel) -> Self {
        Self { channel, frames: Frames::default(), under_way: 0, given: (0, 0) }
    }

    /// Sends a message, and waits for the oldest to be read if too many are not.
    ///
    /// # Errors
    /// It is over.
    pub(crate) fn give(
        &mut self,
        message: &Given,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), Failure> {
        while self.under_way >= UNDER_WAY {
            self.read_had()?;
        }
        self.channel.send(message, descriptors)?;
        self.under_way += 1;
        Ok(())
    }

    /// Waits until everything was read.
    ///
    /// # Errors
    /// It is over.
    pub(crate) fn settle(&mut self) -> Result<(), Failure> {
        while self.under_way > 0 {
            self.read_had()?;
        }
        Ok(())
    }

    fn read_had(&mut self) -> Result<(), Failure> {
        self.hear(&Taking::Had)?;
        self.under_way -= 1;
        Ok(())
    }

    /// Waits for a word.
    ///
    /// # Errors
    /// Another one has come, or none.
    pub(crate) fn hear(&mut self, expected: &Taking) -> Result<(), Failure> {
        match self.channel.receive::<Taking>()?.0 {
            Taking::Refused(why) => Err(Failure::Refused(why)),
            said if said == *expected => Ok(()),
            _ => Err(Failure::Unexpected),
        }
    }
}

/// What goes into the next message.
#[derive(Default)]
pub(crate) struct Gathered<'a> {
    sessions: Vec<SessionRecord>,
    arrivals: Vec<ArrivalRecord>,
    of_sessions: Vec<BorrowedFd<'a>>,
    of_arrivals: Vec<BorrowedFd<'a>>,
    bytes: usize,
}

impl<'a> Gathered<'a> {
    /// Adds a session, and gives what has gathered if that is enough.
    ///
    /// # Errors
    /// It is over.
    pub(crate) fn session(
        &mut self,
        giver: &mut Giver,
        record: SessionRecord,
        socket: Option<BorrowedFd<'a>>,
    ) -> Result<(), Failure> {
        self.bytes += size_of::<SessionRecord>() + weight(&record);
        self.sessions.push(record);
        self.of_sessions.extend(socket);
        self.give_if_full(giver)
    }

    /// Adds a connection that is none.
    ///
    /// # Errors
    /// It is over.
    pub(crate) fn arrival(
        &mut self,
        giver: &mut Giver,
        record: ArrivalRecord,
        socket: BorrowedFd<'a>,
    ) -> Result<(), Failure> {
        self.bytes += size_of::<ArrivalRecord>();
        self.arrivals.push(record);
        self.of_arrivals.push(socket);
        self.give_if_full(giver)
    }

    fn give_if_full(&mut self, giver: &mut Giver) -> Result<(), Failure> {
        let descriptors = self.of_sessions.len() + self.of_arrivals.len();
        match descriptors >= MOST || self.bytes + giver.frames.bytes >= BYTES {
            true => self.give(giver),
            false => Ok(()),
        }
    }

    /// Gives what has gathered.
    ///
    /// # Errors
    /// It is over.
    pub(crate) fn give(&mut self, giver: &mut Giver) -> Result<(), Failure> {
        let Self { sessions, arrivals, mut of_sessions, of_arrivals, .. } = take(self);
        if sessions.is_empty() && arrivals.is_empty() {
            return Ok(());
        }
        giver.given.0 += sessions.len();
        giver.given.1 += arrivals.len();
        giver.frames.bytes = 0;
        let batch = Batch { frames: take(&mut giver.frames.new), sessions, arrivals };
        of_sessions.extend(of_arrivals);
        giver.give(&Given::Batch(batch), &of_sessions)
    }
}

/// About how many bytes of its own a session brings.
fn weight(record: &SessionRecord) -> usize {
    use super::records::ChunkRecord;
    let queue = record.queue.chunks.iter().map(|chunk| match chunk {
        ChunkRecord::Frame(_) => 24,
        ChunkRecord::Bytes(bytes) => bytes.0.len(),
    });
    let message = record.incoming.message.as_ref().map_or(0, |(_, bytes)| bytes.0.len());
    queue.sum::<usize>() + record.incoming.bytes.0.len() + message
}
