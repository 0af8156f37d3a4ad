//! What backends are answered, over real HTTP.

use serde_json::{Value, json};

use crate::harness::{Client, Gateway, Http, PusherApi, Tcp, pair};

#[test]
fn wrong_pushes_name_the_field() {
    let (_gateway, pusher) = pair(&[]);
    let large = format!(r#"{{"to":{{"user":"u"}},"data":"{}"}}"#, "x".repeat(65_536));
    let many: Vec<_> = (0..10_001).map(|number| number.to_string()).collect();
    let many = json!({ "to": { "users": many }, "data": 1 }).to_string();
    let cases = [
        ("{", 400, None),
        ("[]", 422, Some("")),
        (r#"{"data":1}"#, 422, Some("/to")),
        (r#"{"to":{"user":"u"}}"#, 422, Some("/data")),
        (r#"{"to":{"user":""},"data":1}"#, 422, Some("/to/user")),
        (r#"{"to":{"users":["a",5]},"data":1}"#, 422, Some("/to/users/1")),
        (r#"{"to":{"user":"u","all":true},"data":1}"#, 422, Some("/to")),
        (r#"{"to":{"user":"u"},"data":1,"data_base64":"AA=="}"#, 422, Some("/data_base64")),
        (r#"{"to":{"user":"u"},"data_base64":"A"}"#, 422, Some("/data_base64")),
        (r#"{"to":{"user":"u"},"data":1,"ttl":-1}"#, 422, Some("/ttl")),
        (r#"{"to":{"user":"u"},"data":1,"id":"x"}"#, 422, Some("/id")),
        (large.as_str(), 413, Some("/data")),
        (many.as_str(), 422, Some("/to/users")),
    ];
    for (body, status, pointer) in cases {
        let shown = &body[..body.len().min(80)];
        let answer = pusher.client.post("/v1/push", "application/json", body);
        assert_eq!(answer.status, status, "{shown}: {answer:?}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        assert_eq!(answer.json().get("pointer").and_then(Value::as_str), pointer, "{shown}");
    }
    let answer = pusher.client.post("/v1/push", "text/xml", "<push/>");
    assert_eq!(answer.status, 415);
    assert_eq!(pusher.client.get("/v1/nothing").status, 404);
    assert_eq!(pusher.client.get("/v1/push").status, 405);
}

#[test]
fn keeping_messages_is_not_implemented_and_says_so() {
    let (_gateway, pusher) = pair(&[]);
    let body = r#"{"to":{"user":"u"},"data":1,"ttl":60}"#;
    let answer = pusher.client.post("/v1/push", "application/json", body);
    assert_eq!((answer.status, &answer.json()["pointer"]), (501, &json!("/ttl")));
}

#[test]
fn one_bad_line_does_not_spoil_a_batch() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let lines = [
        r#"{"to":{"user":"u"},"data":1}"#,
        "",
        "nonsense",
        r#"{"to":{"user":"u"},"data":2,"ttl":-1}"#,
        r#"{"to":{"user":"u"},"data":3}"#,
    ];
    let report = pusher.client.batch(lines.join("\n").as_bytes());
    assert_eq!(report["accepted"], 2, "{report}");
    let rejected = report["rejected"].as_array().unwrap();
    let lines: Vec<_> = rejected.iter().map(|entry| &entry["lines"]).collect();
    assert_eq!(
        (lines, &rejected[1]["pointer"]),
        (vec![&json!([3, 3]), &json!([4, 4])], &json!("/ttl"))
    );
    assert_eq!(client.expect("push")["data"], 1);
    assert_eq!(client.expect("push")["data"], 3);
}

#[test]
fn api_keys_are_asked_for() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &["--api-key=first", "--api-key=second"]);
    let push = json!({ "to": { "user": "u" }, "data": 1 });
    for key in ["first", "second"] {
        Http::with_key(pusher.address, key).push(&push);
    }
    for wrong in [Http::new(pusher.address), Http::with_key(pusher.address, "third")] {
        let answer = wrong.post("/v1/push", "application/json", &push.to_string());
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").is_some_and(|scheme| scheme.contains("Bearer")));
        assert_eq!(wrong.get("/v1/users/u").status, 401);
        assert_eq!(wrong.delete("/v1/users/u/sessions").status, 401);
        assert_eq!(wrong.get("/healthz").status, 200, "operators need no key");
    }
}

#[test]
fn a_push_to_ten_thousand_users_reaches_exactly_those_online() {
    let (gateway, pusher) = pair(&[]);
    let online = ["u0", "u17", "u5000", "u9999"];
    let opened = online.map(|user| Tcp::open(&gateway, user).unwrap());
    let mut outsider = Tcp::join(&gateway, "u10000");
    let users: Vec<_> = (0..10_000).map(|number| format!("u{number}")).collect();
    let body = json!({ "to": { "users": users }, "data": "to many" });
    let receipt = pusher.client.push_with_receipt(&body);
    let mut expected: Vec<_> = opened.iter().map(|(_, hello)| hello["session"].clone()).collect();
    let listed = receipt["sessions"].as_array().unwrap().iter();
    let mut reached: Vec<_> = listed.map(|session| session["session"].clone()).collect();
    expected.sort_by_key(Value::to_string);
    reached.sort_by_key(Value::to_string);
    assert_eq!(reached, expected);
    for (mut client, _) in opened {
        assert_eq!(client.expect("push")["data"], "to many");
        client.expect_alive();
    }
    outsider.expect_alive();
}
