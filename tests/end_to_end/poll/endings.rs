//! How sessions end that are asked by requests.

use serde_json::json;

use crate::harness::{
    Gateway, PusherApi, Who,
    poll::{ByHand, read_answer},
    tokens::{secret_flag, token_of_device},
};

#[test]
fn who_is_replaced_between_two_polls_hears_so() {
    let gateway = Gateway::start(&[&secret_flag(), "--poll-grace=1h"]);
    let who = || Who::Token(token_of_device("u", "d"));
    let mut older = ByHand::begin(&gateway, who());
    let mut newer = ByHand::begin(&gateway, who());
    for _ in 0..2 {
        // Also if the answer is lost on its way.
        let answer = read_answer(&mut older.ask_elsewhere("seen=1&wait=0s"));
        let bye = &answer.body["frames"][0];
        assert_eq!((&bye["type"], &bye["reason"]), (&json!("bye"), &json!("replaced")), "{bye}");
        assert!(bye.get("retry_ms").is_none(), "{bye}");
    }
    let answer = older.ask("seen=2&wait=0s");
    assert_eq!((answer.status, &answer.body["code"]), (410, &json!("expired")));
    assert_eq!(newer.ask("seen=1&wait=0s").status, 204);
}

#[test]
fn a_drain_tells_those_who_wait_and_those_who_ask_meanwhile() {
    let mut gateway = Gateway::start(&["--drain=500ms", "--poll-grace=1h", "--close-timeout=5s"]);
    let mut waiting = ByHand::begin(&gateway, "u");
    let mut between = ByHand::begin(&gateway, "v");
    waiting.send("seen=1&wait=90s");
    gateway.await_metric("holdfast_polls_held", 1.0);
    gateway.terminate();
    let answer = waiting.answer();
    let bye = &answer.body["frames"][0];
    assert_eq!((&bye["reason"], answer.status), (&json!("draining"), 200), "{}", answer.body);
    assert!(bye["retry_ms"].as_u64().is_some() && answer.head.contains("connection: close"));
    let answer = between.ask("seen=1&wait=90s");
    assert_eq!(answer.body["frames"][0]["reason"], "draining", "{}", answer.body);
    assert_eq!(gateway.wait().code(), Some(0));
}

#[test]
fn who_polls_too_often_for_nothing_is_sent_away() {
    let gateway = Gateway::start(&["--frame-rate=20", "--poll-grace=1h"]);
    let mut client = ByHand::begin(&gateway, "u");
    let mut answers = std::iter::repeat_with(|| client.ask("seen=1&wait=0s")).take(10_000);
    let ended = answers.find(|answer| answer.status != 204).expect("an end");
    assert_eq!(ended.body["frames"][0]["reason"], "too_many_frames", "{}", ended.body);
}

#[test]
fn pushes_do_not_count_against_who_asks_for_them() {
    let gateway = Gateway::start(&["--frame-rate=5", "--poll-grace=1h"]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let mut client = ByHand::begin(&gateway, "u");
    for n in 1..=50 {
        pusher.client.push(&json!({ "to": { "user": "u" }, "data": n }));
        assert_eq!(client.ask(&format!("seen={n}")).body["frames"][0]["data"], n);
    }
}
