//! Subscriptions, by the client, by its token and by backends.

use serde_json::json;

use crate::harness::{Client, Event, Gateway, Http, PusherApi, Who, eventually, pair, tokens};

contract!(
    subscribed_sessions_get_the_topics_pushes,
    topics_of_the_token_are_subscribed_from_the_start,
    backends_subscribe_and_unsubscribe,
    a_session_has_a_limited_number_of_topics,
    subscriptions_end_with_the_session,
);

fn subscribed_sessions_get_the_topics_pushes<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let (mut client, mut other) = (C::join(&gateway, "u"), C::join(&gateway, "v"));
    client.send(&json!({ "type": "subscribe", "topics": ["news", "spö\"rt"] }));
    client.expect_alive();
    for topic in ["news", "spö\"rt"] {
        pusher.client.push(&json!({ "to": { "topic": topic }, "data": 1 }));
        assert_eq!(client.expect("push")["topic"], topic);
    }
    client.send(&json!({ "type": "unsubscribe", "topics": ["news", "unknown"] }));
    client.expect_alive();
    pusher.client.push(&json!({ "to": { "topic": "news" }, "data": 2 }));
    pusher.client.push(&json!({ "to": { "topic": "spö\"rt" }, "data": 3 }));
    assert_eq!(client.expect("push")["data"], 3);
    other.expect_alive();
}

fn topics_of_the_token_are_subscribed_from_the_start<C: Client>() {
    let gateway = Gateway::start(&[&tokens::secret_flag()]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    let claims = json!({ "sub": "u", "exp": tokens::in_seconds(60), "topics": ["a", "b"] });
    let mut client = C::join(&gateway, Who::Token(tokens::sign(&claims, tokens::SECRET)));
    let told = json!({ "type": "subscribed", "topics": [{ "topic": "a" }, { "topic": "b" }] });
    assert_eq!(client.next(), Event::Frame(told), "right behind the hello");
    for topic in ["b", "a"] {
        pusher.client.push(&json!({ "to": { "topic": topic }, "data": 1 }));
        assert_eq!(client.expect("push")["topic"], topic);
    }
}

fn backends_subscribe_and_unsubscribe<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let (mut one, mut two) = (C::join(&gateway, "u"), C::join(&gateway, "u"));
    let path = "/v1/users/u/topics/news";
    assert_eq!(pusher.client.put(path).json(), json!({ "sessions": 2, "complete": true }));
    assert_eq!(subscribers(&pusher.client), 2);
    let topics = json!([{ "topic": "news" }]);
    for client in [&mut one, &mut two] {
        assert_eq!(client.expect("subscribed")["topics"], topics);
    }
    assert_eq!(pusher.client.put(path).json(), json!({ "sessions": 2, "complete": true }));
    pusher.client.push(&json!({ "to": { "topic": "news" }, "data": 1 }));
    assert_eq!(
        (one.expect("push")["data"].clone(), two.expect("push")["data"].clone()),
        (1.into(), 1.into())
    );
    assert_eq!(pusher.client.delete(path).json(), json!({ "sessions": 2, "complete": true }));
    assert_eq!(subscribers(&pusher.client), 0);
    for client in [&mut one, &mut two] {
        let told = json!({ "type": "unsubscribed", "topics": topics });
        assert_eq!(client.next(), Event::Frame(told), "once, and nothing before");
    }
    pusher.client.delete(path);
    pusher.client.push(&json!({ "to": { "topic": "news" }, "data": 2 }));
    for client in [&mut one, &mut two] {
        client.send(&json!({ "type": "ping" }));
        assert_eq!(
            client.next(),
            Event::Frame(json!({ "type": "pong" })),
            "nothing was to be told"
        );
    }
    assert_eq!(pusher.client.put("/v1/users/nobody/topics/news").status, 404);
}

fn a_session_has_a_limited_number_of_topics<C: Client>() {
    let (gateway, pusher) = pair(&["--topics-per-session=2"]);
    let mut client = C::join(&gateway, "u");
    client.send(&json!({ "type": "subscribe", "topics": ["a", "b", "a"] }));
    client.expect_alive();
    client.send(&json!({ "type": "subscribe", "topics": ["c"] }));
    assert_eq!(client.expect("error")["code"], "too_many_topics");
    client.send(&json!({ "type": "unsubscribe", "topics": ["a"] }));
    client.send(&json!({ "type": "subscribe", "topics": ["c"] }));
    client.expect_alive();
    for topic in ["a", "b", "c"] {
        pusher.client.push(&json!({ "to": { "topic": topic }, "data": 1 }));
    }
    assert_eq!(client.expect("push")["topic"], "b");
    assert_eq!(client.expect("push")["topic"], "c");
    let (_other, hello) = C::open(&gateway, "u").unwrap();
    let refused = pusher.client.put("/v1/users/u/topics/d").json();
    let [of] = refused["refused"].as_array().unwrap().as_slice() else { panic!("{refused}") };
    assert_eq!((&refused["sessions"], &of["reason"]), (&json!(1), &json!("too_many_topics")));
    assert_ne!(of["session"], hello["session"]);
}

fn subscriptions_end_with_the_session<C: Client>() {
    let (gateway, pusher) = pair(&[]);
    let mut client = C::join(&gateway, "u");
    client.send(&json!({ "type": "subscribe", "topics": ["news"] }));
    client.expect_alive();
    assert_eq!(subscribers(&pusher.client), 1);
    drop(client);
    eventually("nobody is subscribed", || (subscribers(&pusher.client) == 0).then_some(()));
}

fn subscribers(client: &Http) -> u64 {
    client.get("/v1/topics/news").json()["sessions"].as_u64().unwrap()
}
