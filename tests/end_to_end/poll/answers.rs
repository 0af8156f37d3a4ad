//! What polls are answered with.

use serde_json::{Value, json};

use crate::harness::{
    Gateway, Http, PusherApi, Who, eventually, pair,
    poll::{ByHand, PollAnswer, read_answer},
    tokens::{secret_flag, token, token_of_device},
};

fn push(pusher: &PusherApi, data: u32) -> Value {
    pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": data }))
}

/// The data of the pushes in an answer.
fn data(answer: &PollAnswer) -> Vec<u64> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let frames = answer.body["frames"].as_array().unwrap();
    frames.iter().map(|frame| frame["data"].as_u64().unwrap()).collect()
}

#[test]
fn a_poll_that_waits_is_answered_by_what_comes() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    client.send("seen=1&wait=90s");
    gateway.await_metric("holdfast_polls_held", 1.0);
    let receipt = push(&pusher, 1);
    assert_eq!(receipt["sessions"][0]["outcome"], "written", "{receipt}");
    let answer = client.answer();
    assert_eq!((data(&answer), &answer.body["seen"]), (vec![1], &json!(2)));
    assert_eq!(answer.body["session"], client.session.as_str());
    assert!(answer.head.to_lowercase().contains("content-type: application/json"));
}

#[test]
fn what_comes_between_polls_waits_for_the_next() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    for n in 1..=3 {
        let receipt = push(&pusher, n);
        assert_eq!(receipt["sessions"][0]["outcome"], "queued", "{receipt}");
    }
    assert_eq!(data(&client.ask("seen=1")), [1, 2, 3]);
}

#[test]
fn frames_stay_until_a_poll_has_seen_them() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    push(&pusher, 1);
    let first = client.ask("seen=1");
    push(&pusher, 2);
    // The answer was lost on its way.
    let again = client.ask("seen=1");
    assert_eq!((&again.body, data(&again)), (&first.body, vec![1]));
    let next = client.ask("seen=2");
    assert_eq!((data(&next), &next.body["seen"]), (vec![2], &json!(3)));
    for wrong in ["seen=1", "seen=4", "seen=100"] {
        let answer = client.ask_elsewhere(wrong);
        let answer = read_answer(&mut { answer });
        assert_eq!(answer.status, 400, "{wrong}: {}", answer.body);
    }
    assert_eq!(data(&client.ask("seen=2")), [2], "nothing is lost by that");
}

#[test]
fn a_poll_with_nothing_to_say_is_answered_with_nothing_in_time() {
    let gateway = Gateway::start(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    for wait in ["0s", "100ms"] {
        let answer = client.ask(&format!("seen=1&wait={wait}"));
        assert_eq!((answer.status, &answer.body), (204, &Value::Null));
    }
}

#[test]
fn a_second_poll_ends_the_first() {
    let (gateway, pusher) = pair(&["--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    client.send("seen=1&wait=90s");
    gateway.await_metric("holdfast_polls_held", 1.0);
    let mut second = client.ask_elsewhere("seen=1&wait=90s");
    assert_eq!(client.answer().status, 204);
    push(&pusher, 1);
    assert_eq!(data(&read_answer(&mut second)), [1]);
    // Either connection is good for the next.
    push(&pusher, 2);
    assert_eq!(data(&client.ask("seen=2")), [2]);
}

#[test]
fn a_session_id_alone_opens_nothing() {
    let gateway = Gateway::start(&[&secret_flag(), "--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, Who::Token(token_of_device("u", "d")));
    let path = format!("/v1/poll?seen=1&wait=0s&session={}", client.session);
    let get = |token: Option<String>, path: &str| {
        let http = token
            .map_or_else(|| Http::new(gateway.http), |token| Http::with_key(gateway.http, &token));
        http.get(path).status
    };
    assert_eq!(get(None, &path), 401);
    assert_eq!(get(Some(token_of_device("v", "d")), &path), 404, "another user");
    assert_eq!(get(Some(token_of_device("u", "e")), &path), 404, "another device");
    assert_eq!(get(Some(token("u")), &path), 404, "no device");
    assert_eq!(get(Some(token("u")), &format!("{path}&device=d")), 204, "it may name one itself");
    assert_eq!(client.ask("seen=1&wait=0s").status, 204);
}

#[test]
fn an_unknown_session_is_gone() {
    let (gateway, _pusher) = pair(&["--poll-grace=100ms"]);
    let mut client = ByHand::begin(&gateway, "u");
    eventually("the session has ended", || {
        (gateway.metrics().get("holdfast_sessions") == 0.0).then_some(())
    });
    let answer = read_answer(&mut client.ask_elsewhere("seen=1"));
    assert_eq!((answer.status, &answer.body["code"]), (410, &json!("expired")), "{}", answer.body);
    client.session = "00000000000000ff".to_owned();
    let answer = read_answer(&mut client.ask_elsewhere("seen=1"));
    assert_eq!((answer.status, &answer.body["code"]), (410, &json!("moved")), "{}", answer.body);
}

#[test]
fn a_newer_token_prolongs_the_session() {
    use crate::harness::tokens::{in_seconds, sign};
    let gateway = Gateway::start(&[
        "--jwt-secret=secret-of-thirty-two-bytes-or-more",
        "--jwt-leeway=0s",
        "--poll-grace=1h",
    ]);
    let signed = |seconds: i64| {
        let claims = json!({ "sub": "u", "exp": in_seconds(seconds) });
        sign(&claims, "secret-of-thirty-two-bytes-or-more")
    };
    let mut short = ByHand::begin(&gateway, Who::Token(signed(2)));
    let longer = Http::with_key(gateway.http, &signed(3600));
    let path = format!("/v1/poll?session={}&seen=1&wait=0s", short.session);
    assert_eq!(longer.get(&path).status, 204);
    // The first token has ended by then, and with it would have the session.
    let answer = longer.get(&format!("/v1/poll?session={}&seen=1&wait=3s", short.session));
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(short.ask("seen=1&wait=0s").status, 401);
}
