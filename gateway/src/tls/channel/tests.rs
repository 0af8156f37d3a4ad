//! A client of rustls' own on the other side, whatever the pieces are in which bytes come.

use std::io::Write;

use certificates::rustls::{ClientConnection, HandshakeKind};
use proptest::prelude::*;

use super::*;
use crate::tls::{
    fixtures::{client, config, heard, sent},
    record::{MAX_EXTRA_BYTES, MAX_PLAIN_BYTES},
};

/// A channel with what a socket's keeper keeps.
struct Server {
    channel: Channel,
    held: Vec<u8>,
    out: Vec<u8>,
    plain: Vec<u8>,
    idle: u32,
}

impl Server {
    fn new() -> Self {
        let channel = Channel::new(config()).expect("a channel");
        Self { channel, held: Vec::new(), out: Vec::new(), plain: Vec::new(), idle: 0 }
    }

    fn hear(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.held.extend_from_slice(bytes);
        let mut plain = vec![0; self.held.len()];
        let opened = self.channel.open(&mut self.held, &mut plain, &mut self.out)?;
        self.held.drain(..opened.used);
        self.plain.extend_from_slice(&plain[..opened.plain]);
        self.idle += opened.idle;
        Ok(())
    }

    fn say(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut cipher = vec![0; MAX_PLAIN_BYTES + MAX_EXTRA_BYTES + 4096];
        let sealed = self.channel.seal(plain, &mut cipher).expect("a record");
        [std::mem::take(&mut self.out), cipher[..sealed].to_vec()].concat()
    }
}

/// A client and a server that have agreed, with pieces of so many bytes.
fn agreed(step: usize) -> (ClientConnection, Server) {
    let (mut client, mut server) = (client(), Server::new());
    while client.is_handshaking() || !server.channel.is_established() {
        for piece in sent(&mut client).chunks(step) {
            server.hear(piece).expect("a handshake");
        }
        for piece in std::mem::take(&mut server.out).chunks(step) {
            heard(&mut client, piece);
        }
    }
    (client, server)
}

#[test]
fn a_handshake_may_come_byte_by_byte() {
    for step in [1, 7, 100_000] {
        let (mut client, mut server) = agreed(step);
        assert_eq!(server.channel.kind(), Some(HandshakeKind::Full));
        client.writer().write_all(b"a request").unwrap();
        sent(&mut client).chunks(step).for_each(|piece| server.hear(piece).unwrap());
        assert_eq!(server.plain, b"a request");
        assert!(server.held.is_empty() && server.idle == 0);
        assert_eq!(heard(&mut client, &server.say(b"an answer")), b"an answer");
    }
}

#[test]
fn the_end_is_said_and_understood() {
    let (mut client, mut server) = agreed(1000);
    client.writer().write_all(b"last words").unwrap();
    client.send_close_notify();
    let mut bytes = sent(&mut client);
    bytes.extend_from_slice(b"what follows is nothing");
    server.hear(&bytes).unwrap();
    assert!(server.channel.has_ended());
    assert_eq!((server.plain.as_slice(), server.held.len()), (&b"last words"[..], 0));
    assert_eq!(heard(&mut client, &server.say(b"still heard")), b"still heard");
    server.channel.close(&mut server.out);
    let closed = std::mem::take(&mut server.out);
    client.read_tls(&mut &closed[..]).unwrap();
    assert!(client.process_new_packets().unwrap().peer_has_closed());
    server.channel.close(&mut server.out);
    assert!(server.out.is_empty(), "once");
}

