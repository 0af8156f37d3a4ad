//! The gateway's end of the link, as much of it as the tests need.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use protocol::link::{Down, PresenceChange, PushEntries, TargetRef, Up, VERSION};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use uuid::Uuid;

pub struct TestGateway(TcpListener);

pub struct Connection {
    stream: TcpStream,
    arrived: BytesMut,
}

/// User and payload.
pub type Push = (String, Value);

impl TestGateway {
    pub async fn bind() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.expect("a port"))
    }

    pub fn address(&self) -> SocketAddr {
        self.0.local_addr().expect("bound")
    }

    pub async fn accept(&self) -> Connection {
        self.accept_head().await.0
    }

    /// Accepts an upgrade and shows the request.
    pub async fn accept_head(&self) -> (Connection, String) {
        let (mut connection, head) = self.request().await;
        let response = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: holdfast-link\r\n\r\n";
        connection.stream.write_all(response.as_bytes()).await.expect("written");
        (connection, head)
    }

    pub async fn refuse(&self) {
        let (mut connection, _) = self.request().await;
        let response = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        connection.stream.write_all(response.as_bytes()).await.expect("written");
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
    pub async fn send(&mut self, frame: &Up) {
        let mut encoded = BytesMut::new();
        frame.encode(&mut encoded);
        self.stream.write_all(&encoded).await.expect("written");
    }

    /// The next frame that is no heartbeat.
    pub async fn receive(&mut self) -> Down {
        loop {
            match Down::decode(&mut self.arrived).expect("link frames") {
                Some(Down::Heartbeat) => {}
                Some(frame) => return frame,
                None => {
                    let read = self.stream.read_buf(&mut self.arrived).await.expect("bytes");
                    assert!(read > 0, "the link was closed");
                }
            }
        }
    }

    /// Takes the hello and answers as this process.
    pub async fn welcome(&mut self, instance: u128, last_seq: u64) {
        let Down::Hello { version: VERSION, .. } = self.receive().await else {
            panic!("expected a hello")
        };
        let (instance, gateway) = (Uuid::from_u128(instance), format!("g{instance}"));
        self.send(&Up::Welcome { version: VERSION, instance, last_seq, gateway }).await;
    }

    pub async fn presence(&mut self, seq: u64, changes: &[PresenceChange<'_>]) {
        let mut encoded = BytesMut::new();
        changes.iter().for_each(|change| change.encode(&mut encoded));
        self.send(&Up::Presence { seq, changes: encoded.freeze() }).await;
    }

    pub async fn presence_ack(&mut self, expected: u64) {
        assert_eq!(self.receive().await, Down::PresenceAck { seq: expected });
    }

    /// Names every user, and waits until that was taken in.
    pub async fn snapshot(&mut self, users: &[&str]) {
        let mut changes = vec![PresenceChange::SnapshotBegin];
        changes.extend(users.iter().map(|user| PresenceChange::Came(user)));
        changes.push(PresenceChange::SnapshotEnd);
        self.presence(changes.len() as u64, &changes).await;
        self.presence_ack(changes.len() as u64).await;
    }

    /// The next batch: its number, and user and payload of each push.
    pub async fn batch(&mut self) -> (u64, Vec<Push>) {
        let Down::Batch { seq, pushes } = self.receive().await else { panic!("expected a batch") };
        (seq, PushEntries::new(&pushes).map(|entry| push_of(entry.expect("an entry"))).collect())
    }

    /// So many pushes, in whatever batches they come.
    pub async fn pushes(&mut self, count: usize) -> Vec<Push> {
        let mut pushes = Vec::new();
        while pushes.len() < count {
            pushes.extend(self.batch().await.1);
        }
        pushes
    }
}

fn push_of(entry: protocol::link::PushEntry<'_>) -> Push {
    let TargetRef::User(user) = entry.target else { panic!("expected a push to one user") };
    let frame: Value = serde_json::from_slice(entry.frame).expect("a client's frame");
    (user.to_owned(), frame["data"].clone())
}

/// Id and receipt flag of each push in a batch.
pub fn entries(pushes: &Bytes) -> Vec<(Uuid, bool)> {
    let entries = PushEntries::new(pushes).map(|entry| entry.expect("an entry"));
    entries.map(|entry| (entry.id.0, entry.receipt)).collect()
}
