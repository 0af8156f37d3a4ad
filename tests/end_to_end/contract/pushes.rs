//! What clients receive of what backends push.

use serde_json::{Value, json};

use crate::harness::{Client, pair};

contract!(
    data_arrives_as_it_was_sent,
    line_breaks_between_tokens_do_not_tear_the_frame,
    binary_payloads_arrive_as_base64,
    the_largest_payload_arrives,
    an_id_of_the_backend_is_kept_and_pushed_once,
    every_session_of_the_user_gets_it_and_nobody_else,
    everybody_gets_a_push_to_all,
);

fn data_arrives_as_it_was_sent<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    let payloads = [
        json!({ "text": "żółć 💡 \u{2028} \u{0} \"quoted\" \\ /" }),
        json!({ "deep": [[[{ "a": { "b": [null, true, -1.5e300] } }]]] }),
        json!("just text"),
        json!([]),
        json!(false),
        json!(0),
        Value::Null,
    ];
    for data in payloads {
        let accepted = pusher.client.push(&json!({ "to": { "user": "u" }, "data": data }));
        let push = client.expect("push");
        assert_eq!((&push["data"], &push["id"]), (&data, &accepted["id"]));
        assert_eq!(push.get("topic"), None);
        assert!(push.get("data").is_some() && push.get("data_base64").is_none());
    }
}

fn line_breaks_between_tokens_do_not_tear_the_frame<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    let body = "{\n \"to\": {\"user\": \"u\"},\r\n \"data\": {\n\t\"a\": [1,\n2,\r\n3],\r \
                \"text\": \"a\\nb\"\n }\n}";
    let answer = pusher.client.post("/v1/push", "application/json", body);
    assert_eq!(answer.status, 202, "{answer:?}");
    assert_eq!(client.expect("push")["data"], json!({ "a": [1, 2, 3], "text": "a\nb" }));
    client.expect_alive();
}

fn binary_payloads_arrive_as_base64<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    pusher.client.push(&json!({ "to": { "user": "u" }, "data_base64": "AAECAwQ=" }));
    let push = client.expect("push");
    assert_eq!((&push["data_base64"], push.get("data")), (&json!("AAECAwQ="), None));
}

fn the_largest_payload_arrives<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    let data = json!("x".repeat(64 * 1024 - 2));
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": data }));
    assert_eq!(client.expect("push")["data"], data);
}

fn an_id_of_the_backend_is_kept_and_pushed_once<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    let id = "0190a6f0-0000-7000-8000-00000000abcd";
    let body = json!({ "to": { "user": "u" }, "data": 1, "id": id });
    for _ in 0..3 {
        assert_eq!(pusher.client.push(&body)["id"], id);
    }
    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 2 }));
    assert_eq!(client.expect("push")["id"], id);
    assert_eq!(client.expect("push")["data"], 2);
}

fn every_session_of_the_user_gets_it_and_nobody_else<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut sessions: Vec<_> = (0..3).map(|_| C::join(&gateway, "u")).collect();
    let mut other = C::join(&gateway, "other");
    let receipt =
        pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": "mine" }));
    assert_eq!(receipt["sessions"].as_array().unwrap().len(), 3, "{receipt}");
    sessions.iter_mut().for_each(|session| assert_eq!(session.expect("push")["data"], "mine"));
    other.expect_alive();
}

fn everybody_gets_a_push_to_all<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let names = ["a", "b", "c", "a"];
    let mut sessions: Vec<_> = names.iter().map(|name| C::join(&gateway, *name)).collect();
    pusher.client.push(&json!({ "to": { "all": true }, "data": "everybody" }));
    for session in &mut sessions {
        assert_eq!(session.expect("push")["data"], "everybody");
        session.expect_alive();
    }
}
