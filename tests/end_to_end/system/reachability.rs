//! Whoever has seen a hello can be reached.

use serde_json::json;

use crate::harness::{
    Client, Event, Gateway, PusherApi, Tcp, WebSocket, Who, eventually, pair, tokens,
};

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

/// A client hears that it is subscribed, by its token, itself or a backend, and a push behind that comes.
fn subscribed_then_push<C: Client>(gateway: &Gateway, pusher: &PusherApi, rounds: u32) {
    for round in 0..rounds {
        let name = format!("{}{round}", C::NAME);
        let claims = json!({
            "sub": name, "exp": tokens::in_seconds(600),
            "topics": [format!("{name}-token")], "subscribe": [format!("{name}*")],
        });
        let mut client = C::join(gateway, Who::Token(tokens::sign(&claims, tokens::SECRET)));
        let pushed = |client: &mut C, topic: &str| {
            let told = client.next();
            let expected = json!({ "type": "subscribed", "topics": [{ "topic": topic }] });
            assert_eq!(told, Event::Frame(expected), "round {round}");
            pusher.client.push(&json!({ "to": { "topic": topic }, "data": round }));
            let Event::Frame(push) = client.next() else { panic!("closed in round {round}") };
            assert_eq!((&push["topic"], &push["data"]), (&json!(topic), &json!(round)));
        };
        pushed(&mut client, &format!("{name}-token"));
        let own = format!("{name}-own");
        client.send(&json!({ "type": "subscribe", "topics": [own] }));
        pushed(&mut client, &own);
        let by_backend = format!("{name}-backend");
        pusher.client.put(&format!("/v1/users/{name}/topics/{by_backend}"));
        pushed(&mut client, &by_backend);
    }
}

#[test]
fn a_push_to_a_topic_right_behind_the_subscription_arrives() {
    let gateway = Gateway::start(&[&tokens::secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    pusher.await_topics();
    subscribed_then_push::<WebSocket>(&gateway, &pusher, 100);
    subscribed_then_push::<Tcp>(&gateway, &pusher, 100);
    assert_eq!(gateway.metrics().get("holdfast_unconfirmed_hellos_total"), 0.0);
    eventually("topics without subscribers are forgotten", || {
        let topics = pusher.metrics().get("holdfast_pusher_link_topics");
        (topics == 0.0 && gateway.metrics().get("holdfast_topics") == 0.0).then_some(())
    });
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
