//! One of two gateways stands still (SIGSTOP): what is known is told, what is not is named, and who
//! is at the other notices nothing.

use serde_json::{Value, json};

use crate::harness::{Client, Event, Gateway, PusherApi, Tcp, WebSocket, eventually};

/// Two gateways and a pusher-api with these flags.
fn three(flags: &[&str]) -> (Gateway, Gateway, PusherApi) {
    let (one, two) = (Gateway::start(&["--name=one"]), Gateway::start(&["--name=two"]));
    let pusher = PusherApi::start(&[&one, &two], flags);
    (one, two, pusher)
}

/// The answer to a push whose receipts are not waited for as long as a stopped gateway takes.
fn receipt(pusher: &PusherApi, user: &str) -> Value {
    let body = json!({ "to": { "user": user }, "data": user }).to_string();
    let answer = pusher.client.post("/v1/push?receipt=300ms", "application/json", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn a_receipt_says_what_is_known_and_names_who_is_silent() {
    let (one, two, pusher) = three(&[]);
    let (mut here, hello) = Tcp::open(&one, "both").unwrap();
    let mut there = Tcp::join(&two, "both");
    let mut only_there = Tcp::join(&two, "there");
    let stopped = two.process.stopped();
    let both = receipt(&pusher, "both");
    let written = json!({ "session": hello["session"], "gateway": "one", "outcome": "written" });
    assert_eq!((&both["sessions"], &both["online"]), (&json!([written]), &json!(true)));
    assert_eq!((&both["complete"], &both["unanswered"]), (&json!(false), &json!(["two"])));
    let silent = receipt(&pusher, "there");
    assert_eq!((&silent["sessions"], &silent["online"]), (&json!([]), &json!(true)));
    assert_eq!((&silent["complete"], &silent["unanswered"]), (&json!(false), &json!(["two"])));
    assert_eq!(here.expect("push")["data"], "both");
    drop(stopped);
    // It was on its way all the while, as `online` said.
    assert_eq!(there.expect("push")["data"], "both");
    assert_eq!(only_there.expect("push")["data"], "there");
    let nobody = receipt(&pusher, "nobody");
    assert_eq!((&nobody["online"], &nobody["complete"]), (&json!(false), &json!(true)));
}

#[test]
fn orders_are_carried_out_by_who_answers() {
    let (one, two, pusher) = three(&[]);
    let mut here = WebSocket::join(&one, "u");
    let mut there = WebSocket::join(&two, "u");
    let stopped = two.process.stopped();
    let incomplete = |answer: &Value| (answer["complete"].clone(), answer["unanswered"].clone());
    let named = (json!(false), json!(["two"]));
    let shown = pusher.client.get("/v1/users/u").json();
    assert_eq!((incomplete(&shown), &shown["online"]), (named.clone(), &json!(true)));
    assert_eq!(shown["sessions"].as_array().map(Vec::len), Some(1));
    let subscribed = pusher.client.put("/v1/users/u/topics/news").json();
    assert_eq!((incomplete(&subscribed), &subscribed["sessions"]), (named.clone(), &json!(1)));
    let topic = pusher.client.get("/v1/topics/news").json();
    assert_eq!((incomplete(&topic), &topic["sessions"]), (named.clone(), &json!(1)));
    let closed = pusher.client.delete("/v1/users/u/sessions").json();
    assert_eq!((incomplete(&closed), &closed["closed"]), (named, &json!(1)));
    here.expect_bye("disconnected", 1008);
    drop(stopped);
    there.expect_bye("disconnected", 1008);
}

#[test]
fn a_gateway_without_room_refuses_its_own_users_only() {
    let (one, two, pusher) = three(&["--link-queue=2MiB"]);
    let mut here = Tcp::join(&one, "here");
    let mut there = Tcp::join(&two, "there");
    for client in [&mut here, &mut there] {
        client.send(&json!({ "type": "subscribe", "topics": ["t"] }));
        client.expect("subscribed");
    }
    pusher.await_topics();
    let stopped = two.process.stopped();
    let filling = "x".repeat(60_000);
    let push = |to: Value, data: &str| {
        let body = json!({ "to": to, "data": data }).to_string();
        pusher.client.post("/v1/push", "application/json", &body)
    };
    eventually("the stopped gateway has no room", || {
        (push(json!({ "user": "there" }), &filling).status == 503).then_some(())
    });
    for to in
        [json!({ "all": true }), json!({ "topic": "t" }), json!({ "users": ["here", "there"] })]
    {
        let taken = push(to.clone(), &filling);
        assert_eq!((taken.status, &taken.json()["no_room"]), (202, &json!(["two"])), "{to}");
    }
    let taken = push(json!({ "topic": "nobodys" }), &filling);
    assert_eq!((taken.status, &taken.json()["no_room"]), (202, &Value::Null), "it is not its own");
    let lines = (0..100).map(|n| format!("{{\"to\":{{\"user\":\"here\"}},\"data\":{n}}}\n"));
    let report = pusher.client.batch(lines.collect::<String>().as_bytes());
    assert_eq!(report["accepted"], 100);
    assert_eq!(here.expect("push")["data"], filling.as_str(), "to everybody");
    assert_eq!(here.expect("push")["topic"], "t");
    assert_eq!(here.expect("push")["data"], filling.as_str(), "to both");
    (0..100).for_each(|n| assert_eq!(here.expect("push")["data"], n));
    let metrics = pusher.client.get("/metrics").text;
    let counted = "holdfast_pusher_dropped_pushes_total{reason=\"no_room\"} 3";
    assert!(metrics.contains(counted), "{metrics}");
    drop(stopped);
    // Who missed something there is told, in front of what waited or behind it.
    let told = loop {
        match there.next() {
            Event::Frame(frame) if frame["type"] == "push" => {}
            Event::Frame(frame) => break frame,
            closed @ Event::Closed(_) => panic!("{closed:?}"),
        }
    };
    assert_eq!(told, json!({ "type": "gap", "reason": "lost" }));
}
