//! The gateway under test, and those who speak to it: a pusher-api, as much of it as the tests
//! need, and a client.

use std::{net::SocketAddr, time::Duration};

use bytes::BytesMut;
use clap::Parser;
use gateway::{Running, Settings};
use protocol::link::Up;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

const UPGRADE: &str = "GET /v1/link HTTP/1.1\r\nHost: g\r\nConnection: Upgrade\r\n\
                       Upgrade: holdfast-link\r\nUpgrade: websocket\r\n";

#[derive(Parser)]
struct Flags {
    #[command(flatten)]
    settings: Settings,
}

/// Starts a gateway on ports the system chooses, with these flags more.
pub(crate) fn gateway(flags: &[&str]) -> Running {
    let listen = ["--listen", "--listen-tcp", "--listen-operators"];
    let listen = listen.map(|flag| format!("{flag}=127.0.0.1:0"));
    let common = ["gateway", "--workers=1", "--name=g1", "--insecure"].map(str::to_owned);
    let flags = flags.iter().map(|flag| (*flag).to_owned());
    let all = common.into_iter().chain(listen).chain(flags);
    gateway::start(Flags::parse_from(all).settings).expect("it starts")
}

/// A pusher-api's end of the link.
pub(crate) struct Pusher {
    stream: TcpStream,
    arrived: BytesMut,
    /// The last question for the time that was passed over.
    pub asked: Option<u64>,
}

impl Pusher {
    /// Asks for a link with these header fields more, and returns what came back.
    pub(crate) async fn ask(gateway: &Running, fields: &str) -> (Self, String) {
        let mut stream = TcpStream::connect(gateway.operators[0]).await.expect("a connection");
        let request = format!("{UPGRADE}{fields}\r\n");
        stream.write_all(request.as_bytes()).await.expect("written");
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(stream.read_u8().await.expect("an answer").into());
        }
        (Self { stream, arrived: BytesMut::new(), asked: None }, head)
    }

    /// Sends bytes.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("written");
    }

    /// The bytes of the next frame.
    pub(crate) async fn bytes(&mut self) -> BytesMut {
        loop {
            if let Some((length, _)) = self.arrived.split_first_chunk() {
                let length = 5 + u32::from_le_bytes(*length) as usize;
                if self.arrived.len() >= length {
                    return self.arrived.split_to(length);
                }
            }
            let read = self.stream.read_buf(&mut self.arrived).await.expect("bytes");
            assert!(read > 0, "the link was closed");
        }
    }

    /// The next frame that `find` makes something of.
    pub(crate) async fn find<T>(&mut self, find: impl Fn(&Up) -> Option<T>) -> T {
        loop {
            let frame = Up::decode(&mut self.bytes().await).expect("a frame").expect("whole");
            if let Some(found) = find(&frame) {
                return found;
            }
            if let Up::AskTime { asked_micros } = frame {
                self.asked = Some(asked_micros);
            }
        }
    }

    /// Waits until the gateway closes the link.
    pub(crate) async fn closed(mut self) {
        while self.stream.read_buf(&mut self.arrived).await.is_ok_and(|read| read > 0) {}
    }
}

/// A client over TCP.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    /// Says who it is. The hello comes when every pusher-api knows.
    pub(crate) async fn connect(gateway: &Running, user: &str) -> Self {
        let mut stream = TcpStream::connect(gateway.tcp[0]).await.expect("a connection");
        let connect = format!("{{\"type\":\"connect\",\"user\":\"{user}\"}}\n");
        stream.write_all(connect.as_bytes()).await.expect("written");
        Self(BufReader::new(stream))
    }

    /// Sends a frame.
    pub(crate) async fn send(&mut self, frame: &str) {
        self.0.write_all(format!("{frame}\n").as_bytes()).await.expect("written");
    }

    /// The next frame.
    pub(crate) async fn frame(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).await.expect("a line");
        line.trim_end().to_owned()
    }

    /// What the next frame says it is.
    pub(crate) async fn kind(&mut self) -> Value {
        serde_json::from_str::<Value>(&self.frame().await).expect("JSON")["type"].take()
    }
}

/// A metric of the gateway, once it has this value.
pub(crate) async fn until_metric(operators: SocketAddr, sample: &str, value: u64) {
    let wanted = format!("\n{sample} {value}\n");
    until_metrics(operators, &format!("{sample} is {value}"), |text| text.contains(&wanted)).await;
}

/// The metrics of the gateway, once they are like this.
pub(crate) async fn until_metrics(
    operators: SocketAddr,
    what: &str,
    wanted: impl Fn(&str) -> bool,
) -> String {
    // So many tries that only what never happens runs out of them.
    for _ in 0..10_000 {
        let mut stream = TcpStream::connect(operators).await.expect("a connection");
        let request = b"GET /metrics HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n";
        stream.write_all(request).await.expect("written");
        let mut text = String::new();
        stream.read_to_string(&mut text).await.expect("metrics");
        if wanted(&text) {
            return text;
        }
        actix_rt::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("{what}: it never was so");
}
