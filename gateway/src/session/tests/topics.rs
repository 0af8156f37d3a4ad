//! What a client may subscribe to, and what it is told of it.

use std::sync::Arc;

use protocol::{
    CloseReason, Topic, Transport, UserId,
    claims::Claims,
    link::{PresenceChange, TargetRef},
};
use serde_json::{Value, json};
use tokens::Signer;

use super::{
    client::Client,
    thread::{Thread, Who},
};
use crate::{session::Topical, uplink::queue::LinkQueue};

const SECRET: &str = "a secret of at least thirty-two bytes";

fn flags<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["--jwt-secret=a secret of at least thirty-two bytes"], more].concat()
}

/// What a client hears after it has said this.
fn answers(thread: &mut Thread, client: &mut Client, frame: &Value) -> Vec<Value> {
    client.say_frame(&frame.to_string());
    thread.settle();
    client.heard().iter().map(|frame| serde_json::from_str(frame).unwrap()).collect()
}

fn subscribe(thread: &mut Thread, client: &mut Client, topics: &[&str]) -> Vec<Value> {
    answers(thread, client, &json!({ "type": "subscribe", "topics": topics }))
}

fn subscribed(topics: &[&str]) -> Value {
    let topics: Vec<_> = topics.iter().map(|topic| json!({ "topic": topic })).collect();
    json!({ "type": "subscribed", "topics": topics })
}

/// Code and detail of an error.
fn error(frame: &Value) -> (&str, &str) {
    (frame["code"].as_str().unwrap(), frame["detail"].as_str().unwrap())
}

