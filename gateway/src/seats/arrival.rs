//! A connection that is not a session: how far it is, and what is to become of it.

use std::{cell::RefCell, io, net::TcpStream, sync::Arc};

use bytes::BytesMut;

use crate::{
    access::pending::PendingGuard,
    http::request::MAX_HEAD_BYTES,
    runtime::wheel::NEVER,
    session::{Address, Answer},
    tls::{self, Buffers, Tls},
};

/// What comes in at a client's port, or on a connection from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Port {
    /// HTTP requests, which become sessions of several transports.
    Http,
    /// Lines of the TCP transport.
    Tcp,
    /// Frames of a WebSocket whose client has yet to say who it is.
    WebSocket,
}

/// A connection that is not a session.
pub(crate) struct Arrival {
    /// The connection.
    pub socket: TcpStream,
    /// TLS, where it is spoken.
    pub tls: Option<Box<Tls>>,
    /// Where it came in.
    pub port: Port,
    /// Whether it has yet to begin with a proxy's header, which says whose it is.
    pub is_proxied: bool,
    /// How far it is.
    pub progress: Progress,
    /// The device that the request named, where who it is comes in a frame.
    pub device: Option<Box<str>>,
    /// The tick by which it must be a session, or, with its answer, gone.
    pub deadline: u32,
    /// The tick in which its thread looks whether it is; [`NEVER`] for one to be noted anew.
    pub due: u32,
    /// Counts it as pending.
    pub guard: PendingGuard,
}

/// How far a connection is that is not a session.
pub(crate) enum Progress {
    /// This much has come of what it has to say first.
    Speaking(BytesMut),
    /// It has brought something to a session, which has not said yet what became of it.
    Asking(Asking),
    /// It is told what a session has said, which the socket has not taken whole, and goes on behind that.
    Telling(Box<Telling>),
    /// It has its answer. What it still sends is thrown away, so that no reset takes the answer from
    /// it; so many bytes more are read for that.
    Answered(usize),
}

/// Who waits for what a session says.
pub(crate) struct Asking {
    /// Where it will be.
    pub answer: Arc<Answer>,
    /// The origin whose pages may read it.
    pub reader: Option<Box<str>>,
    /// What becomes of the connection.
    pub then: Then,
}

impl Asking {
    /// Whether the client has sent more meanwhile than it may.
    pub(crate) fn is_flooded(&self) -> bool {
        match &self.then {
            Then::End(left, _) => *left == 0,
            Then::Next(words, _) => words.len() > MAX_HEAD_BYTES,
        }
    }
}

/// What becomes of a connection behind its answer.
pub(crate) enum Then {
    /// It ends. What the client sends meanwhile is thrown away; so many bytes are read for that. The session
    /// is one that is to hear if the client goes, if one is.
    End(usize, Option<Address>),
    /// It goes on with what has come meanwhile. The session hears if the client goes, if it is here.
    Next(Vec<u8>, Option<Address>),
}

impl Then {
    /// What has come meanwhile and is kept.
    pub(crate) fn words(&self) -> &[u8] {
        match self {
            Self::End(..) => &[],
            Self::Next(words, _) => words,
        }
    }

    /// The session that hears if the client goes, if it is one here that holds the request.
    pub(crate) fn poller(&self) -> Option<&Address> {
        match self {
            Self::End(_, poller) | Self::Next(_, poller) => poller.as_ref(),
        }
    }
}

/// An answer that the socket has not taken whole.
pub(crate) struct Telling {
    /// The answer.
    pub bytes: Vec<u8>,
    /// How much of it the socket has.
    pub told: usize,
    /// What has come meanwhile.
    pub words: Vec<u8>,
}

impl Arrival {
    /// Reads what it says, in plaintext.
    pub(crate) fn read(
        &mut self,
        bytes: &mut [u8],
        buffers: &RefCell<Buffers>,
    ) -> io::Result<usize> {
        let read = tls::read(&self.socket, self.tls.as_deref_mut(), bytes, buffers);
        read.map(|received| received.count)
    }

    /// Writes all of it, for which its socket must have room.
    pub(crate) fn write_all(&mut self, bytes: &[u8], buffers: &RefCell<Buffers>) -> io::Result<()> {
        tls::write_all(&self.socket, self.tls.as_deref_mut(), bytes, buffers)
    }

    /// Tells it that nothing follows. What it still says is not to be understood from then on.
    pub(crate) fn end_sending(&mut self) -> io::Result<()> {
        let ended = tls::end_sending(&self.socket, self.tls.as_deref_mut());
        self.tls = None;
        ended
    }

    /// Whether it has begun a handshake of TLS that is not through.
    pub(crate) fn is_shaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_shaking())
    }

    /// Whether its handshake waits for its turn.
    pub(crate) fn is_deferred(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_deferred)
    }

    /// It is the turn of its handshake.
    pub(crate) fn start_turn(&mut self) {
        if let Some(tls) = &mut self.tls {
            tls.is_deferred = false;
        }
    }

    /// Whether a proxy's header is still to come, in front of TLS.
    pub(crate) fn is_before_tls(&self) -> bool {
        self.is_proxied && self.tls.is_some()
    }

    /// Whether TLS is still to begin, or to be agreed on.
    pub(crate) fn is_unsealed(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.established().is_none())
    }

    /// Counts what is kept of what it has said, where some of that are records.
    pub(crate) fn keep_sealed(&mut self) {
        let Some(tls) = &self.tls else { return };
        let words = match &self.progress {
            Progress::Speaking(words) => words.capacity(),
            Progress::Asking(asking) => asking.then.words().len(),
            Progress::Telling(telling) => telling.bytes.len() + telling.words.len(),
            Progress::Answered(_) => 0,
        };
        self.guard.keep(words + tls.held());
    }

    /// Gives it until this tick.
    pub(crate) fn until(&mut self, deadline: u32) {
        self.deadline = deadline;
        if self.due > deadline {
            self.due = NEVER;
        }
    }

    /// Gives it time until somebody says otherwise.
    pub(crate) fn until_further_notice(&mut self) {
        self.deadline = NEVER;
    }

    /// Whether something waits that its socket may take more of.
    pub(crate) fn is_told(&self) -> bool {
        matches!(self.progress, Progress::Telling(_))
            || self.tls.as_ref().is_some_and(|tls| tls.wants_write())
    }

    /// Whether it has said something that was not acted on.
    pub(crate) fn has_words(&self) -> bool {
        matches!(&self.progress, Progress::Speaking(words) if !words.is_empty())
    }

    /// Whether it is to become a session, or an answer: it is not one that only waits for its next request.
    pub(crate) fn is_handshake(&self) -> bool {
        match &self.progress {
            Progress::Speaking(words) => !self.guard.is_pollers() || !words.is_empty(),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arrival_fits_into_a_size_class_of_the_allocator() {
        assert!(size_of::<Arrival>() <= 128, "{}", size_of::<Arrival>());
    }
}
