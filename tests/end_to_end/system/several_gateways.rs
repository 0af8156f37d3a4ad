//! One user on several gateways, and one pusher-api for all of them.

use serde_json::json;

use crate::harness::{Client, Gateway, PusherApi, Tcp, WebSocket};

#[test]
fn a_user_of_two_gateways_gets_pushes_on_both() {
    let one = Gateway::start(&["--name=one"]);
    let two = Gateway::start(&["--name=two"]);
    let pusher = PusherApi::start(&[&one, &two], &[]);
    let (mut there, first) = WebSocket::open(&one, "u").unwrap();
    let (mut here, second) = Tcp::open(&two, "u").unwrap();
    let mut elsewhere = Tcp::join(&two, "v");
    for to in [json!({ "user": "u" }), json!({ "users": ["u", "x"] })] {
        let receipt = pusher.client.push_with_receipt(&json!({ "to": to, "data": 1 }));
        let mut listed = receipt["sessions"].as_array().unwrap().clone();
        listed.sort_by_key(|session| session["gateway"].to_string());
        let expected = [
            json!({ "session": first["session"], "gateway": "one", "outcome": "written" }),
            json!({ "session": second["session"], "gateway": "two", "outcome": "written" }),
        ];
        assert_eq!(listed, expected);
        there.expect("push");
        here.expect("push");
    }
    let shown = pusher.client.get("/v1/users/u").json();
    assert_eq!(shown["sessions"].as_array().unwrap().len(), 2, "{shown}");
    elsewhere.expect_alive();
    pusher.client.push(&json!({ "to": { "all": true }, "data": 2 }));
    assert_eq!(there.expect("push")["data"], 2);
    assert_eq!(here.expect("push")["data"], 2);
    assert_eq!(elsewhere.expect("push")["data"], 2);
}

#[test]
fn two_pusher_apis_reach_the_same_sessions() {
    let gateway = Gateway::start(&[]);
    let pushers = [PusherApi::start(&[&gateway], &[]), PusherApi::start(&[&gateway], &[])];
    for number in 0..20 {
        let user = format!("u{number}");
        let mut client = Tcp::join(&gateway, user.as_str());
        for pusher in &pushers {
            let body = json!({ "to": { "user": user }, "data": 1 });
            assert_eq!(pusher.client.push_with_receipt(&body)["online"], true);
            client.expect("push");
        }
    }
}
