//! What is kept, as clients of every transport see it.

use serde_json::{Value, json};

use crate::harness::{Client, Gateway, PusherApi, eventually, files::TestDirectory};

contract!(
    kept_messages_follow_the_hello_until_they_are_acknowledged,
    a_topic_is_replayed_from_its_start_and_goes_on_live,
    what_was_kept_while_the_store_was_away_comes_when_it_is_back,
);

fn keeper() -> (Gateway, PusherApi, TestDirectory) {
    let (gateway, data) = (Gateway::start(&["--ack-delay=50ms"]), TestDirectory::new("kept"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
    (gateway, pusher, data)
}

fn keep(pusher: &PusherApi, to: &Value, data: u64) {
    let push = json!({ "to": to, "data": data, "ttl": 600 }).to_string();
    assert_eq!(pusher.client.post("/v1/push", "application/json", &push).status, 202);
}

fn kept(pusher: &PusherApi) -> u64 {
    pusher.client.get("/v1/users/u").json()["kept"]["count"].as_u64().expect("a count")
}

fn kept_messages_follow_the_hello_until_they_are_acknowledged<C: Client>() {
    let (gateway, pusher, _data) = keeper();
    let user = json!({ "user": "u" });
    (1..=3).for_each(|data| keep(&pusher, &user, data));
    let (mut client, hello) = C::open(&gateway, "u").unwrap();
    assert_eq!((&hello["recovered"], &hello["kept"]), (&json!(true), &json!(3)), "{hello}");
    let pushes = [(); 3].map(|()| client.expect("push"));
    assert_eq!(pushes.each_ref().map(|push| push["data"].clone()), [1, 2, 3].map(Value::from));
    keep(&pusher, &user, 4);
    assert_eq!(client.expect("push")["data"], 4, "live ones follow");
    client.send(&json!({ "type": "ack", "cursor": pushes[1]["cursor"] }));
    eventually("the store knows", || (kept(&pusher) == 2).then_some(()));
    drop(client);
    let (mut client, hello) = C::open(&gateway, "u").unwrap();
    assert_eq!((&hello["recovered"], &hello["kept"]), (&json!(true), &json!(2)), "{hello}");
    assert_eq!([(); 2].map(|()| client.expect("push")["data"].clone()), [3, 4].map(Value::from));
    client.send(&json!({ "type": "ack", "cursor": "nonsense" }));
    assert_eq!(client.expect("error")["code"], "invalid_cursor");
}

fn a_topic_is_replayed_from_its_start_and_goes_on_live<C: Client>() {
    let (gateway, pusher, _data) = keeper();
    let topic = json!({ "topic": "t" });
    (1..=2).for_each(|data| keep(&pusher, &topic, data));
    let mut client = C::join(&gateway, "u");
    let from_start = json!([{ "topic": "t", "after": "start" }]);
    client.send(&json!({ "type": "subscribe", "topics": from_start }));
    let subscribed = client.expect("subscribed");
    assert_eq!(subscribed["topics"][0]["kept"], 2, "{subscribed}");
    let cursors = [1, 2].map(|data| {
        let push = client.expect("push");
        assert_eq!((&push["data"], &push["topic"]), (&json!(data), &json!("t")));
        push["cursor"].clone()
    });
    keep(&pusher, &topic, 3);
    assert_eq!(client.expect("push")["data"], 3);
    let mut other = C::join(&gateway, "v");
    let behind = json!([{ "topic": "t", "after": cursors[0] }]);
    other.send(&json!({ "type": "subscribe", "topics": behind }));
    assert_eq!(other.expect("subscribed")["topics"][0]["recovered"], true);
    assert_eq!([(); 2].map(|()| other.expect("push")["data"].clone()), [2, 3].map(Value::from));
}

fn what_was_kept_while_the_store_was_away_comes_when_it_is_back<C: Client>() {
    let (gateway, mut pusher, _data) = keeper();
    keep(&pusher, &json!({ "user": "u" }), 1);
    pusher.process.kill();
    gateway.await_metric("holdfast_links", 0.0);
    let (mut client, hello) = C::open(&gateway, "u").unwrap();
    assert_eq!((&hello["recovered"], &hello["kept"]), (&json!(false), &json!(0)), "{hello}");
    assert_eq!(client.expect("gap")["reason"], "store_away");
    pusher.restart();
    assert_eq!(client.expect("push")["data"], 1, "without a reconnect");
    assert_eq!(client.expect("recovered")["kept"], 1);
}
