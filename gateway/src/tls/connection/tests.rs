//! On a socket that takes little.

use std::{net::TcpListener, time::Duration};

use certificates::rustls::ClientConnection;
use proptest::prelude::*;
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_send_buffer_size};

use super::*;
use crate::tls::fixtures::{client, config, heard, sent};

/// A client, its socket, and ours.
struct Pair {
    client: ClientConnection,
    theirs: TcpStream,
    ours: TcpStream,
    tls: Box<Tls>,
    buffers: Buffers,
}

impl Pair {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // Before they connect, so that no window is larger.
        set_socket_recv_buffer_size(&listener, 4096).unwrap();
        set_socket_send_buffer_size(&listener, 4096).unwrap();
        let theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        set_socket_recv_buffer_size(&theirs, 4096).unwrap();
        theirs.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let ours = listener.accept().unwrap().0;
        ours.set_nonblocking(true).unwrap();
        let (tls, buffers) = (Tls::new(config()), Buffers::default());
        Self { client: client(), theirs, ours, tls, buffers }
    }

    fn agreed() -> Self {
        let mut pair = Self::new();
        while pair.client.is_handshaking() || pair.tls.established().is_none() {
            pair.tell();
            assert_eq!(pair.read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
            if pair.client.is_handshaking() {
                pair.hear();
            }
        }
        pair
    }

    /// The client sends what it has to.
    fn tell(&mut self) {
        self.theirs.write_all(&sent(&mut self.client)).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }

    /// The client reads once; what it understands.
    fn hear(&mut self) -> Vec<u8> {
        let mut bytes = vec![0; 3000];
        let count = self.theirs.read(&mut bytes).unwrap();
        heard(&mut self.client, &bytes[..count])
    }

    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut plain = vec![0; 64 << 10];
        let received = self.tls.read(&self.ours, &mut plain, &mut self.buffers)?;
        plain.truncate(received.count);
        Ok(plain)
    }

    fn write(&mut self, pieces: &[&[u8]]) -> io::Result<usize> {
        let slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
        self.tls.write(&self.ours, &slices, &mut self.buffers)
    }
}

#[test]
fn an_idle_connection_keeps_no_bytes() {
    let mut pair = Pair::agreed();
    pair.client.writer().write_all(b"hello").unwrap();
    pair.tell();
    assert_eq!(pair.read().unwrap(), b"hello");
    assert_eq!(pair.write(&[b"an ", b"", b"answer"]).unwrap(), 9);
    let mut answer = Vec::new();
    while answer.len() < 9 {
        answer.extend(pair.hear());
    }
    assert_eq!(answer, b"an answer");
    assert_eq!((pair.tls.incomplete(), pair.tls.waiting(), pair.tls.held()), (0, 0, 0));
    assert!(!pair.tls.is_shaking() && !pair.tls.wants_write());
}

#[test]
fn a_silent_one_costs_nearly_nothing_and_a_record_is_kept_only_while_it_is_incomplete() {
    let mut pair = Pair::new();
    assert!(size_of_val(&*pair.tls) <= 128, "{}", size_of_val(&*pair.tls));
    assert_eq!(pair.read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(pair.tls.held() == 0 && !pair.tls.is_shaking());
    let hello = sent(&mut pair.client);
    pair.theirs.write_all(&hello[..100]).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(pair.read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert!(pair.tls.is_shaking() && pair.tls.incomplete() >= 100);
    pair.theirs.write_all(&hello[100..]).unwrap();
    std::thread::sleep(Duration::from_millis(2));
    assert_eq!(pair.read().unwrap_err().kind(), io::ErrorKind::WouldBlock);
    assert_eq!(pair.tls.incomplete(), 0);
}

#[test]
fn who_does_not_speak_tls_is_told_apart() {
    let mut pair = Pair::new();
    pair.theirs.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(2));
    let error = pair.read().unwrap_err();
    let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<Fault>());
    assert!(matches!(fault, Some(Fault::Plain)), "{error}");
}

#[test]
fn the_end_of_a_client_is_read_once_and_again() {
    let mut pair = Pair::agreed();
    pair.client.send_close_notify();
    pair.tell();
    assert_eq!(pair.read().unwrap(), b"");
    assert_eq!(pair.read().unwrap(), b"");
    pair.tls.close(&pair.ours).unwrap();
    assert!(pair.write(&[b"too late"]).is_err());
    let bytes = pair.hear();
    assert!(bytes.is_empty() && pair.client.process_new_packets().unwrap().peer_has_closed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    /// Whatever the socket takes, what is written comes whole and once, if what was not said to be
    /// written is given again.
    #[test]
    fn a_slow_reader_gets_everything_once(
        frames in prop::collection::vec(2_usize..50_000, 1..12),
        gathered in 1_usize..5,
    ) {
        let mut pair = Pair::agreed();
        let frames: Vec<_> =
            frames.iter().enumerate().map(|(number, length)| vec![number as u8; *length]).collect();
        let whole = frames.concat();
        let (mut written, mut got) = (0, Vec::new());
        while got.len() < whole.len() {
            // What a session has queued: the rest of a frame, and whole ones behind it.
            let mut place = 0;
            let mut pieces: Vec<&[u8]> = Vec::new();
            for frame in &frames {
                let end = place + frame.len();
                if end > written && pieces.len() < gathered {
                    pieces.push(&whole[place.max(written)..end]);
                }
                place = end;
            }
            match pair.write(&pieces) {
                Ok(count) => written += count,
                Err(error) => prop_assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            prop_assert!(pair.tls.waiting() <= MAX_PLAIN_BYTES + 4096, "a record at the most");
            // The other side reads a little: something is always under way.
            got.extend(pair.hear());
        }
        prop_assert!(got == whole, "{} of {}", got.len(), whole.len());
    }
}
