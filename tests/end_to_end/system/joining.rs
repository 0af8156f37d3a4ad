//! Clients between their handshake and their hello, which waits until every pusher-api knows of
//! them. The pusher-api of these tests never says that it does.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use bytes::{Bytes, BytesMut};
use protocol::{
    MessageId,
    link::{
        Down, EntryLayout, Offer, PATH, PresenceChange, PresenceChanges, PushEntry, TargetRef,
        UPGRADE, Up,
    },
};
use uuid::Uuid;

use crate::harness::{
    Client, Gateway, Tcp, WebSocket, Who, client::connect, eventually, websocket::read_head,
};

/// A link that is up and confirms nothing.
struct Link {
    socket: TcpStream,
    arrived: BytesMut,
    seq: u64,
}

impl Link {
    fn open(gateway: &Gateway) -> Self {
        let mut socket = connect(gateway.operators);
        let request = format!(
            "GET {PATH} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {UPGRADE}\r\n\
             Upgrade: websocket\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).unwrap();
        assert!(read_head(&mut socket).starts_with("HTTP/1.1 101 "));
        let mut link = Self { socket, arrived: BytesMut::new(), seq: 0 };
        link.send(&Down::Hello { sender: Uuid::from_u128(1), offer: Offer::OURS });
        link.await_change(PresenceChange::SnapshotEnd);
        link
    }

    fn await_change(&mut self, expected: PresenceChange<'_>) {
        self.await_frame(|frame| match frame {
            Up::Presence { changes, .. } => {
                PresenceChanges::new(changes).any(|change| change.unwrap() == expected)
            }
            _ => false,
        });
    }

    fn send(&mut self, frame: &Down) {
        let mut bytes = BytesMut::new();
        frame.encode(&mut bytes);
        self.socket.write_all(&bytes).unwrap();
    }

    /// Reads until such a frame comes.
    fn await_frame(&mut self, is_it: impl Fn(&Up) -> bool) {
        loop {
            while let Some(frame) = Up::decode(&mut self.arrived).unwrap() {
                if is_it(&frame) {
                    return;
                }
            }
            let mut chunk = [0; 4096];
            let count = self.socket.read(&mut chunk).unwrap();
            assert!(count > 0, "the link has ended");
            self.arrived.extend_from_slice(&chunk[..count]);
        }
    }

    /// Pushes to the user and waits until its sessions have been sent it.
    fn push(&mut self, user: &str, frame: &[u8]) {
        let target = TargetRef::User(user);
        let id = MessageId::generate();
        let entry =
            PushEntry { id, accepted_micros: 0, receipt: true, target, frame, collapse_key: None };
        let mut pushes = BytesMut::new();
        entry.encode(EntryLayout::Framed, &mut pushes);
        self.seq += 1;
        self.send(&Down::Batch { seq: self.seq, pushes: Bytes::from(pushes) });
        self.await_frame(|frame| matches!(frame, Up::Receipt(receipt) if receipt.id == id));
    }
}

fn push(length: usize) -> Vec<u8> {
    format!(r#"{{"type":"push","data":"{}"}}"#, "x".repeat(length)).into_bytes()
}

/// Sends the handshake and waits until pushes reach the client, who has no hello yet.
fn begin<C: Client>(gateway: &Gateway, link: &mut Link) -> TcpStream {
    let mut socket = connect(C::address(gateway));
    socket.write_all(&C::handshake(gateway, &Who::user("u"))).unwrap();
    link.await_change(PresenceChange::Came("u"));
    socket
}

fn hello_comes_first_although_pushes_were_faster<C: Client>() {
    let gateway = Gateway::start(&[]);
    let mut link = Link::open(&gateway);
    let socket = begin::<C>(&gateway, &mut link);
    (0..3).for_each(|length| link.push("u", &push(length)));
    // Some time later the gateway stops waiting.
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    for length in 0..3 {
        assert_eq!(client.expect("push")["data"], "x".repeat(length));
    }
    client.expect_alive();
    eventually("it is counted", || {
        (gateway.metrics().get("holdfast_unconfirmed_hellos_total") >= 1.0).then_some(())
    });
}

fn a_client_that_got_too_much_before_its_hello_is_told_so<C: Client>() {
    let gateway = Gateway::start(&["--outbound-limit=256KiB"]);
    let mut link = Link::open(&gateway);
    let socket = begin::<C>(&gateway, &mut link);
    // More than may wait for a client, and it had no chance to read.
    (0..6).for_each(|_| link.push("u", &push(60_000)));
    let mut client = C::adopt(socket).unwrap();
    client.expect("hello");
    client.expect_bye("too_slow", 1013);
}

#[test]
fn hello_comes_first_on_websocket() {
    hello_comes_first_although_pushes_were_faster::<WebSocket>();
}

#[test]
fn hello_comes_first_on_tcp() {
    hello_comes_first_although_pushes_were_faster::<Tcp>();
}

#[test]
fn too_much_before_the_hello_on_websocket() {
    a_client_that_got_too_much_before_its_hello_is_told_so::<WebSocket>();
}

#[test]
fn too_much_before_the_hello_on_tcp() {
    a_client_that_got_too_much_before_its_hello_is_told_so::<Tcp>();
}
