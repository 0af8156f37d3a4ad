//! Pushes to topics and to everybody, with many who get them and more of them than can be brought.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use serde_json::{Value, json};

use crate::harness::{
    Client, Event, Gateway, Http, PusherApi, Tcp, WebSocket, eventually, pair, wait::Telling,
};

fn join<C: Client>(gateway: &Gateway, user: &str, topics: &[&str]) -> C {
    let mut client = C::join(gateway, user);
    client.send(&json!({ "type": "subscribe", "topics": topics }));
    client.expect_alive();
    client
}

fn many(gateway: &Gateway, count: usize, topics: &[&str]) -> Vec<Tcp> {
    rlimit::increase_nofile_limit(1 << 16).unwrap();
    (0..count).map(|number| join(gateway, &format!("u{number}"), topics)).collect()
}

#[test]
fn health_and_metrics_are_answered_beside_pushes_to_a_large_topic() {
    let (gateway, pusher) = pair(&[]);
    let mut clients = many(&gateway, 1500, &["t"]);
    let (done, answered) = (AtomicBool::new(false), AtomicUsize::new(0));
    thread::scope(|scope| {
        let over = Telling(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(gateway.get("/healthz").status, 200);
                assert_eq!(gateway.get("/metrics").status, 200);
                answered.fetch_add(1, Ordering::Relaxed);
            }
        });
        let lines: Vec<_> = (0..40)
            .map(|number| json!({ "to": { "topic": "t" }, "data": number }).to_string())
            .collect();
        let report = pusher.client.batch(lines.join("\n").as_bytes());
        assert_eq!(report["accepted"], 40, "{report}");
        for client in &mut clients {
            (0..40).for_each(|number| assert_eq!(client.expect("push")["data"], number));
        }
        drop(over);
    });
    assert!(answered.into_inner() > 0);
    eventually("everything is finished", || {
        let metrics = gateway.metrics();
        let left = ["holdfast_fan_outs_unfinished", "holdfast_fan_out_recipients"];
        (left.iter().all(|name| metrics.get(name) == 0.0)).then_some(())
    });
    assert_eq!(gateway.metrics().get("holdfast_push_memory_bytes"), 0.0);
}

/// The push of this number, which takes each kind of target in turn.
fn numbered(number: u32) -> Value {
    let to = match number % 4 {
        0 => json!({ "all": true }),
        1 => json!({ "topic": "a" }),
        2 => json!({ "topic": "b" }),
        _ => json!({ "user": "stays" }),
    };
    json!({ "to": to, "data": number })
}

/// Comes, is subscribed to one topic for a while, and goes, again and again. What it hears of one
/// life is in order and nothing twice, and of no topic before it has subscribed or after it has left.
fn come_and_go<C: Client>(gateway: &Gateway, name: &str, done: &AtomicBool) {
    while !done.load(Ordering::Relaxed) {
        let mut client = C::join(gateway, name);
        let (mut last, mut topics) = (None, BTreeSet::new());
        for turn in 0..6 {
            let kind = if turn % 2 == 0 { "subscribe" } else { "unsubscribe" };
            client.send(&json!({ "type": kind, "topics": ["a"] }));
            client.send(&json!({ "type": "ping" }));
            topics.insert("a");
            loop {
                let Event::Frame(frame) = client.next() else { panic!("{name} was closed") };
                match frame["type"].as_str() {
                    Some("pong") => break,
                    Some("subscribed" | "unsubscribed") => continue,
                    _ => {}
                }
                let number = frame["data"].as_u64().expect("a push");
                assert!(last.replace(number) < Some(number), "{name}: {last:?} twice or late");
                assert!(frame["topic"].is_null() || topics.contains("a"), "{name}: {frame}");
            }
            if kind == "unsubscribe" {
                topics.clear();
            }
        }
    }
}

#[test]
fn order_holds_while_others_subscribe_and_leave() {
    const COUNT: u32 = 1200;
    let (gateway, pusher) = pair(&["--outbound-limit=16MiB"]);
    let _others = many(&gateway, 200, &["b"]);
    let mut web = join::<WebSocket>(&gateway, "stays", &["a", "b"]);
    let mut tcp = join::<Tcp>(&gateway, "stays", &["b", "a"]);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let over = Telling(&done);
        scope.spawn(|| come_and_go::<Tcp>(&gateway, "goes", &done));
        scope.spawn(|| come_and_go::<WebSocket>(&gateway, "leaves", &done));
        let lines: Vec<_> = (0..COUNT).map(|number| numbered(number).to_string()).collect();
        let report = pusher.client.batch(lines.join("\n").as_bytes());
        let heard = (0..COUNT).find_map(|number| {
            let (web, tcp) = (web.expect("push")["data"].take(), tcp.expect("push")["data"].take());
            (web != number || tcp != number).then_some((number, web, tcp))
        });
        drop(over);
        assert_eq!(report["accepted"], COUNT, "{report}");
        assert_eq!(heard, None, "out of order");
    });
}

