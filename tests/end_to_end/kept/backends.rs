//! What backends see of what is kept.

use serde_json::{Value, json};

use super::{count, keeper, post, to_user};
use crate::harness::{Client, Gateway, Http, PusherApi, Tcp, eventually, files::TestDirectory};

#[test]
fn what_is_kept_is_counted_and_can_be_forgotten() {
    let keeper = keeper(&[]);
    let client = &keeper.pusher.client;
    let nothing = json!({ "count": 0, "bytes": 0 });
    assert_eq!(client.get("/v1/users/u").json()["kept"], nothing);
    client.push(&to_user("u", 1));
    client.push(&to_user("u", 22));
    client.push(&json!({ "to": { "users": ["v", "u", "v"] }, "data": 333, "ttl": 600 }));
    client.push(&json!({ "to": { "topic": "t" }, "data_base64": "AAEC", "ttl": 600 }));
    let kept = client.get("/v1/users/u").json()["kept"].clone();
    assert_eq!((&kept["count"], &kept["bytes"]), (&json!(3), &json!(6)), "{kept}");
    assert!(kept["oldest"].as_str().is_some_and(|oldest| oldest.ends_with('Z')), "{kept}");
    assert_eq!(count(client, "v"), 1);
    let topic = client.get("/v1/topics/t").json()["kept"].clone();
    assert_eq!(topic["count"], 1, "{topic}");
    let cursor = topic["cursor"].as_str().unwrap().to_owned();
    assert!((1..=128).contains(&cursor.len()), "{cursor}");

    let deleted = client.delete("/v1/users/u/kept");
    assert_eq!((deleted.status, deleted.json()), (200, json!({ "deleted": 3 })));
    assert_eq!(client.get("/v1/users/u").json()["kept"], nothing);
    assert_eq!(count(client, "v"), 1);
    assert_eq!(client.delete("/v1/topics/t/kept").json(), json!({ "deleted": 1 }));
    assert_eq!(client.delete("/v1/topics/t/kept").json(), json!({ "deleted": 0 }));
    client.push(&json!({ "to": { "topic": "t" }, "data": 1, "ttl": 600 }));
    let later = client.get("/v1/topics/t").json()["kept"]["cursor"].clone();
    assert_ne!(later, json!(cursor));
}

#[test]
fn what_cannot_be_kept_is_said_at_its_field() {
    let keeper = keeper(&[]);
    let cases = [
        (json!({ "to": { "all": true }, "data": 1, "ttl": 1 }), 422, "/ttl"),
        (json!({ "to": { "user": "u" }, "data": 1, "ttl": 2_419_201 }), 422, "/ttl"),
        (
            json!({ "to": { "user": "u" }, "data": 1, "ttl": 1, "collapse_key": "k".repeat(65) }),
            422,
            "/collapse_key",
        ),
    ];
    for (body, status, pointer) in cases {
        let answer = post(&keeper.pusher.client, &body);
        assert_eq!((answer.status, &answer.json()["pointer"]), (status, &json!(pointer)), "{body}");
    }
    assert_eq!(count(&keeper.pusher.client, "u"), 0);
}

#[test]
fn without_a_store_nothing_is_kept_and_the_flag_is_named() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let answer = post(&pusher.client, &to_user("u", 1));
    assert_eq!((answer.status, &answer.json()["pointer"]), (501, &json!("/ttl")));
    assert!(answer.text.contains("--data"), "{answer:?}");
    let answer = pusher.client.delete("/v1/users/u/kept");
    assert_eq!(answer.status, 501, "{answer:?}");
    assert_eq!(pusher.client.get("/v1/users/u").json()["kept"], Value::Null);
}

#[test]
fn a_later_push_of_a_key_takes_the_place_of_an_earlier_one() {
    let keeper = keeper(&[]);
    let client = &keeper.pusher.client;
    for (to, data) in [("u", 1), ("u", 2), ("v", 3)] {
        let push = json!({ "to": { "user": to }, "data": data, "ttl": 60, "collapse_key": "k" });
        client.push(&push);
    }
    client.push(&to_user("u", 4));
    assert_eq!((count(client, "u"), count(client, "v")), (2, 1));
    eventually("it is counted", || {
        let labels = r#"holdfast_store_removed_messages_total{reason="replaced"}"#;
        (keeper.pusher.metrics().get(labels) == 1.0).then_some(())
    });
}

#[test]
fn a_receipt_says_that_it_is_kept_and_a_repetition_has_none() {
    let keeper = keeper(&[]);
    let client = &keeper.pusher.client;
    let push = |id: u32| {
        let id = format!("0190a6f0-0000-7000-8000-{id:012}");
        let body = json!({ "to": { "user": "away" }, "data": 1, "ttl": 60, "id": id }).to_string();
        client.post("/v1/push?receipt=200ms", "application/json", &body)
    };
    let first = push(1);
    assert_eq!(first.status, 200, "{first:?}");
    let receipt = first.json();
    assert_eq!(
        (&receipt["kept"], &receipt["sessions"], &receipt["complete"], &receipt["online"]),
        (&json!(true), &json!([]), &json!(true), &json!(false))
    );
    let again = push(1);
    assert_eq!((again.status, &again.json()["pointer"]), (409, &json!("/id")));
    assert_eq!(push(2).status, 200);
    assert_eq!(count(client, "away"), 2);
}

#[test]
fn what_is_kept_needs_no_gateway() {
    let mut gateway = Gateway::start(&[]);
    gateway.process.kill();
    let data = TestDirectory::new("kept");
    let pusher = PusherApi::start_unready(&[&gateway], &[&data.flag("data")]);
    assert_eq!(post(&pusher.client, &to_user("u", 1)).status, 202);
    let live = json!({ "to": { "user": "v" }, "data": 1 });
    assert_eq!(post(&pusher.client, &live).status, 503);
    let lines = [to_user("u", 2), live, to_user("v", 3), to_user("u", 4)];
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    let report = pusher.client.batch(lines.join("\n").as_bytes());
    assert_eq!(report["accepted"], 2, "{report}");
    let rejected: Vec<_> = report["rejected"].as_array().unwrap().iter().collect();
    let shown = |entry: &&Value| (entry["lines"].clone(), entry["status"].clone());
    let expected = [(json!([2, 2]), json!(503)), (json!([3, 3]), json!(503))];
    assert_eq!(rejected.iter().map(shown).collect::<Vec<_>>(), expected, "nobody is overtaken");
    gateway.restart();
    pusher.await_ready();
    assert_eq!((count(&pusher.client, "u"), count(&pusher.client, "v")), (3, 0));
}

#[test]
fn forgetting_is_for_those_who_may() {
    let keeper = keeper(&["--api-key=shop:push,read:one,boss:admin:two"]);
    let address = keeper.pusher.address;
    let (shop, boss) = (Http::with_key(address, "one"), Http::with_key(address, "two"));
    shop.push(&to_user("u", 1));
    assert_eq!(shop.delete("/v1/users/u/kept").status, 403);
    assert_eq!(shop.delete("/v1/topics/t/kept").status, 403);
    assert_eq!(post(&boss, &to_user("u", 2)).status, 403);
    assert_eq!(boss.delete("/v1/users/u/kept").json(), json!({ "deleted": 1 }));
}

#[test]
fn live_pushes_are_what_they_were() {
    let keeper = keeper(&[]);
    let mut client = Tcp::join(&keeper.gateway, "u");
    let receipt =
        keeper.pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(receipt.get("kept"), None, "{receipt}");
    assert_eq!(client.expect("push")["data"], 1);
    assert_eq!(count(&keeper.pusher.client, "u"), 0);
}
