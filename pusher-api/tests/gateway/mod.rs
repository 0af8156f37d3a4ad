//! The gateway's end of the link, as much of it as the tests need.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use protocol::link::{
    Down, EntryLayout, OFFER_HEADER, Offer, PresenceChange, PushEntries, TargetRef, Up,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

pub(crate) struct TestGateway(TcpListener);

pub(crate) struct Connection {
    stream: TcpStream,
    arrived: BytesMut,
}

/// User and payload.
pub(crate) type Push = (String, Value);

impl TestGateway {
    pub(crate) async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("bound")
    }

    pub(crate) async fn accept(&self) -> Connection {
        self.accept_head().await.0
    }

    /// Accepts an upgrade and shows the request.
    pub(crate) async fn accept_head(&self) -> (Connection, String) {
        self.accept_with(&format!("{OFFER_HEADER}: {}\r\n", Offer::OURS)).await
    }

    /// Accepts an upgrade with these header fields more.
    pub(crate) async fn accept_with(&self, fields: &str) -> (Connection, String) {
        let (mut connection, head) = self.request().await;
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: holdfast-link\r\n";
        connection.send_bytes(format!("{response}{fields}\r\n").as_bytes()).await;
        (connection, head)
    }

    pub(crate) async fn refuse(&self) {
        let (mut connection, _) = self.request().await;
        let response = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        connection.send_bytes(response).await;
    }

    async fn request(&self) -> (Connection, String) {
        let (mut stream, _) = self.0.accept().await.expect("a connection");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a request").into());
        }
        (Connection { stream, arrived: BytesMut::new() }, head)
    }
}

impl Connection {
    pub(crate) async fn send(&mut self, frame: &Up) {
        let mut encoded = BytesMut::new();
        frame.encode(&mut encoded);
        self.send_bytes(&encoded).await;
    }

    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("written");
    }

    /// The bytes of the next frame that is no heartbeat.
    pub(crate) async fn bytes(&mut self) -> BytesMut {
        loop {
            let header = self.arrived.split_first_chunk();
            let length = header.map_or(5, |(length, _)| 5 + u32::from_le_bytes(*length) as usize);
            if self.arrived.len() < length {
                let read = self.stream.read_buf(&mut self.arrived).await.expect("bytes");
                assert!(read > 0, "the link was closed");
                continue;
            }
            let frame = self.arrived.split_to(length);
            let mut heartbeat = BytesMut::new();
            Down::Heartbeat.encode(&mut heartbeat);
            if frame != heartbeat {
                return frame;
            }
        }
    }

    /// The next frame that is no heartbeat and neither about devices nor about what is kept.
    pub(crate) async fn receive(&mut self) -> Down {
        loop {
            match self.next().await {
                Down::Store(_) => {}
                frame => return frame,
            }
        }
    }

    /// The next frame that is no heartbeat and not about devices or other gateways.
    pub(crate) async fn next(&mut self) -> Down {
        loop {
            match Down::decode(&mut self.arrived).expect("link frames") {
                Some(Down::Heartbeat | Down::Device(_) | Down::Others(_)) => {}
                Some(frame) => return frame,
                None => {
                    let read = self.stream.read_buf(&mut self.arrived).await.expect("bytes");
                    assert!(read > 0, "the link was closed");
                }
            }
        }
    }

    /// Takes the hello and answers as this process.
    pub(crate) async fn welcome(&mut self, instance: u128, last_seq: u64) {
        let Down::Hello { offer, .. } = self.receive().await else { panic!("expected a hello") };
        assert_eq!(offer, Offer::OURS);
        let (instance, gateway) = (Uuid::from_u128(instance), format!("g{instance}"));
        self.send(&Up::Welcome { offer, instance, last_seq, gateway }).await;
    }

    pub(crate) async fn presence(&mut self, seq: u64, changes: &[PresenceChange<'_>]) {
        let mut encoded = BytesMut::new();
        changes.iter().for_each(|change| change.encode(&mut encoded));
        self.send(&Up::Presence { seq, changes: encoded.freeze() }).await;
    }

    pub(crate) async fn presence_ack(&mut self, expected: u64) {
        assert_eq!(self.receive().await, Down::PresenceAck { seq: expected });
    }

    /// Names every user, and waits until that was taken in.
    pub(crate) async fn snapshot(&mut self, users: &[&str]) {
        let mut changes = vec![PresenceChange::SnapshotBegin];
        changes.extend(users.iter().map(|user| PresenceChange::Came(user)));
        changes.push(PresenceChange::SnapshotEnd);
        self.presence(changes.len() as u64, &changes).await;
        self.presence_ack(changes.len() as u64).await;
    }

    /// The same once more on one connection, whose changes are counted on.
    pub(crate) async fn snapshot_again(&mut self, users: &[&str]) {
        let before = 4;
        let mut changes = vec![PresenceChange::SnapshotBegin];
        changes.extend(users.iter().map(|user| PresenceChange::Came(user)));
        changes.push(PresenceChange::SnapshotEnd);
        let seq = before + changes.len() as u64;
        self.presence(seq, &changes).await;
        self.presence_ack(seq).await;
    }

    /// Waits until pusher-api closes the link.
    pub(crate) async fn closed(mut self) {
        while self.stream.read_buf(&mut self.arrived).await.is_ok_and(|read| read > 0) {}
    }

    /// The next batch: its number, and user and payload of each push.
    pub(crate) async fn batch(&mut self) -> (u64, Vec<Push>) {
        let Down::Batch { seq, pushes } = self.receive().await else { panic!("expected a batch") };
        (seq, entries_in(&pushes).map(|entry| push_of(entry.expect("an entry"))).collect())
    }

    /// So many pushes, in whatever batches they come.
    pub(crate) async fn pushes(&mut self, count: usize) -> Vec<Push> {
        let mut pushes = Vec::new();
        while pushes.len() < count {
            pushes.extend(self.batch().await.1);
        }
        pushes
    }
}

fn entries_in(pushes: &Bytes) -> PushEntries<'_> {
    PushEntries::new(pushes, EntryLayout::Framed)
}

fn push_of(entry: protocol::link::PushEntry<'_>) -> Push {
    let TargetRef::User(user) = entry.target else { panic!("expected a push to one user") };
    let frame: Value = serde_json::from_slice(entry.frame).expect("a client's frame");
    (user.to_owned(), frame["data"].clone())
}

/// Id and receipt flag of each push in a batch.
pub(crate) fn entries(pushes: &Bytes) -> Vec<(Uuid, bool)> {
    let entries = entries_in(pushes).map(|entry| entry.expect("an entry"));
    entries.map(|entry| (entry.id.0, entry.receipt)).collect()
}