#[test]
fn one_slow_subscriber_is_closed_and_costs_the_others_nothing() {
    let (gateway, pusher) = pair(&["--outbound-limit=256KiB", "--push-memory=16MiB"]);
    let mut others = many(&gateway, 100, &["t"]);
    let slow = join::<Tcp>(&gateway, "slow", &["t"]);
    let payload = "x".repeat(60_000);
    let mut highest: f64 = 0.0;
    let closes = || gateway.metrics().get("holdfast_slow_consumer_closes_total");
    let mut pushed = 0;
    while closes() == 0.0 {
        pusher.client.push(&json!({ "to": { "topic": "t" }, "data": [pushed, payload] }));
        for client in &mut others {
            assert_eq!(client.expect("push")["data"][0], pushed);
        }
        highest = highest.max(gateway.metrics().get("holdfast_push_memory_bytes"));
        pushed += 1;
        assert!(pushed < 1000, "it never was too slow");
    }
    drop(slow);
    assert!(highest < 600_000.0, "{highest} bytes for one client that does not read");
    for client in &mut others {
        client.expect_alive();
    }
}

/// Pushes from several connections at once; what was answered, by connection.
fn at_once(pusher: &PusherApi, connections: usize, each: usize) -> Vec<Vec<(Value, u16)>> {
    thread::scope(|scope| {
        let pushing = (0..connections).map(|connection| {
            scope.spawn(move || {
                let client = Http::new(pusher.address);
                let push = |number| {
                    let data = json!([connection, number]);
                    let body = json!({ "to": { "all": true }, "data": data }).to_string();
                    let answer = client.post("/v1/push", "application/json", &body);
                    if answer.status == 503 {
                        assert!(answer.header("retry-after").is_some(), "{answer:?}");
                        assert!(answer.text.contains("behind"), "{answer:?}");
                    }
                    (data, answer.status)
                };
                (0..each).map(push).collect()
            })
        });
        let pushing: Vec<_> = pushing.collect();
        pushing.into_iter().map(|pushing| pushing.join().unwrap()).collect()
    })
}

/// What was taken of each connection.
fn taken(answers: &[Vec<(Value, u16)>]) -> Vec<Vec<Value>> {
    let of = |answers: &Vec<(Value, u16)>| {
        let taken = answers.iter().filter(|(_, status)| *status == 202);
        taken.map(|(data, _)| data.clone()).collect()
    };
    answers.iter().map(of).collect()
}

fn expect_each_once_in_order(client: &mut Tcp, taken: &[Vec<Value>]) {
    let count = taken.iter().map(Vec::len).sum();
    let mut heard = vec![Vec::new(); taken.len()];
    for _ in 0..count {
        let data = client.expect("push")["data"].take();
        heard[data[0].as_u64().unwrap() as usize].push(data);
    }
    assert_eq!(heard, taken);
    client.expect_alive();
}

#[test]
fn more_broadcasts_than_can_be_brought_are_refused_and_no_other_push() {
    let gateway = Gateway::start(&["--outbound-limit=16MiB"]);
    // So little that eight at once are more, however fast this machine is.
    let pusher = PusherApi::start(&[&gateway], &["--fan-out-backlog=10ms"]);
    let mut clients = many(&gateway, 1000, &[]);
    let answers = at_once(&pusher, 8, 125);
    pusher.client.push(&json!({ "to": { "user": "u7" }, "data": "own" }));
    let statuses: BTreeSet<_> = answers.iter().flatten().map(|(_, status)| *status).collect();
    assert_eq!(statuses, BTreeSet::from([202, 503]), "some were taken, and some were not");
    let taken = taken(&answers);
    for (number, client) in clients.iter_mut().enumerate() {
        if number == 7 {
            continue;
        }
        expect_each_once_in_order(client, &taken);
    }
    let count: usize = taken.iter().map(Vec::len).sum();
    let own = (0..=count).find(|_| clients[7].expect("push")["data"] == "own");
    assert!(own.is_some(), "a push to a user is taken whatever waits for everybody");
    // As soon as they are brought there is room again.
    eventually("a broadcast is taken again", || {
        let body = json!({ "to": { "all": true }, "data": [0, 125] }).to_string();
        let answer = pusher.client.post("/v1/push", "application/json", &body);
        (answer.status == 202).then_some(())
    });
}

#[test]
fn broadcasts_to_a_few_sessions_are_all_taken() {
    let (gateway, pusher) = pair(&["--outbound-limit=16MiB"]);
    let mut clients = many(&gateway, 10, &[]);
    let answers = at_once(&pusher, 8, 125);
    let taken = taken(&answers);
    assert_eq!(taken.iter().map(Vec::len).sum::<usize>(), 1000);
    clients.iter_mut().for_each(|client| expect_each_once_in_order(client, &taken));
}
