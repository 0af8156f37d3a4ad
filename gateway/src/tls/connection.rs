//! A TLS connection on a socket: it keeps what is incomplete, and nothing while nothing is.

use std::{
    io::{self, IoSlice, Read, Write},
    net::TcpStream,
    sync::Arc,
};

use certificates::rustls::{HandshakeKind, ServerConfig};
use prometheus::IntGauge;

use super::{
    buffers::Buffers,
    channel::{Channel, Opened},
    fault::Fault,
    record::{MAX_PLAIN_BYTES, begins_handshake},
};

/// What a handshake that is under way takes of memory, beside records that have not come whole.
const HANDSHAKE_BYTES: usize = 6 * 1024;

/// What TLS keeps of a connection.
pub(crate) struct Tls {
    stage: Stage,
    /// The beginning of a record.
    incoming: Vec<u8>,
    /// What the socket has not taken yet.
    outgoing: Vec<u8>,
    /// Whether the last byte that was sealed was not said to be written, since part of its record waits
    /// in `outgoing`.
    owes_byte: bool,
    /// Whether it was said that nothing follows.
    is_closed: bool,
    /// Whether its handshake waits for its turn.
    pub is_deferred: bool,
    /// Records that said nothing, which took time all the same, since this was last asked.
    idle: u32,
    /// Where it counts as a session's.
    counted: Option<IntGauge>,
}

enum Stage {
    /// Nothing has come, so that it costs nothing yet.
    Silent(Arc<ServerConfig>),
    Begun(Box<Channel>),
}

/// What was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Received {
    /// How many bytes; none is the end.
    pub count: usize,
    /// Whether there may be more of them already.
    pub more: bool,
}

impl Tls {
    /// For a connection of which nothing was read yet.
    pub(crate) fn new(config: Arc<ServerConfig>) -> Box<Self> {
        Box::new(Self {
            stage: Stage::Silent(config),
            incoming: Vec::new(),
            outgoing: Vec::new(),
            owes_byte: false,
            is_closed: false,
            is_deferred: false,
            idle: 0,
            counted: None,
        })
    }

    /// Whether the client has begun a handshake that is not through.
    pub(crate) fn is_shaking(&self) -> bool {
        matches!(&self.stage, Stage::Begun(channel) if !channel.is_established())
    }

    /// What kind of handshake it was, once it is through.
    pub(crate) fn established(&self) -> Option<HandshakeKind> {
        match &self.stage {
            Stage::Begun(channel) if channel.is_established() => channel.kind(),
            _ => None,
        }
    }

    /// Bytes of a record that has not come whole.
    pub(crate) fn incomplete(&self) -> usize {
        self.incoming.capacity()
    }

    /// What it takes of memory that a client without a session can make it take.
    pub(crate) fn held(&self) -> usize {
        let handshake = if self.is_shaking() { HANDSHAKE_BYTES } else { 0 };
        handshake + self.incomplete() + self.waiting()
    }

    /// Bytes that the socket has not taken.
    pub(crate) fn waiting(&self) -> usize {
        self.outgoing.capacity()
    }

    /// Records that said nothing since this was last asked.
    pub(crate) fn take_idle(&mut self) -> u32 {
        std::mem::take(&mut self.idle)
    }

    /// Counts it as a session's from now on, until it is dropped.
    pub(crate) fn count(&mut self, sessions: &IntGauge) {
        sessions.inc();
        self.counted = Some(sessions.clone());
    }

    /// Reads plaintext, as much as there is; `plain` has room for a record and more.
    ///
    /// # Errors
    /// The socket's, or [`Fault`] as `InvalidData`, which the client has been told then.
    pub(crate) fn read(
        &mut self,
        socket: &TcpStream,
        plain: &mut [u8],
        buffers: &mut Buffers,
    ) -> io::Result<Received> {
        buffers.prepare();
        if self.wants_write() {
            // What does not go now goes with what is written next.
            let _ = self.flush(socket);
        }
        loop {
            if matches!(&self.stage, Stage::Begun(channel) if channel.has_ended()) {
                return Ok(Received { count: 0, more: false });
            }
            let cipher = &mut buffers.cipher;
            let held = self.incoming.len();
            // What is sealed is longer than what it says.
            let room = plain.len().min(cipher.len());
            let count = (&*socket).read(&mut cipher[held..room])?;
            if count == 0 {
                return Ok(Received { count: 0, more: false });
            }
            cipher[..held].copy_from_slice(&self.incoming);
            let opened = self.open(socket, &mut cipher[..held + count], plain)?;
            self.idle += opened.idle;
            // Where nothing was said it is read on, until the socket has no more: its end may have been
            // told together with this, and is not told twice.
            if opened.plain > 0 {
                return Ok(Received { count: opened.plain, more: held + count == room });
            }
        }
    }