#[test]
fn a_token_says_what_a_client_may_subscribe_to() {
    let mut thread = Thread::new(&flags(&[]));
    let who = Who { topics: &["own"], subscribe: &["news", "rooms/*"], ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    client.heard();
    let heard = subscribe(&mut thread, &mut client, &["news", "other", "rooms/1", "x\"y"]);
    assert_eq!(heard[0], subscribed(&["news", "rooms/1"]));
    let (code, detail) = error(&heard[1]);
    assert_eq!((code, heard.len()), ("forbidden", 2));
    assert!(detail.ends_with(r#"subscribe to "other", "x\"y""#), "{detail}");
    let unsubscribe = json!({ "type": "unsubscribe", "topics": ["own", "rooms/1"] });
    let heard = answers(&mut thread, &mut client, &unsubscribe);
    let expected = json!([{ "topic": "own" }, { "topic": "rooms/1" }]);
    assert_eq!(heard, [json!({ "type": "unsubscribed", "topics": expected })]);
    assert_eq!(thread.local.directory.topics.count("own"), 0);
    // Its own topics it may have again.
    assert_eq!(subscribe(&mut thread, &mut client, &["own"]), [subscribed(&["own"])]);
}

#[test]
fn others_may_have_any_topic_or_none() {
    let cases: [(&[&str], bool); 4] = [
        (&[], true),
        (&["--client-subscribe=none"], false),
        (&["--client-subscribe=token"], false),
        (&["--jwt-secret=a secret of at least thirty-two bytes", "--client-subscribe=any"], true),
    ];
    for (flags, taken) in cases {
        let mut thread = Thread::new(flags);
        let mut client = thread.client(Transport::WebSocket);
        let heard = subscribe(&mut thread, &mut client, &["a"]);
        let expected = if taken { "subscribed" } else { "error" };
        assert_eq!((heard.len(), &heard[0]["type"]), (1, &expected.into()), "{flags:?}");
    }
}

#[test]
fn many_forbidden_topics_are_named_in_short() {
    let mut thread = Thread::new(&["--client-subscribe=none"]);
    let mut client = thread.client(Transport::Tcp);
    let topics: Vec<_> = (0..60).map(|number| format!("t{number}")).collect();
    let topics: Vec<_> = topics.iter().map(String::as_str).collect();
    let heard = subscribe(&mut thread, &mut client, &topics);
    let (_, detail) = error(&heard[0]);
    assert!(detail.contains("\"t15\" and 44 more") && !detail.contains("t16"), "{detail}");
}

#[test]
fn the_first_topic_without_room_is_named() {
    let mut thread = Thread::new(&["--topics-per-session=2"]);
    let who = Who { topics: &["a", "b", "c", "d"], ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    let heard: Vec<Value> =
        client.heard().iter().map(|frame| serde_json::from_str(frame).unwrap()).collect();
    assert_eq!((heard.len(), &heard[0]["type"]), (3, &"hello".into()));
    assert_eq!(heard[1], subscribed(&["a", "b"]));
    let (code, detail) = error(&heard[2]);
    assert!(code == "too_many_topics" && detail.contains("\"c\""), "{detail}");
    let heard = subscribe(&mut thread, &mut client, &["a", "x", "y"]);
    assert_eq!(heard[0], subscribed(&["a"]));
    assert!(error(&heard[1]).1.contains("\"x\""), "{heard:?}");
}

#[test]
fn topics_of_the_token_are_told_behind_the_hello_and_who_has_none_hears_nothing_more() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let who = Who { topics: &["a", "b", "a"], ..Who::default() };
        let mut client = thread.join(transport, &who);
        let heard = client.heard();
        assert!(heard[0].starts_with(r#"{"type":"hello""#) && heard.len() == 2, "{heard:?}");
        let told: Value = serde_json::from_str(&heard[1]).unwrap();
        assert_eq!(told, subscribed(&["a", "b"]));
        thread.client(transport);
    }
}

/// A link whose pusher-api has confirmed everything so far and is told of topics from now on.
fn linked(thread: &Thread) -> Arc<LinkQueue> {
    let link = Arc::<LinkQueue>::default();
    thread.local.directory.presence.attach(Arc::clone(&link));
    link.append(PresenceChange::TopicsBegin);
    link.confirm(u64::MAX);
    link
}

fn kinds(client: &mut Client) -> Vec<String> {
    let heard = client.heard();
    let kind = |frame: &String| serde_json::from_str::<Value>(frame).unwrap()["type"].to_string();
    heard.iter().map(|frame| kind(frame).trim_matches('"').to_owned()).collect()
}

#[test]
fn a_client_hears_that_it_is_subscribed_when_every_pusher_api_knows() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let mut client = thread.client(transport);
        let links = [linked(&thread), linked(&thread)];
        assert!(subscribe(&mut thread, &mut client, &["a", "b"]).is_empty());
        links[0].confirm(u64::MAX);
        assert!(subscribe(&mut thread, &mut client, &["c"]).is_empty());
        assert!(answers(&mut thread, &mut client, &json!({ "type": "ping" })).is_empty());
        thread.push(TargetRef::User("u"), r#"{"type":"push"}"#);
        thread.settle();
        links[1].confirm(u64::MAX);
        thread.settle();
        assert!(kinds(&mut client).is_empty(), "the first does not know of the third topic");
        links[0].confirm(u64::MAX);
        thread.settle();
        assert_eq!(kinds(&mut client), ["subscribed", "subscribed", "pong", "push"]);
        // Who subscribes to what others are subscribed to has nothing to wait for.
        let mut other = thread.join(transport, &Who { user: Some("v"), ..Who::default() });
        links.iter().for_each(|link| link.confirm(u64::MAX));
        thread.settle();
        other.heard();
        assert_eq!(subscribe(&mut thread, &mut other, &["a"]), [subscribed(&["a"])]);
    }
}

#[test]
fn a_client_that_subscribes_before_its_hello_waits_for_both() {
    let mut thread = Thread::new(&[]);
    let link = linked(&thread);
    let mut client = thread.join(Transport::Tcp, &Who { topics: &["own"], ..Who::default() });
    assert!(subscribe(&mut thread, &mut client, &["a"]).is_empty());
    link.confirm(3);
    thread.settle();
    assert!(kinds(&mut client).is_empty(), "the last topic is the fourth change");
    link.confirm(4);
    thread.settle();
    assert_eq!(kinds(&mut client), ["hello", "subscribed", "subscribed"]);
}

#[test]
fn a_session_that_is_closed_meanwhile_says_goodbye_at_once() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::Tcp);
    let link = linked(&thread);
    assert!(subscribe(&mut thread, &mut client, &["a"]).is_empty());
    thread.turn(client.seat, |session, _| {
        session.close(CloseReason::Draining);
        false
    });
    thread.settle();
    let heard = client.heard();
    assert!(heard[1].contains("draining"), "{heard:?}");
    link.confirm(u64::MAX);
    drop(client);
    thread.settle();
    assert_eq!(thread.left(), (0, 0, 0));
}

#[test]
fn a_backends_subscription_waits_likewise_and_its_end_does_not() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::WebSocket);
    let link = linked(&thread);
    let topic = || Topic::new("news").unwrap();
    thread.order("u", || Topical::Subscribe(topic()));
    thread.settle();
    assert!(kinds(&mut client).is_empty());
    link.confirm(u64::MAX);
    thread.settle();
    assert_eq!(kinds(&mut client), ["subscribed"]);
    thread.order("u", || Topical::Unsubscribe(topic(), 0));
    thread.settle();
    assert_eq!(kinds(&mut client), ["unsubscribed"]);
}

