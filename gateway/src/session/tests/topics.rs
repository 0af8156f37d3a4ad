//! What a client may subscribe to, and what it is told of it.

use protocol::{Transport, UserId, claims::Claims};
use serde_json::{Value, json};
use tokens::Signer;

use super::{
    client::Client,
    thread::{Thread, Who},
};

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
    assert_eq!((heard.len(), &heard[0]["type"]), (2, &"hello".into()));
    let (code, detail) = error(&heard[1]);
    assert!(code == "too_many_topics" && detail.contains("\"c\""), "{detail}");
    let heard = subscribe(&mut thread, &mut client, &["a", "x", "y"]);
    assert_eq!(heard[0], subscribed(&["a"]));
    assert!(error(&heard[1]).1.contains("\"x\""), "{heard:?}");
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
