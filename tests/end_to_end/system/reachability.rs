//! Whoever has seen a hello can be reached.

use serde_json::json;

use crate::harness::{Client, Gateway, PusherApi, Tcp, WebSocket, pair};

fn hello_then_push<C: Client>(gateway: &Gateway, pusher: &PusherApi, rounds: u32) {
    for round in 0..rounds {
        let user = format!("{}{round}", C::NAME);
        let (mut client, hello) = C::open(gateway, user.as_str()).unwrap();
        let body = json!({ "to": { "user": user }, "data": round });
        let receipt = pusher.client.push_with_receipt(&body);
        assert_eq!(receipt["online"], true, "round {round}: {receipt}");
        assert_eq!(receipt["sessions"][0]["session"], hello["session"]);
        assert_eq!(client.expect("push")["data"], round);
    }
}

#[test]
fn a_push_right_behind_the_hello_arrives() {
    let (gateway, pusher) = pair(&[]);
    hello_then_push::<WebSocket>(&gateway, &pusher, 300);
    hello_then_push::<Tcp>(&gateway, &pusher, 300);
    assert_eq!(gateway.metrics().get("holdfast_unconfirmed_hellos_total"), 0.0);
}

#[test]
fn a_user_that_comes_back_at_once_is_reached() {
    let (gateway, pusher) = pair(&[]);
    let mut older = Tcp::join(&gateway, "u");
    for round in 0..200 {
        // The new session comes while the old one goes.
        drop(older);
        let mut newer = Tcp::join(&gateway, "u");
        let body = json!({ "to": { "user": "u" }, "data": round });
        assert_eq!(pusher.client.push_with_receipt(&body)["online"], true, "round {round}");
        assert_eq!(newer.expect("push")["data"], round);
        older = newer;
    }
}