#[test]
fn what_a_backend_changes_is_told_once() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::WebSocket);
    let topic = || Topic::new("news").unwrap();
    let end = |after| move || Topical::Unsubscribe(topic(), after);
    let subscribed = subscribed(&["news"]).to_string();
    let unsubscribed = r#"{"topics":[{"topic":"news"}],"type":"unsubscribed"}"#;
    let mut told = |order: &dyn Fn() -> Topical| {
        thread.order("u", order);
        thread.settle();
        let heard = client.heard();
        let frames = heard.iter().map(|it| serde_json::from_str::<Value>(it).unwrap().to_string());
        frames.collect::<Vec<_>>()
    };
    let nothing = <[String; 0]>::default();
    assert_eq!(told(&end(0)), nothing, "it was not subscribed");
    assert_eq!(told(&|| Topical::Subscribe(topic())), [subscribed]);
    assert_eq!(told(&|| Topical::Subscribe(topic())), nothing, "it has heard so");
    thread.push(TargetRef::Topic("news"), r#"{"n":1}"#);
    let after = thread.local.fan_out.last();
    thread.order("u", || Topical::Unsubscribe(topic(), after));
    thread.settle();
    let heard = client.heard();
    assert_eq!(heard[0], r#"{"n":1}"#, "what was pushed before comes before");
    let frame: Value = serde_json::from_str(&heard[1]).unwrap();
    assert_eq!((frame.to_string().as_str(), heard.len()), (unsubscribed, 2));
}

#[test]
fn a_refresh_changes_what_a_client_may_subscribe_to() {
    let mut thread = Thread::new(&flags(&[]));
    let who = Who { subscribe: &["old"], ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    client.heard();
    let exp = thread.local.clock.epoch_seconds(0) + 1000;
    let claims = Claims {
        subscribe: vec!["new".parse().unwrap()],
        ..Claims::new(UserId::new("u").unwrap(), exp)
    };
    let token = Signer::secret(SECRET.as_bytes()).sign(&claims).unwrap();
    let refresh = json!({ "type": "refresh", "token": token });
    let heard = answers(&mut thread, &mut client, &refresh);
    assert_eq!(heard, [json!({ "type": "refreshed", "exp": exp })]);
    let heard = subscribe(&mut thread, &mut client, &["old", "new"]);
    assert_eq!((&heard[0], error(&heard[1]).0), (&subscribed(&["new"]), "forbidden"));
}
