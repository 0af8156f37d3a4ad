//! The bytes of one TLS connection, without a socket: records in, plaintext out, and back.
//!
//! rustls decides (its unbuffered interface); it keeps neither what has come nor what is to go. What is
//! said here is how its states follow each other, and how much of what a client says is taken.

use std::sync::Arc;

use certificates::rustls::{
    Error, HandshakeKind, ServerConfig,
    server::UnbufferedServerConnection,
    unbuffered::{ConnectionState, EncodeError, EncodeTlsData, EncryptError, UnbufferedStatus},
};

use super::{
    fault::Fault,
    record::{MAX_RECORD_BYTES, alert, whole},
};

/// Most bytes of an alert that says that nothing follows, with what waits in front of it.
const LAST_WORDS_BYTES: usize = 512;
/// Most records in a row that bring no plaintext: a client asks for new keys now and then.
const MOST_IDLE: u8 = 16;

/// A connection's keys, and how far its handshake is.
pub struct Channel {
    connection: UnbufferedServerConnection,
    /// How many bytes in front of what is incomplete were looked at already: records of a message that
    /// goes on in the next ones.
    looked_at: usize,
    /// Records in a row without plaintext.
    idle: u8,
    /// Whether the client has said that nothing follows.
    has_ended: bool,
    /// Whether it was answered, so that what is said from here on is sealed.
    is_answered: bool,
}

/// What has come of some records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opened {
    /// How many bytes were taken; those behind them must be given again, with what follows.
    pub used: usize,
    /// How many bytes of plaintext there are.
    pub plain: usize,
    /// How many records were none of plaintext, once the handshake was through.
    pub idle: u32,
}

/// What rustls wants next.
enum Step {
    /// To be asked again.
    GoOn,
    /// More records, or something to write.
    Rest,
    Ended,
    Failed(Error),
}

impl Channel {
    /// A connection of which nothing has come yet.
    ///
    /// # Errors
    /// The configuration cannot be used.
    pub fn new(config: Arc<ServerConfig>) -> Result<Self, Fault> {
        let connection = UnbufferedServerConnection::new(config)?;
        Ok(Self { connection, looked_at: 0, idle: 0, has_ended: false, is_answered: false })
    }

    /// Whether the handshake is through.
    pub fn is_established(&self) -> bool {
        !self.connection.is_handshaking()
    }

    /// Whether the client has said that nothing follows.
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// What kind of handshake it was.
    pub fn kind(&self) -> Option<HandshakeKind> {
        self.connection.handshake_kind()
    }

    /// Takes every whole record of `cipher`, which is changed in place, and writes what it says to
    /// `plain`, which must be as long. What is to be sent because of it is appended to `out`, also in
    /// front of an error.
    ///
    /// # Errors
    /// Nothing more can be understood.
    pub fn open(
        &mut self,
        cipher: &mut [u8],
        plain: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, Fault> {
        let before = out.len();
        let opened = self.open_records(cipher, plain, out);
        // rustls does not say why in every case.
        if let Err(fault) = &opened
            && !self.is_answered
            && out.len() == before
        {
            out.extend_from_slice(&alert(fault));
        }
        self.is_answered |= out.len() > before;
        opened
    }

    fn open_records(
        &mut self,
        cipher: &mut [u8],
        plain: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<Opened, Fault> {
        let (mut opened, mut end) = (Opened::default(), self.looked_at);
        while !self.has_ended
            && let Some(length) = whole(&cipher[end..])?
        {
            end += length;
            let was_established = self.is_established();
            let records = &mut cipher[opened.used..end];
            let (used, count) = self.process(records, &mut plain[opened.plain..], out)?;
            opened.used += used;
            opened.plain += count;
            self.note(count > 0, was_established, &mut opened)?;
        }
        if self.has_ended {
            opened.used = cipher.len();
        }
        self.looked_at = end.saturating_sub(opened.used);
        // Messages behind the handshake are too short to be cut, and the longest before its end fits
        // into a record.
        match self.looked_at {
            0 => Ok(opened),
            _ if self.is_established() => Err(Fault::Idle),
            bytes if bytes > MAX_RECORD_BYTES => Err(Fault::TooLarge),
            _ => Ok(opened),
        }
    }

    /// Counts a record of which something was plaintext, or nothing.
    fn note(
        &mut self,
        is_plain: bool,
        was_established: bool,
        opened: &mut Opened,
    ) -> Result<(), Fault> {
        match is_plain {
            true => self.idle = 0,
            false => self.idle += 1,
        }
        opened.idle += u32::from(!is_plain && was_established);
        match self.idle > MOST_IDLE {
            true => Err(Fault::Idle),
            false => Ok(()),
        }
    }

    /// Has rustls look at records; how many bytes it took, and how much plaintext it found.
    fn process(
        &mut self,
        records: &mut [u8],
        plain: &mut [u8],
        out: &mut Vec<u8>,
    ) -> Result<(usize, usize), Fault> {
        let (mut used, mut written) = (0, 0);
        loop {
            let status = self.connection.process_tls_records(&mut records[used..]);
            let (step, discard) = step(status, plain, &mut written, out);
            used += discard;
            match step {
                Step::GoOn => {}
                Step::Rest => return Ok((used, written)),
                Step::Ended => self.has_ended = true,
                Step::Failed(error) => {
                    self.say_why(&mut records[used..], out);
                    return Err(error.into());
                }
            }
        }
    }

    /// Appends the alert for what went wrong. What is asked for more than that looks at the records again.
    fn say_why(&mut self, records: &mut [u8], out: &mut Vec<u8>) {
        while self.connection.wants_write() {
            match self.connection.process_tls_records(records).state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, out),
                _ => return,
            }
        }
    }

