//! It does not matter which process starts first.

use serde_json::json;

use crate::harness::{Client, Gateway, PusherApi, Tcp, eventually};

#[test]
fn a_pusher_api_waits_for_its_gateway() {
    let mut gateway = Gateway::start(&[]);
    gateway.process.kill();
    let pusher = PusherApi::start_unready(&[&gateway], &[]);
    assert_eq!(pusher.client.get("/healthz").status, 200);
    let refused =
        pusher.client.post("/v1/push", "application/json", r#"{"to":{"all":true},"data":1}"#);
    assert_eq!((refused.status, refused.header("retry-after").is_some()), (503, true));
    gateway.restart();
    pusher.await_ready();
    let mut client = Tcp::join(&gateway, "u");
    let body = json!({ "to": { "user": "u" }, "data": 1 });
    eventually("the user is reached", || {
        (pusher.client.push_with_receipt(&body)["online"] == true).then_some(())
    });
    client.expect("push");
}

#[test]
fn a_wrong_secret_shows_also_where_the_gateway_comes_later() {
    let mut gateway = Gateway::start(&["--link-secret=one"]);
    gateway.process.kill();
    let mut pusher = PusherApi::start_unready(&[&gateway], &["--link-secret=another"]);
    let reason =
        |line: &str, part: &str| (line.contains("WARN") && line.contains(part)).then_some(());
    pusher.process.find_in_log("nobody listens", |line| reason(line, "cannot connect"));
    gateway.restart();
    pusher.process.find_in_log("the secret differs", |line| reason(line, "link secret differs"));
}

#[test]
fn a_gateway_needs_no_pusher_api() {
    let gateway = Gateway::start(&[]);
    Tcp::join(&gateway, "u").expect_alive();
    assert_eq!(gateway.get("/readyz").status, 200);
}
