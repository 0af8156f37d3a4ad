//! Polls that reach another gateway than the one that has the session.

use std::{io::Write, net::TcpStream};

use serde_json::{Value, json};

use crate::harness::{
    Client, Gateway, Http, Poll, PusherApi,
    client::connect,
    eventually,
    poll::{PollAnswer, read_answer},
};

/// Two gateways and a pusher-api; a session at the first, and a connection to the second.
struct Apart {
    gateways: [Gateway; 2],
    pusher: PusherApi,
    session: String,
    socket: TcpStream,
}

fn apart() -> Apart {
    let gateways = ["one", "two"].map(|it| Gateway::start(&[&format!("--name={it}")]));
    let pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &["--link-grace=1s"]);
    let answer = ask(&mut connect(gateways[0].http), "user=u");
    assert_eq!(answer.status, 200);
    let session = answer.body["session"].as_str().unwrap().to_owned();
    let socket = connect(gateways[1].http);
    Apart { gateways, pusher, session, socket }
}

fn send(socket: &mut TcpStream, query: &str) {
    let host = socket.peer_addr().unwrap();
    write!(socket, "GET /v1/poll?{query} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
}

fn ask(socket: &mut TcpStream, query: &str) -> PollAnswer {
    send(socket, query);
    read_answer(socket)
}

impl Apart {
    fn query(&self, seen: u32, wait: &str) -> String {
        format!("user=u&session={}&seen={seen}&wait={wait}", self.session)
    }

    fn ask(&mut self, seen: u32, wait: &str) -> PollAnswer {
        let query = self.query(seen, wait);
        ask(&mut self.socket, &query)
    }

    /// The same on a connection of its own.
    fn ask_anew(&self, query: &str) -> PollAnswer {
        ask(&mut connect(self.gateways[1].http), query)
    }

    fn push(&self, data: u32) {
        self.pusher.client.push(&json!({ "to": { "user": "u" }, "data": data }));
    }
}

fn data(answer: &PollAnswer) -> Vec<Value> {
    let frames = answer.body["frames"].as_array().unwrap();
    frames.iter().map(|frame| frame["data"].clone()).collect()
}

#[test]
fn polls_find_their_session_at_another_gateway() {
    let mut it = apart();
    assert_eq!(it.ask(1, "0s").status, 204);
    it.push(1);
    let first = it.ask(1, "30s");
    assert_eq!((first.status, data(&first), &first.body["seen"]), (200, vec![json!(1)], &json!(2)));
    assert_eq!(it.ask(1, "30s").body, first.body, "until it was seen");
    // One that waits when the push comes.
    let query = it.query(2, "30s");
    send(&mut it.socket, &query);
    let path = format!("/v1/frames?user=u&session={}", it.session);
    let http = Http::new(it.gateways[1].http);
    assert_eq!(http.post(&path, "text/plain", r#"{"type":"ping"}"#).status, 204);
    assert_eq!(read_answer(&mut it.socket).body["frames"], json!([{ "type": "pong" }]));
    assert_eq!(it.ask(9, "0s").status, 400, "an answer that there never was");
}

#[test]
fn a_poll_at_either_gateway_ends_the_one_at_the_other() {
    let mut it = apart();
    let (here, there) = (it.query(1, "90s"), it.query(1, "80s"));
    send(&mut it.socket, &here);
    let mut own = connect(it.gateways[0].http);
    eventually("the poll waits at the other gateway", || {
        let metrics = it.gateways[1].metrics();
        (metrics.get("holdfast_relays_waiting") == 1.0).then_some(())
    });
    let mut answered = false;
    while !answered {
        // It may overtake the other one on its way; the later of them waits.
        send(&mut own, &there);
        it.socket.set_nonblocking(true).unwrap();
        answered = eventually("one of them is answered", || {
            let is_answered = it.socket.peek(&mut [0]).is_ok();
            own.set_nonblocking(true).unwrap();
            let is_own = own.peek(&mut [0]).is_ok();
            own.set_nonblocking(false).unwrap();
            (is_answered || is_own).then_some(is_answered)
        });
        it.socket.set_nonblocking(false).unwrap();
        if !answered {
            assert_eq!(read_answer(&mut own).status, 204);
        }
    }
    assert_eq!(read_answer(&mut it.socket).status, 204);
    it.push(3);
    assert_eq!(data(&read_answer(&mut own)), [json!(3)]);
}

#[test]
fn the_end_of_a_session_is_told_at_another_gateway() {
    let mut it = apart();
    let query = it.query(1, "90s");
    send(&mut it.socket, &query);
    eventually("the session is closed", || {
        let closed = it.pusher.client.delete("/v1/users/u/sessions").json();
        (closed["closed"] == 1).then_some(())
    });
    let last = read_answer(&mut it.socket);
    let frames = last.body["frames"].as_array().unwrap();
    assert_eq!((last.status, &frames[0]["reason"]), (200, &json!("disconnected")));
    let gone = it.ask_anew(&it.query(2, "0s"));
    assert_eq!((gone.status, &gone.body["code"]), (410, &json!("expired")));
    let gone = it.ask_anew(&it.query(2, "0s"));
    assert_eq!((gone.status, &gone.body["code"]), (410, &json!("expired")), "it stays so");
}

#[test]
fn who_asks_for_what_is_not_theirs_or_nowhere_is_told_so() {
    let mut it = apart();
    let query = it.query(1, "0s");
    assert_eq!(it.ask_anew(&format!("{query}&device=d")).status, 404);
    assert_eq!(it.ask_anew(&query.replace("user=u", "user=v")).status, 404);
    let nowhere = it.ask_anew("user=u&session=00000000000000ff&seen=1&wait=0s");
    assert_eq!((nowhere.status, &nowhere.body["code"]), (410, &json!("moved")));
    assert_eq!(it.ask(1, "0s").status, 204);
}

#[test]
fn a_client_begins_anew_when_its_gateway_stays_away_and_waits_while_nobody_can_be_asked() {
    let mut it = apart();
    it.gateways[0].process.kill();
    let moved = eventually("its gateway is given up", || {
        let answer = it.ask_anew(&it.query(1, "0s"));
        assert!(matches!(answer.status, 410 | 503), "{}", answer.body);
        (answer.status == 410).then_some(answer)
    });
    assert_eq!(moved.body["code"], "moved");
    let client = Poll::join(&it.gateways[1], "u");
    it.pusher.process.kill();
    eventually("there is no pusher-api", || {
        let answer = it.ask_anew(&it.query(1, "0s"));
        answer.head.contains("retry-after: ").then(|| assert_eq!(answer.status, 503))
    });
    drop(client);
}