    /// Makes a record of `plain`, which has at most [`MAX_PLAIN_BYTES`](super::record::MAX_PLAIN_BYTES),
    /// in `cipher`, behind what the protocol has to say itself; how many bytes that takes.
    ///
    /// # Errors
    /// Nothing can be said yet, or any more.
    pub fn seal(&mut self, plain: &[u8], cipher: &mut [u8]) -> Result<usize, Fault> {
        let mut length = 0;
        loop {
            match self.connection.process_tls_records(&mut []).state? {
                ConnectionState::EncodeTlsData(mut data) => {
                    let encoded = data.encode(&mut cipher[length..]);
                    length += encoded.map_err(|_| Fault::Unwritable)?;
                }
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::WriteTraffic(mut traffic) => {
                    let sealed = traffic.encrypt(plain, &mut cipher[length..]);
                    return sealed.map(|sealed| length + sealed).map_err(|_| Fault::Unwritable);
                }
                ConnectionState::PeerClosed => self.has_ended = true,
                _ => return Err(Fault::Unwritable),
            }
        }
    }

    /// Appends the alert that says that nothing follows (`close_notify`), if the handshake is through.
    pub fn close(&mut self, out: &mut Vec<u8>) {
        while self.is_established() {
            match self.connection.process_tls_records(&mut []).state {
                Ok(ConnectionState::EncodeTlsData(mut data)) => encode(&mut data, out),
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed) => self.has_ended = true,
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    let mut bytes = [0; LAST_WORDS_BYTES];
                    let said: Result<usize, EncryptError> = traffic.queue_close_notify(&mut bytes);
                    return out.extend_from_slice(&bytes[..said.unwrap_or(0)]);
                }
                Ok(_) | Err(_) => return,
            }
        }
    }
}

/// Does what rustls wants, and says how many bytes it has done with.
fn step<D>(
    status: UnbufferedStatus<'_, '_, D>,
    plain: &mut [u8],
    written: &mut usize,
    out: &mut Vec<u8>,
) -> (Step, usize) {
    let UnbufferedStatus { mut discard, state, .. } = status;
    let step = match state {
        Ok(ConnectionState::ReadTraffic(mut traffic)) => {
            let mut step = Step::GoOn;
            while let Some(record) = traffic.next_record() {
                match record {
                    Ok(record) => {
                        discard += record.discard;
                        let end = *written + record.payload.len();
                        plain[*written..end].copy_from_slice(record.payload);
                        *written = end;
                    }
                    Err(error) => step = Step::Failed(error),
                }
            }
            step
        }
        Ok(ConnectionState::EncodeTlsData(mut data)) => {
            encode(&mut data, out);
            Step::GoOn
        }
        Ok(ConnectionState::TransmitTlsData(data)) => {
            // From here on it is ours to send.
            data.done();
            Step::GoOn
        }
        Ok(ConnectionState::PeerClosed) => Step::Ended,
        // Early data is not asked for, and the rest wants more records.
        Ok(_) => Step::Rest,
        Err(error) => Step::Failed(error),
    };
    (step, discard)
}

fn encode<D>(data: &mut EncodeTlsData<'_, D>, out: &mut Vec<u8>) {
    let Err(EncodeError::InsufficientSize(needed)) = data.encode(&mut []) else { return };
    let start = out.len();
    out.resize(start + needed.required_size, 0);
    let encoded = data.encode(&mut out[start..]);
    out.truncate(start + encoded.unwrap_or(0));
}

#[cfg(test)]
mod tests;