#[test]
fn what_is_no_tls_ends_it_with_an_alert() {
    let cases: [&[u8]; 4] = [
        b"\x16\x03\x01\x00\x05hello",
        b"\x16\x03\x01\x00\x04\x01\x00\x00\x00",
        b"\x17\x03\x03\x00\x01x",
        b"\x00\x00\x00\x00\x00\x00\x00",
    ];
    for bytes in cases {
        let mut server = Server::new();
        assert!(matches!(server.hear(bytes), Err(Fault::Broken(_))), "{bytes:?}");
        assert_eq!(server.out.first(), Some(&21), "{bytes:?}");
    }
    let (_, mut server) = agreed(1000);
    server.out.clear();
    let garbage = [&[23, 3, 3, 0, 50][..], &[7; 50]].concat();
    assert!(matches!(server.hear(&garbage), Err(Fault::Broken(_))));
    assert_eq!(server.out.first(), Some(&23), "an alert, and sealed");
    let mut server = Server::new();
    assert!(matches!(server.hear(b"\x16\x03\x01\xff\xff"), Err(Fault::TooLarge)));
    assert_eq!(server.out, [21, 3, 3, 0, 2, 2, 22]);
}

#[test]
fn a_handshake_that_does_not_end_is_too_large() {
    let mut server = Server::new();
    // The beginning of a hello of 64 KiB, in records of 16.
    let record = [&[22, 3, 1, 0x40, 0][..], &[1, 0, 0xff, 0xff], &[3; (1 << 14) - 4]].concat();
    server.hear(&record).unwrap();
    let next = [&[22, 3, 1, 0x40, 0][..], &[3; 1 << 14]].concat();
    assert!(matches!(server.hear(&next), Err(Fault::TooLarge)));
}

#[test]
fn new_keys_are_taken_and_counted() {
    let (mut client, mut server) = agreed(1000);
    for _ in 0..3 {
        client.refresh_traffic_keys().unwrap();
        client.writer().write_all(b"x").unwrap();
        let bytes = sent(&mut client);
        server.hear(&bytes).unwrap();
        assert_eq!(heard(&mut client, &server.say(b"y")), b"y", "with the new ones");
    }
    assert_eq!((server.plain.as_slice(), server.idle), (&b"xxx"[..], 3));
    let refused = (0..100).find_map(|_| {
        client.refresh_traffic_keys().unwrap();
        let bytes = sent(&mut client);
        server.hear(&bytes).err()
    });
    assert!(matches!(refused, Some(Fault::Idle)), "too many in a row");
}

#[test]
fn an_idle_one_keeps_nothing() {
    let (mut client, mut server) = agreed(1000);
    client.writer().write_all(&[b'x'; 60_000]).unwrap();
    let bytes = sent(&mut client);
    bytes.chunks(40_000).for_each(|piece| server.hear(piece).unwrap());
    assert_eq!((server.plain.len(), server.held.len()), (60_000, 0));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Whatever is said, and however it is cut, arrives.
    #[test]
    fn cuts_change_nothing(
        said in prop::collection::vec((any::<bool>(), 1_usize..40_000), 1..6),
        cuts in prop::collection::vec(1_usize..20_000, 1..40),
    ) {
        let (mut client, mut server) = agreed(5000);
        let mut cuts = cuts.iter().cycle();
        for (number, (is_clients, length)) in said.into_iter().enumerate() {
            let text = vec![number as u8; length];
            let mut rest = match is_clients {
                true => {
                    client.writer().write_all(&text).unwrap();
                    sent(&mut client)
                }
                false => text.chunks(MAX_PLAIN_BYTES).flat_map(|part| server.say(part)).collect(),
            };
            let mut arrived = Vec::new();
            while !rest.is_empty() {
                let piece: Vec<_> = rest.drain(..rest.len().min(*cuts.next().unwrap())).collect();
                match is_clients {
                    true => server.hear(&piece).unwrap(),
                    false => arrived.extend(heard(&mut client, &piece)),
                }
            }
            if is_clients {
                arrived = std::mem::take(&mut server.plain);
            }
            prop_assert!(arrived == text, "{} of {} bytes", arrived.len(), length);
        }
    }

    /// Whatever comes, it is not waited for without end, and costs nobody anything.
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..600), is_late: bool) {
        let mut server = if is_late { agreed(5000).1 } else { Server::new() };
        let _ = server.hear(&bytes);
        prop_assert!(server.plain.is_empty());
    }
}
