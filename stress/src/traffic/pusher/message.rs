//! Writes requests for pusher-api, as text.

use std::{
    io::Write,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use parking_lot::Mutex;

use super::{order::Order, schedule::Schedule, sequences::Sequences};
use crate::settings::{
    phase::Phase,
    phases::{Mode, Recipients},
};

/// Writes requests; keeps its buffers.
pub(super) struct Writer {
    /// Request line and headers up to the length, for each server.
    heads: Vec<String>,
    batch: bool,
    payload: usize,
    recipients: Recipients,
    /// Whom messages are for that are for many, as JSON.
    many: String,
    /// Escaped for JSON.
    user_prefix: String,
    online: Arc<Vec<u32>>,
    connections: usize,
    run: u32,
    sequences: Arc<Mutex<Sequences>>,
    phase: Arc<AtomicU8>,
    body: Vec<u8>,
    request: Vec<u8>,
}

impl Writer {
    /// Writes the requests of an order.
    pub(super) fn new(order: &Order) -> Self {
        let (path, media_type) = match order.mode {
            Mode::Batch => ("/v1/push/batch", "application/x-ndjson"),
            Mode::Single => ("/v1/push", "application/json"),
        };
        let key = order.key.as_ref().map(|key| format!("Authorization: Bearer {key}\r\n"));
        let key = key.unwrap_or_default();
        // With the port (RFC 9112 section 3.2): in development another one is not taken.
        let head = |address: &SocketAddr| {
            let host = format!("{}:{}", order.servers.host, address.port());
            format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\n{key}Content-Type: {media_type}\r\n\
                 Content-Length: "
            )
        };
        let many = match (order.recipients, &order.topic) {
            (Recipients::Topic, Some(topic)) => serde_json::json!({ "topic": topic }),
            _ => serde_json::json!({ "all": true }),
        };
        let quoted = serde_json::to_string(&order.user_prefix).expect("plain data");
        Self {
            heads: order.servers.addresses.iter().map(head).collect(),
            batch: order.mode == Mode::Batch,
            payload: order.payload,
            recipients: order.recipients,
            many: many.to_string(),
            user_prefix: quoted[1..quoted.len() - 1].to_owned(),
            online: Arc::clone(&order.online),
            connections: order.connections,
            run: order.run,
            sequences: Arc::clone(&order.sequences),
            phase: Arc::clone(&order.phase),
            body: Vec::new(),
            request: Vec::new(),
        }
    }

    /// Whether a connection of this number has anybody to carry messages to.
    pub(super) fn has_recipients(&self, connection: usize) -> bool {
        self.recipients != Recipients::Random || connection < self.online.len()
    }

    /// The request that carries these messages over a connection, and the phase it belongs to.
    pub(super) fn request(
        &mut self,
        messages: Range<u64>,
        schedule: &Schedule,
        connection: usize,
    ) -> (&[u8], Option<Phase>) {
        self.body.clear();
        let phase = Phase::from_number(self.phase.load(Ordering::Relaxed));
        let sequences = Arc::clone(&self.sequences);
        let mut sequences = sequences.lock();
        for number in messages {
            self.message(schedule.due_micros(number), phase, connection, &mut sequences);
            if self.batch {
                self.body.push(b'\n');
            }
        }
        let Self { heads, body, request, .. } = self;
        let head = &heads[connection % heads.len()];
        request.clear();
        write!(request, "{head}{}\r\n\r\n", body.len()).expect("writing to memory does not fail");
        request.extend_from_slice(body);
        (request, phase)
    }

    fn message(
        &mut self,
        due: u64,
        phase: Option<Phase>,
        connection: usize,
        sequences: &mut Sequences,
    ) {
        let recipient = (self.recipients == Recipients::Random).then(|| self.recipient(connection));
        let start = self.stamp(due, phase, recipient, sequences);
        let body = &mut self.body;
        // Two bytes end the data.
        let padded = (start + self.payload).saturating_sub(2).max(body.len());
        body.resize(padded, b'x');
        body.extend_from_slice(br#""}}"#);
    }

    /// Somebody whose messages go over this connection, by the place among those who are online.
    fn recipient(&self, connection: usize) -> usize {
        let step = self.connections.min(self.online.len()).max(1);
        let count = (self.online.len() - connection).div_ceil(step);
        connection + step * fastrand::usize(..count)
    }

    /// Writes a message up to the text that fills it; where its data begins.
    fn stamp(
        &mut self,
        due: u64,
        phase: Option<Phase>,
        recipient: Option<usize>,
        sequences: &mut Sequences,
    ) -> usize {
        let Self { many, user_prefix, online, run, body, .. } = self;
        let user = recipient.map(|place| online[place]);
        let written = match user {
            None => write!(body, r#"{{"to":{many},"data":"#),
            Some(user) => write!(body, r#"{{"to":{{"user":"{user_prefix}{user}"}},"data":"#),
        };
        let start = body.len();
        written
            .and_then(|()| write!(body, r#"{{"t":{due},"#))
            .and_then(|()| match phase {
                None => Ok(()),
                Some(phase) => write!(body, r#""f":{},"#, phase as u8),
            })
            .and_then(|()| match recipient.zip(user) {
                None => write!(body, r#""b":{},"#, sequences.next_of_all()),
                Some((place, user)) => {
                    write!(body, r#""n":{},"u":{user},"#, sequences.next_of(place))
                }
            })
            .and_then(|()| write!(body, r#""r":{run},"p":""#))
            .expect("writing to memory does not fail");
        start
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::stamp::{Proof, stamp},
        settings::{addresses::HttpServers, phases::Limit},
    };

    fn order(mode: Mode, recipients: Recipients) -> Order {
        Order {
            servers: HttpServers {
                addresses: [1, 2].map(|port| SocketAddr::from(([127, 0, 0, 1], port))).into(),
                host: "h".into(),
                peer: None,
            },
            key: Some("k".into()),
            mode,
            connections: 1,
            batch: 10,
            payload: 100,
            recipients,
            topic: Some("news".parse().expect("a topic")),
            user_prefix: "u\"".into(),
            online: Arc::new(vec![7]),
            rate: 1.0,
            limit: Limit::Messages(10),
            first: 0,
            run: 9,
            sequences: Arc::default(),
            phase: Arc::default(),
        }
    }

    fn written(order: &Order, messages: Range<u64>) -> (String, Vec<serde_json::Value>) {
        let schedule = Schedule::new(order.rate, order.limit, order.first);
        let request = Writer::new(order).request(messages, &schedule, 0).0.to_vec();
        let request = String::from_utf8(request).expect("text");
        let (head, body) = request.split_once("\r\n\r\n").expect("a head");
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())), "{head}");
        let lines = body.lines().map(|line| serde_json::from_str(line).expect(line));
        (head.to_owned(), lines.collect())
    }

    #[test]
    fn batches_carry_a_line_per_message() {
        let (head, lines) = written(&order(Mode::Batch, Recipients::Random), 0..3);
        assert!(head.starts_with("POST /v1/push/batch HTTP/1.1\r\nHost: h:1\r\n"), "{head}");
        assert!(head.contains("\r\nAuthorization: Bearer k\r\n"), "{head}");
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[2]["to"], serde_json::json!({"user": "u\"7"}));
        assert_eq!(lines[2]["data"]["n"], 3);
        assert_eq!((&lines[2]["data"]["u"], &lines[2]["data"]["r"]), (&7.into(), &9.into()));
    }

    #[test]
    fn each_server_is_called_by_its_own_port() {
        let order = Order { connections: 4, ..order(Mode::Single, Recipients::All) };
        let schedule = Schedule::new(1.0, Limit::Messages(9), 0);
        let mut writer = Writer::new(&order);
        let mut host = |connection| {
            let request = writer.request(0..1, &schedule, connection).0.to_vec();
            let text = String::from_utf8(request).expect("text");
            text.lines().find_map(|line| line.strip_prefix("Host: ").map(str::to_owned))
        };
        let hosts: Vec<_> = (0..4).map(|connection| host(connection).expect("a host")).collect();
        assert_eq!(hosts, ["h:1", "h:2", "h:1", "h:2"]);
    }

    #[test]
    fn a_user_has_one_sequence_over_one_connection_in_all_orders() {
        let online: Arc<Vec<u32>> = Arc::new((10..20).collect());
        let mut order = order(Mode::Batch, Recipients::Random);
        (order.online, order.connections) = (Arc::clone(&online), 4);
        let schedule = Schedule::new(0.0, Limit::Messages(9000), 0);
        let mut numbers = std::collections::BTreeMap::<u64, Vec<u64>>::new();
        for connection in [0, 1, 2, 3, 0, 2] {
            let mut writer = Writer::new(&order);
            assert!(writer.has_recipients(connection));
            let request = writer.request(0..200, &schedule, connection).0.to_vec();
            let text = String::from_utf8(request).expect("text");
            for line in text.split_once("\r\n\r\n").expect("a head").1.lines() {
                let data = &serde_json::from_str::<serde_json::Value>(line).expect(line)["data"];
                let user = data["u"].as_u64().expect("a user");
                assert_eq!((user - 10) as usize % 4, connection);
                numbers.entry(user).or_default().push(data["n"].as_u64().expect("a number"));
            }
        }
        assert_eq!(numbers.len(), online.len());
        for (user, numbers) in numbers {
            let count = numbers.len() as u64;
            assert!(numbers.into_iter().eq(1..=count), "{user}");
        }
        order.online = Arc::new(vec![7]);
        assert!(!Writer::new(&order).has_recipients(1));
    }

    #[test]
    fn phases_are_written_where_clients_look_for_them() {
        let order = order(Mode::Single, Recipients::Random);
        order.phase.store(Phase::After as u8, Ordering::Relaxed);
        let schedule = Schedule::new(1.0, Limit::Messages(9), 0);
        let request = Writer::new(&order).request(4..5, &schedule, 0).0.to_vec();
        assert_eq!(stamp(&request).expect("a stamp").phase, Some(Phase::After));
    }

    #[test]
    fn data_has_the_size_and_the_stamp_that_clients_look_for() {
        let (head, lines) = written(&order(Mode::Single, Recipients::All), 4..5);
        assert!(head.starts_with("POST /v1/push HTTP/1.1\r\n"), "{head}");
        assert_eq!(lines[0]["to"], serde_json::json!({"all": true}));
        let request = Writer::new(&order(Mode::Single, Recipients::All))
            .request(4..5, &Schedule::new(1.0, Limit::Messages(9), 0), 0)
            .0
            .to_vec();
        let found = stamp(&request).expect("a stamp");
        assert!(found.is_broadcast);
        assert_eq!(found.proof, Some(Proof { run: 9, user: None, number: 1 }));
        let text = String::from_utf8(request).expect("text");
        let data = text.split_once("\"data\":").expect("data").1;
        assert_eq!(data.len(), 100 + 1);
        let (_, lines) = written(&order(Mode::Single, Recipients::Topic), 0..1);
        assert_eq!(lines[0]["to"], serde_json::json!({"topic": "news"}));
    }
}
