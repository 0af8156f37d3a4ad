//! A Unix socket over which messages go with descriptors: four bytes of length, JSON, and up to [`MOST`]
//! descriptors beside the first byte (unix(7), `SCM_RIGHTS`).

use std::{
    io::{self, IoSlice, IoSliceMut, Read, Write},
    mem::MaybeUninit,
    net::Shutdown,
    os::{
        fd::{BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
    time::Duration,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg, sockopt::socket_peercred,
};
use serde::{Serialize, de::DeserializeOwned};

/// Most descriptors of a message: the kernel takes no more at a time (`SCM_MAX_FD`).
pub(crate) const MOST: usize = 253;
/// How long one message may take to be written, or the next to come.
pub(crate) const STEP: Duration = Duration::from_secs(5);
/// The largest message.
const MOST_BYTES: usize = 256 << 20;

/// Why a message has not come, or not gone.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChannelError {
    /// The other process has gone.
    #[error("the other process has ended, or has closed the connection")]
    Ended,
    /// Nothing came in time.
    #[error("the other process did not answer for {} s", STEP.as_secs())]
    Late,
    /// It cannot be read.
    #[error("a message cannot be read: {0}")]
    Unreadable(String),
    /// The system refuses.
    #[error("{0}")]
    Io(io::Error),
}

impl From<io::Error> for ChannelError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Self::Late,
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionReset => Self::Ended,
            _ => Self::Io(error),
        }
    }
}

/// One end of it.
pub(crate) struct Channel {
    socket: UnixStream,
    /// Whether a message has gone in part: nothing that follows it can be understood.
    is_torn: bool,
}

impl Channel {
    /// Over a connected socket.
    ///
    /// # Errors
    /// The socket takes no time limits.
    pub(crate) fn new(socket: UnixStream) -> io::Result<Self> {
        socket.set_nonblocking(false)?;
        socket.set_read_timeout(Some(STEP))?;
        socket.set_write_timeout(Some(STEP))?;
        Ok(Self { socket, is_torn: false })
    }

    /// The other process and the user it runs as, as the kernel knows them.
    ///
    /// # Errors
    /// The kernel does not say.
    pub(crate) fn peer(&self) -> io::Result<(i32, u32)> {
        let peer = socket_peercred(&self.socket)?;
        Ok((peer.pid.as_raw_nonzero().get(), peer.uid.as_raw()))
    }

    /// Sends a message with descriptors, at most [`MOST`].
    ///
    /// # Errors
    /// The other process has gone or takes nothing, or the kernel takes no descriptors.
    pub(crate) fn send(
        &mut self,
        message: &impl Serialize,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), ChannelError> {
        if self.is_torn {
            return Err(ChannelError::Io(io::Error::other("the message before has gone in part")));
        }
        let text = serde_json::to_vec(message).map_err(io::Error::other)?;
        if text.len() > MOST_BYTES {
            let problem = format!("a message of {} bytes is too large", text.len());
            return Err(ChannelError::Io(io::Error::other(problem)));
        }
        let mut bytes = (text.len() as u32).to_be_bytes().to_vec();
        bytes.extend_from_slice(&text);
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() && !control.push(SendAncillaryMessage::ScmRights(descriptors)) {
            return Err(ChannelError::Io(io::Error::other("too many descriptors")));
        }
        let sent =
            sendmsg(&self.socket, &[IoSlice::new(&bytes)], &mut control, SendFlags::NOSIGNAL);
        let sent = sent.map_err(io::Error::from)?;
        let rest = self.socket.write_all(&bytes[sent..]).map_err(ChannelError::from);
        self.is_torn = matches!(rest, Err(ChannelError::Late | ChannelError::Io(_)));
        rest
    }

    /// Waits for the next message, and the descriptors that come with it.
    ///
    /// # Errors
    /// There is none, in time or any more, or it cannot be read.
    pub(crate) fn receive<T: DeserializeOwned>(
        &mut self,
    ) -> Result<(T, Vec<OwnedFd>), ChannelError> {
        let (mut header, mut have, mut descriptors) = ([0; 4], 0, Vec::new());
        while have < header.len() {
            have += self.receive_some(&mut header[have..], &mut descriptors)?;
        }
        let length = u32::from_be_bytes(header) as usize;
        if length > MOST_BYTES {
            return Err(ChannelError::Unreadable(format!("{length} bytes are too many")));
        }
        let mut text = vec![0; length];
        self.socket.read_exact(&mut text)?;
        let read = serde_json::from_slice(&text);
        let message = read.map_err(|error| ChannelError::Unreadable(error.to_string()))?;
        Ok((message, descriptors))
    }

    fn receive_some(
        &mut self,
        bytes: &mut [u8],
        descriptors: &mut Vec<OwnedFd>,
    ) -> Result<usize, ChannelError> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(bytes)];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = loop {
            match recvmsg(&self.socket, &mut slices, &mut control, flags) {
                Err(rustix::io::Errno::INTR) => {}
                received => break received.map_err(io::Error::from)?,
            }
        };
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(more) = message {
                descriptors.extend(more);
            }
        }
        if received.bytes == 0 { Err(ChannelError::Ended) } else { Ok(received.bytes) }
    }

    /// Lets the other side write nothing more: from here on its writes fail. What it has written is still read.
    pub(crate) fn close_for_others(&self) {
        // An error means that the connection is gone.
        let _ = self.socket.shutdown(Shutdown::Read);
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn pair() -> [Channel; 2] {
        let (one, other) = UnixStream::pair().expect("a pair");
        [one, other].map(|socket| Channel::new(socket).expect("a channel"))
    }

    #[test]
    fn messages_come_in_order_each_with_its_descriptors() {
        let [mut one, mut other] = pair();
        let file = std::fs::File::open("/dev/null").expect("a file");
        one.send(&"first", &[file.as_fd(); 2]).expect("sent");
        one.send(&"second", &[]).expect("sent");
        one.send(&"third", &[file.as_fd(); MOST]).expect("sent");
        for (text, count) in [("first", 2), ("second", 0), ("third", MOST)] {
            let (said, descriptors) = other.receive::<String>().expect("received");
            assert_eq!((said.as_str(), descriptors.len()), (text, count));
        }
        assert!(one.send(&"too many", &[file.as_fd(); MOST + 1]).is_err());
    }

    #[test]
    fn a_large_message_comes_whole() {
        let [mut one, mut other] = pair();
        let text = "x".repeat(3 << 20);
        let sent = text.clone();
        let sending = std::thread::spawn(move || one.send(&sent, &[]));
        assert_eq!(other.receive::<String>().expect("received").0, text);
        sending.join().expect("no panic").expect("sent");
    }

    #[test]
    fn what_was_written_is_read_before_the_end() {
        let [mut one, mut other] = pair();
        one.send(&"last", &[]).expect("sent");
        other.close_for_others();
        assert!(matches!(one.send(&"late", &[]), Err(ChannelError::Ended)));
        assert_eq!(other.receive::<String>().expect("received").0, "last");
        assert!(matches!(other.receive::<String>(), Err(ChannelError::Ended)));
        assert!(one.peer().is_ok_and(|(pid, _)| pid == std::process::id() as i32));
    }
}