    fn open(
        &mut self,
        socket: &TcpStream,
        cipher: &mut [u8],
        plain: &mut [u8],
    ) -> Result<Opened, Fault> {
        let outgoing = &mut self.outgoing;
        let opened = match begun(&mut self.stage, cipher[0]) {
            Ok(channel) => channel.open(cipher, plain, outgoing),
            Err(fault) => Err(fault),
        };
        // What does not go now goes with what is written next.
        let _ = self.flush(socket);
        let opened = opened?;
        self.incoming = cipher[opened.used..].to_vec();
        Ok(opened)
    }

    /// Writes as much as the socket takes. What it takes of a record that it does not take whole was
    /// sealed and has to go: it counts as written but for its last byte, which whoever writes therefore
    /// gives again, in front of everything else, when the socket takes more.
    ///
    /// # Errors
    /// The socket's, `WouldBlock` where it takes nothing, or [`Fault`] as `InvalidData`.
    pub(crate) fn write(
        &mut self,
        socket: &TcpStream,
        slices: &[IoSlice<'_>],
        buffers: &mut Buffers,
    ) -> io::Result<usize> {
        self.flush(socket)?;
        buffers.prepare();
        let Buffers { cipher, plain } = buffers;
        let length: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut written = usize::from(std::mem::take(&mut self.owes_byte)).min(length);
        while written < length {
            let chunk = gather(slices, written, plain);
            let sealed = self.channel()?.seal(chunk, cipher)?;
            let sent = send(socket, &cipher[..sealed])?;
            written += chunk.len();
            if sent < sealed {
                self.outgoing = cipher[sent..sealed].to_vec();
                // A single byte cannot be less than itself.
                self.owes_byte = chunk.len() > 1;
                return Ok(written - usize::from(self.owes_byte));
            }
        }
        Ok(written)
    }

    fn channel(&mut self) -> Result<&mut Channel, Fault> {
        match &mut self.stage {
            Stage::Begun(channel) if !self.is_closed => Ok(channel),
            _ => Err(Fault::Unwritable),
        }
    }

    /// Whether something waits that is sealed already.
    pub(crate) fn wants_write(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// The socket's, `WouldBlock` where it does not take all of it.
    pub(crate) fn flush(&mut self, mut socket: &TcpStream) -> io::Result<()> {
        while !self.outgoing.is_empty() {
            match socket.write(&self.outgoing) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(sent) if sent == self.outgoing.len() => self.outgoing = Vec::new(),
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Says that nothing follows, once.
    ///
    /// # Errors
    /// The socket's, `WouldBlock` where it does not take that now.
    pub(crate) fn close(&mut self, socket: &TcpStream) -> io::Result<()> {
        if let Stage::Begun(channel) = &mut self.stage
            && !std::mem::replace(&mut self.is_closed, true)
        {
            channel.close(&mut self.outgoing);
        }
        self.flush(socket)
    }
}

impl Drop for Tls {
    fn drop(&mut self) {
        if let Some(counted) = &self.counted {
            counted.dec();
        }
    }
}

/// The channel, which begins with the first byte.
fn begun(stage: &mut Stage, first: u8) -> Result<&mut Channel, Fault> {
    if let Stage::Silent(config) = stage {
        if !begins_handshake(first) {
            return Err(Fault::Plain);
        }
        *stage = Stage::Begun(Box::new(Channel::new(Arc::clone(config))?));
    }
    match stage {
        Stage::Begun(channel) => Ok(channel),
        Stage::Silent(_) => Err(Fault::Unwritable),
    }
}

/// What stands behind the first `skipped` bytes, as much as a record takes, in one piece.
fn gather<'a>(slices: &'a [IoSlice<'_>], skipped: usize, plain: &'a mut Vec<u8>) -> &'a [u8] {
    let mut skipped = skipped;
    let mut rest = slices.iter().filter_map(move |slice| {
        let start = skipped.min(slice.len());
        skipped -= start;
        (start < slice.len()).then(|| &slice[start..])
    });
    let Some(first) = rest.next() else { return &[] };
    if first.len() >= MAX_PLAIN_BYTES {
        return &first[..MAX_PLAIN_BYTES];
    }
    let Some(second) = rest.next() else { return first };
    plain.clear();
    plain.extend_from_slice(first);
    for slice in std::iter::once(second).chain(rest) {
        let room = MAX_PLAIN_BYTES - plain.len();
        plain.extend_from_slice(&slice[..room.min(slice.len())]);
        if slice.len() >= room {
            break;
        }
    }
    plain
}

/// How much of it the socket takes now, which may be nothing.
fn send(mut socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    let mut sent = 0;
    while sent < bytes.len() {
        match socket.write(&bytes[sent..]) {
            Ok(count) => sent += count,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(sent),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests;
