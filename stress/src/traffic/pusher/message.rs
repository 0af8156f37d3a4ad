//! Writes requests for pusher-api, as text.

use std::{
    io::Write,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use super::{order::Order, schedule::Schedule};
use crate::settings::phases::{Mode, Recipients};

/// Writes requests; keeps its buffers.
pub(super) struct Writer {
    /// Request line and headers up to the length.
    head: String,
    batch: bool,
    payload: usize,
    recipients: Recipients,
    /// Escaped for JSON.
    user_prefix: String,
    online: Arc<Vec<u32>>,
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
        let quoted = serde_json::to_string(&order.user_prefix).expect("plain data");
        Self {
            head: format!(
                "POST {path} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: {media_type}\r\nContent-Length: ",
                order.host,
                key.unwrap_or_default(),
            ),
            batch: order.mode == Mode::Batch,
            payload: order.payload,
            recipients: order.recipients,
            user_prefix: quoted[1..quoted.len() - 1].to_owned(),
            online: Arc::clone(&order.online),
            phase: Arc::clone(&order.phase),
            body: Vec::new(),
            request: Vec::new(),
        }
    }

    /// The request that carries these messages.
    pub(super) fn request(&mut self, messages: Range<u64>, schedule: &Schedule) -> &[u8] {
        self.body.clear();
        for number in messages {
            self.message(number, schedule.due_micros(number));
            if self.batch {
                self.body.push(b'\n');
            }
        }
        let Self { head, body, request, .. } = self;
        request.clear();
        write!(request, "{head}{}\r\n\r\n", body.len()).expect("writing to memory does not fail");
        request.extend_from_slice(body);
        request
    }

    fn message(&mut self, number: u64, due: u64) {
        let Self { user_prefix, online, phase, body, .. } = self;
        let (written, kind) = match self.recipients {
            Recipients::All => (write!(body, r#"{{"to":{{"all":true}},"data":"#), 'b'),
            Recipients::Random => {
                let user = online[fastrand::usize(..online.len())];
                (write!(body, r#"{{"to":{{"user":"{user_prefix}{user}"}},"data":"#), 'n')
            }
        };
        let start = body.len();
        written
            .and_then(|()| write!(body, r#"{{"t":{due},"#))
            .and_then(|()| match phase.load(Ordering::Relaxed) {
                0 => Ok(()),
                phase => write!(body, r#""f":{phase},"#),
            })
            .and_then(|()| write!(body, r#""{kind}":{number},"p":""#))
            .expect("writing to memory does not fail");
        // Two bytes end the data.
        let padded = (start + self.payload).saturating_sub(2).max(body.len());
        body.resize(padded, b'x');
        body.extend_from_slice(br#""}}"#);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        session::stamp::stamp,
        settings::{phase::Phase, phases::Limit},
    };

    fn order(mode: Mode, recipients: Recipients) -> Order {
        Order {
            addresses: Vec::new(),
            host: "h:1".into(),
            key: Some("k".into()),
            mode,
            connections: 1,
            batch: 10,
            payload: 100,
            recipients,
            user_prefix: "u\"".into(),
            online: Arc::new(vec![7]),
            rate: 1.0,
            limit: Limit::Messages(10),
            first: 0,
            phase: Arc::default(),
        }
    }

    fn written(order: &Order, messages: Range<u64>) -> (String, Vec<serde_json::Value>) {
        let schedule = Schedule::new(order.rate, order.limit, order.first);
        let request = Writer::new(order).request(messages, &schedule).to_vec();
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
        assert_eq!(lines[2]["data"]["n"], 2);
    }

    #[test]
    fn phases_are_written_where_clients_look_for_them() {
        let order = order(Mode::Single, Recipients::Random);
        order.phase.store(Phase::After as u8, Ordering::Relaxed);
        let schedule = Schedule::new(1.0, Limit::Messages(9), 0);
        let request = Writer::new(&order).request(4..5, &schedule).to_vec();
        assert_eq!(stamp(&request).expect("a stamp").phase, Some(Phase::After));
    }

    #[test]
    fn data_has_the_size_and_the_stamp_that_clients_look_for() {
        let (head, lines) = written(&order(Mode::Single, Recipients::All), 4..5);
        assert!(head.starts_with("POST /v1/push HTTP/1.1\r\n"), "{head}");
        assert_eq!(lines[0]["to"], serde_json::json!({"all": true}));
        let request = Writer::new(&order(Mode::Single, Recipients::All))
            .request(4..5, &Schedule::new(1.0, Limit::Messages(9), 0))
            .to_vec();
        assert!(stamp(&request).expect("a stamp").is_broadcast);
        let text = String::from_utf8(request).expect("text");
        let data = text.split_once("\"data\":").expect("data").1;
        assert_eq!(data.len(), 100 + 1);
    }
}
