//! How sessions begin, and what they are told first.

use std::sync::Arc;

use protocol::{Transport, link::TargetRef, websocket::Opcode};

use super::{
    client::control,
    thread::{FRAMES_OUT, Thread, Who},
};
use crate::uplink::queue::LinkQueue;

const USER: TargetRef<'_> = TargetRef::User("u");

#[test]
fn greeting_and_hello_go_out_together() {
    let mut thread = Thread::new(&[]);
    let who = Who { greeting: b"a greeting\n", ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    let heard = client.heard();
    assert_eq!(heard[0], "a greeting");
    assert!(heard[1].contains(r#""user":"u""#) && heard.len() == 2, "{heard:?}");
}

#[test]
fn hello_waits_until_every_link_knows() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let links = [Arc::<LinkQueue>::default(), Arc::default()];
        let presence = &thread.local.directory.presence;
        links.iter().for_each(|link| presence.attach(Arc::clone(link)));
        let mut client = thread.join(transport, &Who::default());
        thread.push(USER, r#"{"n":1}"#);
        thread.settle();
        assert!(client.heard().is_empty());
        links[0].confirm(1);
        thread.settle();
        assert!(client.heard().is_empty(), "the second does not know yet");
        // A link that is gone need not know.
        thread.local.directory.presence.detach(&links[1]);
        thread.push(USER, r#"{"n":2}"#);
        thread.settle();
        let heard = client.heard();
        assert!(heard[0].starts_with(r#"{"type":"hello""#), "{heard:?}");
        assert_eq!(heard[1..], [r#"{"n":1}"#, r#"{"n":2}"#]);
        assert_eq!(thread.metric(FRAMES_OUT), 3, "those that waited count as well");
    }
}

#[test]
fn a_session_that_ends_before_its_hello_is_never_admitted() {
    let mut thread = Thread::new(&["--close-timeout=1s"]);
    let link = Arc::<LinkQueue>::default();
    thread.local.directory.presence.attach(Arc::clone(&link));
    let mut client = thread.join(Transport::WebSocket, &Who::default());
    client.say(&control(Opcode::Close, &[]));
    thread.settle();
    link.confirm(1);
    thread.settle();
    let heard = client.heard();
    assert!(heard.ends_with(&["[close]".into(), "[end]".into()]), "{heard:?}");
    assert_eq!(thread.left().0, 0);
}

#[test]
fn what_came_behind_the_handshake_is_read() {
    let mut thread = Thread::new(&[]);
    let who = Who { read: b"{\"type\":\"ping\"}\n{\"type\"", ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    assert_eq!(client.heard()[1..], [r#"{"type":"pong"}"#]);
    client.say(b":\"ping\"}\n");
    thread.settle();
    assert_eq!(client.heard(), [r#"{"type":"pong"}"#]);
}

#[test]
fn topics_of_the_token_are_subscribed_and_left() {
    let mut thread = Thread::new(&[]);
    let who = Who { topics: &["a", "b"], ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    client.heard();
    thread.push(TargetRef::Topic("b"), r#"{"n":1}"#);
    thread.walk();
    client.say_frame(r#"{"type":"unsubscribe","topics":["b"]}"#);
    thread.settle();
    thread.push(TargetRef::Topic("b"), r#"{"n":2}"#);
    thread.push(TargetRef::Topic("a"), r#"{"n":3}"#);
    thread.walk();
    let unsubscribed = r#"{"type":"unsubscribed","topics":[{"topic":"b"}]}"#;
    assert_eq!(client.heard(), [r#"{"n":1}"#, unsubscribed, r#"{"n":3}"#]);
    drop(client);
    thread.settle();
    assert_eq!(thread.local.directory.topics.count("a"), 0);
}

#[test]
fn one_too_many_is_handed_back_and_leaves_nothing() {
    let mut thread = Thread::new(&["--sessions-per-user=2"]);
    let who = |device| Who { device: Some(device), ..Who::default() };
    let _first = thread.join(Transport::Tcp, &who("1"));
    let _second = thread.join(Transport::Tcp, &who("2"));
    assert!(thread.try_join(Transport::Tcp, &who("3")).is_none());
    assert_eq!(thread.left(), (1, 2, 0));
    assert!(thread.try_join(Transport::Tcp, &who("2")).is_some(), "it takes the older's place");
}

#[test]
fn a_runner_that_is_dropped_leaves_all_tables() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let client = thread.client(transport);
        assert_eq!(thread.left(), (1, 1, 0));
        thread.drop_session(&client);
        assert_eq!(thread.left(), (0, 0, 0));
    }
}

#[test]
fn broadcasts_and_pushes_keep_their_order() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::Tcp);
    thread.push(USER, r#"{"n":1}"#);
    thread.push(TargetRef::All, r#"{"n":2}"#);
    thread.push(USER, r#"{"n":3}"#);
    thread.push(TargetRef::All, r#"{"n":4}"#);
    // The mailbox is read before the walk comes by.
    thread.settle();
    thread.walk();
    thread.settle();
    let mut late = thread.client(Transport::WebSocket);
    thread.walk();
    let expected: Vec<_> = (1..5).map(|number| format!("{{\"n\":{number}}}")).collect();
    assert_eq!(client.heard(), expected);
    assert!(late.heard().is_empty(), "they were before its time");
}
