//! What pusher-api does not take, and what it says then.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Client, Gateway, Http, Process, PusherApi, Tcp, pair, process::BINARY};

const JSON: &str = "application/json";

#[test]
fn a_misspelt_parameter_does_nothing_and_is_named() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let push = json!({ "to": { "user": "u" }, "data": 1 }).to_string();
    let answers = [
        (pusher.client.delete("/v1/users/u/sessions?Device=phone"), "\"Device\""),
        (pusher.client.post("/v1/push?receipts=1s", JSON, &push), "\"receipts\""),
        (pusher.client.get("/v1/users/u?since=1"), "\"since\""),
    ];
    for (answer, name) in answers {
        assert_eq!(answer.status, 422, "{answer:?}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(name), "{answer:?}");
    }
    client.expect_alive();
}

#[test]
fn what_clients_could_not_read_is_refused() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let push = |data: &str| {
        let body = format!(r#"{{"to":{{"user":"u"}},"data":{data}}}"#);
        let answer = pusher.client.post("/v1/push", JSON, &body);
        (answer.status, answer.json()["pointer"].as_str().map(str::to_owned))
    };
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    for data in [&nested(129), &nested(30_000), "1e999", r#""\ud800""#, r#"{"\udc00":1}"#] {
        assert_eq!(push(data), (422, Some("/data".to_owned())), "{}", &data[..data.len().min(20)]);
    }
    // As deep as our own parser reads with the frame around it; deeper ones are for others.
    for data in [&nested(126), "1e308", r#""\ud83d\ude00""#] {
        assert_eq!(push(data), (202, None));
        let expected: Value = serde_json::from_str(data).unwrap();
        assert_eq!(client.expect("push")["data"], expected);
    }
    assert_eq!(push(&nested(128)), (202, None));
}

#[test]
fn a_byte_order_mark_before_a_body_is_passed_over() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let line = json!({ "to": { "user": "u" }, "data": 1 }).to_string();
    assert_eq!(pusher.client.post("/v1/push", JSON, &format!("\u{feff}{line}")).status, 202);
    let report = pusher.client.batch(format!("\u{feff}{line}\n{line}").as_bytes());
    assert_eq!(report, json!({ "accepted": 2, "rejected": [] }));
    for _ in 0..3 {
        client.expect("push");
    }
}

#[test]
fn keys_of_the_environment_have_their_scopes() {
    let gateway = Gateway::start(&[]);
    let mut command = Command::new(BINARY);
    command.env("HOLDFAST_API_KEY", "shop:push,read:one,two\nwatch:read:three");
    command.args(["pusher-api", "--log-format=json", "--listen=127.0.0.1:0"]);
    command.arg(format!("--gateway=http://{}", gateway.operators));
    let pusher = PusherApi::take(Process::spawn(command), Vec::new());
    pusher.await_ready();
    let push = json!({ "to": { "user": "u" }, "data": 1 }).to_string();
    // Pushes, reads, closes sessions: what each key gets.
    for (key, expected) in
        [("one", [202, 200, 403]), ("two", [202, 200, 200]), ("three", [403, 200, 403])]
    {
        let client = Http::with_key(pusher.address, key);
        let answers = [
            client.post("/v1/push", JSON, &push),
            client.get("/v1/users/u"),
            client.delete("/v1/users/u/sessions"),
        ];
        assert_eq!(answers.each_ref().map(|answer| answer.status), expected, "{key}");
        for answer in answers.iter().filter(|answer| answer.status == 403) {
            let detail = answer.json()["detail"].as_str().map(str::to_owned).unwrap();
            assert!(detail.contains("scope push") || detail.contains("scope admin"), "{detail}");
        }
    }
    let answer = Http::with_key(pusher.address, "shop:push,read:one").get("/v1/users/u");
    assert_eq!((answer.status, &answer.json()["status"]), (401, &Value::from(401)));
}
