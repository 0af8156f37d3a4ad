//! Ids that backends choose: what a push is told that comes again.

use serde_json::json;

use crate::harness::{Client, Gateway, Http, PusherApi, Tcp, http::Answer, metrics::Metrics, pair};

/// Says which process answers, and which is meant.
const PROCESS: &str = "holdfast-process";
const ID: &str = "0190a6f0-0000-7000-8000-000000000001";

fn push(client: &Http, query: &str, data: u32) -> Answer {
    let body = json!({ "to": { "user": "u" }, "data": data, "id": ID }).to_string();
    client.post(&format!("/v1/push{query}"), "application/json", &body)
}

#[test]
fn an_id_is_one_push_and_another_body_is_told() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    for _ in 0..3 {
        let answer = push(&pusher.client, "", 1);
        assert_eq!((answer.status, answer.json()), (202, json!({ "id": ID })));
    }
    let other = push(&pusher.client, "", 2);
    assert_eq!((other.status, &other.json()["pointer"]), (409, &json!("/id")));
    let line = |data: u32| json!({ "to": { "user": "u" }, "data": data, "id": ID }).to_string();
    let report = pusher.client.batch(format!("{}\n{}\n", line(1), line(2)).as_bytes());
    assert_eq!(report["accepted"], 1, "{report}");
    assert_eq!(report["rejected"][0]["lines"], json!([2, 2]), "{report}");
    assert_eq!(report["rejected"][0]["status"], 409, "{report}");
    assert_eq!(client.expect("push")["data"], 1);
    client.expect_alive();
}

#[test]
fn who_means_another_process_is_told_and_nothing_is_taken() {
    let (gateway, mut pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let process = |answer: &Answer| answer.header(PROCESS).expect("who answers").to_owned();
    let first = process(&push(&pusher.client, "", 1));
    for path in ["/healthz", "/v1/gateways", "/v1/nothing", "/nothing"] {
        assert_eq!(process(&pusher.client.get(path)), first, "{path}");
    }
    let line = |data: u32| json!({ "to": { "user": "u" }, "data": data }).to_string() + "\n";
    let batch = |pusher: &PusherApi, process: &str, data| {
        let named = [(PROCESS, process)];
        pusher.client.post_with("/v1/push/batch", "application/x-ndjson", &named, &line(data))
    };
    let taken = batch(&pusher, &first, 2);
    assert_eq!((taken.status, &taken.json()["accepted"]), (200, &json!(1)));
    assert_eq!([(); 2].map(|()| client.expect("push")["data"].clone()), [1, 2]);
    pusher.restart();
    pusher.await_ready();
    let refused = batch(&pusher, &first, 3);
    assert_eq!((refused.status, refused.json()["status"].clone()), (412, json!(412)));
    let second = process(&refused);
    assert_ne!(second, first);
    assert_eq!(batch(&pusher, &second, 4).status, 200);
    assert_eq!(client.expect("push")["data"], 4);
    client.expect_alive();
}

#[test]
fn a_repetition_gets_the_receipt_of_the_first_or_is_told_that_there_is_none() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let first = push(&pusher.client, "?receipt=10s", 1);
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.json()["sessions"].as_array().map(Vec::len), Some(1), "{first:?}");
    let again = push(&pusher.client, "?receipt=10s", 1);
    assert_eq!((again.status, again.json()), (200, first.json()));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    client.expect("push");
    client.expect_alive();

    let body =
        json!({ "to": { "user": "u" }, "data": 1, "id": ID.replace("01", "02") }).to_string();
    let statuses = ["", "?receipt=10s", ""].map(|query| {
        pusher.client.post(&format!("/v1/push{query}"), "application/json", &body).status
    });
    assert_eq!(statuses, [202, 409, 202], "the first has asked for no receipt");
    client.expect("push");
    client.expect_alive();
}

#[test]
fn ids_of_different_backends_are_apart() {
    let gateway = Gateway::start(&[]);
    let keys = "--api-key=shop:push:one,shop:push:two,mail:push:three";
    let pusher = PusherApi::start(&[&gateway], &[keys]);
    let mut client = Tcp::join(&gateway, "u");
    let with = |key: &str, data: u32| push(&Http::with_key(pusher.address, key), "", data).status;
    assert_eq!(with("one", 1), 202);
    assert_eq!(with("two", 2), 409, "two keys of one name are one backend's");
    assert_eq!(with("three", 3), 202);
    assert_eq!(
        [client.expect("push"), client.expect("push")].map(|push| push["data"].clone()),
        [1, 3]
    );
    client.expect_alive();
}

#[test]
fn ids_are_kept_in_bounded_memory_and_those_forgotten_early_are_counted() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &["--ids-memory=64KiB"]);
    let metric = |name: &str| Metrics::parse(&pusher.client.get("/metrics").text).get(name);
    let limit = metric("holdfast_pusher_ids_limit");
    assert!((1000.0..1366.0).contains(&limit), "64 KiB hold {limit} ids");
    let line = |number: usize| {
        let id = format!("0190a6f0-0000-7000-8000-{number:012}");
        json!({ "to": { "user": "u" }, "data": 1, "id": id }).to_string() + "\n"
    };
    let lines: String = (0..3000).map(line).collect();
    assert_eq!(pusher.client.batch(lines.as_bytes()), json!({ "accepted": 3000, "rejected": [] }));
    let (known, forgotten) =
        (metric("holdfast_pusher_ids_remembered"), metric("holdfast_pusher_ids_forgotten_total"));
    assert!(known <= limit && known + forgotten == 3000.0, "{known} known, {forgotten} forgotten");
}
