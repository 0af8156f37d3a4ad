//! TLS around a session, without a socket and without a buffer while nothing is half there.

use std::sync::Arc;

use certificates::{
    Cause,
    rustls::{
        ClientConfig, HandshakeKind,
        client::UnbufferedClientConnection,
        pki_types::ServerName,
        unbuffered::{
            ConnectionState, EncodeError, EncodeTlsData, EncryptError, InsufficientSizeError,
            ReadTraffic, WriteTraffic,
        },
    },
};

use crate::settings::tls::Peer;

/// The client's half of TLS on one connection.
pub(crate) struct Tls {
    connection: UnbufferedClientConnection,
    /// The beginning of a record, or of what is said in several; empty at most times.
    incoming: Vec<u8>,
    is_established: bool,
}

/// What came of bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    /// With these the handshake was done.
    pub is_new: bool,
    /// It went on from an earlier one.
    pub is_resumed: bool,
}

impl Tls {
    /// Nothing was said yet.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn new(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, Cause> {
        let connection = UnbufferedClientConnection::new(config, name);
        let connection = connection.map_err(|error| Cause::of(&error))?;
        Ok(Self { connection, incoming: Vec::new(), is_established: false })
    }

    /// The same for a server that is known.
    ///
    /// # Errors
    /// There is no randomness.
    pub(crate) fn to(peer: &Peer) -> Result<Self, Cause> {
        Self::new(Arc::clone(&peer.config), peer.name.clone())
    }

    /// Whether something can be said.
    pub(crate) fn is_established(&self) -> bool {
        self.is_established
    }

    /// The first bytes, added to `out`.
    ///
    /// # Errors
    /// Why there are none.
    pub(crate) fn begin(&mut self, out: &mut Vec<u8>) -> Result<(), Cause> {
        self.receive(&mut [], &mut Vec::new(), out).map(drop)
    }

    /// Takes what has come; what was said in it is added to `plain`, and what is to be answered to `out`.
    ///
    /// # Errors
    /// Why the connection is over. What is in `out` tells the server.
    pub(crate) fn receive(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<Told, Cause> {
        let was_established = self.is_established;
        self.take(bytes, plain, out)?;
        let is_new = self.is_established && !was_established;
        let is_resumed = self.connection.handshake_kind() == Some(HandshakeKind::Resumed);
        Ok(Told { is_new, is_resumed: is_new && is_resumed })
    }

    fn take(
        &mut self,
        bytes: &mut [u8],
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<(), Cause> {
        if self.incoming.is_empty() {
            let used = self.advance(bytes, None, plain, out)?;
            self.incoming.extend_from_slice(&bytes[used..]);
        } else {
            let mut incoming = std::mem::take(&mut self.incoming);
            incoming.extend_from_slice(bytes);
            let used = self.advance(&mut incoming, None, plain, out)?;
            // A buffer of its own has only who waits for the rest.
            if used < incoming.len() {
                incoming.drain(..used);
                self.incoming = incoming;
            }
        }
        Ok(())
    }

    /// Adds to `out` what tells the server why this is the end (RFC 8446 section 6.2). `bytes` are those that are
    /// not done with.
    fn complain(&mut self, bytes: &mut [u8], out: &mut Vec<u8>) {
        // Once only: whoever goes on behind an error finds what it was about.
        if let Ok(ConnectionState::EncodeTlsData(mut data)) =
            self.connection.process_tls_records(bytes).state
        {
            // It is over either way.
            let _ = encode(&mut data, out);
        }
    }

    /// Says something, once the handshake is done: adds it to `out`, encrypted.
    ///
    /// # Errors
    /// Why the connection is over.
    pub(crate) fn say(&mut self, words: &[u8], out: &mut Vec<u8>) -> Result<(), Cause> {
        let mut incoming = std::mem::take(&mut self.incoming);
        let used = self.advance(&mut incoming, Some(words), &mut Vec::new(), out)?;
        incoming.drain(..used);
        self.incoming = incoming;
        Ok(())
    }

    /// Goes on until more bytes are needed; says how many are done with.
    fn advance(
        &mut self,
        bytes: &mut [u8],
        mut words: Option<&[u8]>,
        plain: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) -> Result<usize, Cause> {
        let mut used = 0;
        loop {
            let status = self.connection.process_tls_records(&mut bytes[used..]);
            let (mut done, mut is_over) = (status.discard, false);
            match status.state {
                Err(error) => {
                    self.complain(&mut bytes[used + done..], out);
                    return Err(Cause::of(&error));
                }
                Ok(ConnectionState::ReadTraffic(mut traffic)) => done += read(&mut traffic, plain)?,
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut data, out).ok_or(Cause::Other)?;
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::WriteTraffic(mut traffic)) => {
                    self.is_established = true;
                    match words.take() {
                        Some(words) => encrypt(&mut traffic, words, out).ok_or(Cause::Other)?,
                        None => is_over = true,
                    }
                }
                Ok(ConnectionState::PeerClosed) => {}
                // More bytes are needed, or this is the end of all.
                Ok(_) => is_over = true,
            }
            used += done;
            if is_over {
                return if words.is_some() { Err(Cause::Other) } else { Ok(used) };
            }
        }
    }
}

/// Adds to `plain` what was said in records; says how many bytes are done with.
fn read<D>(traffic: &mut ReadTraffic<'_, '_, D>, plain: &mut Vec<u8>) -> Result<usize, Cause> {
    let mut done = 0;
    while let Some(record) = traffic.next_record() {
        let record = record.map_err(|error| Cause::of(&error))?;
        done += record.discard;
        plain.extend_from_slice(record.payload);
    }
    Ok(done)
}

fn encode<D>(data: &mut EncodeTlsData<'_, D>, out: &mut Vec<u8>) -> Option<()> {
    add(out, |room| match data.encode(room) {
        Err(EncodeError::InsufficientSize(needed)) => Err(Some(needed)),
        Err(EncodeError::AlreadyEncoded) => Err(None),
        Ok(length) => Ok(length),
    })
}

fn encrypt<D>(traffic: &mut WriteTraffic<'_, D>, words: &[u8], out: &mut Vec<u8>) -> Option<()> {
    add(out, |room| match traffic.encrypt(words, room) {
        Err(EncryptError::InsufficientSize(needed)) => Err(Some(needed)),
        Err(EncryptError::EncryptExhausted) => Err(None),
        Ok(length) => Ok(length),
    })
}

/// Adds what is written into a room that is large enough.
fn add(
    out: &mut Vec<u8>,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, Option<InsufficientSizeError>>,
) -> Option<()> {
    let begin = out.len();
    loop {
        match write(&mut out[begin..]) {
            Ok(length) => {
                out.truncate(begin + length);
                return Some(());
            }
            Err(needed) => out.resize(begin + needed?.required_size, 0),
        }
    }
}

#[cfg(test)]
mod tests;
