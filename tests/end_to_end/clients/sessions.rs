//! Sessions of the client library, over every transport.

use std::time::Duration;

use holdfast_client::session::{Begin, Data, Ended, Event, Said, Server, Session};
use serde_json::json;

use crate::harness::{
    Gateway, PusherApi,
    files::TestDirectory,
    tokens::{SECRET, in_seconds, secret_flag, sign},
    wait::eventually,
};

const WAIT: Duration = Duration::from_millis(100);

fn servers(gateway: &Gateway) -> [String; 4] {
    let Gateway { http, tcp, .. } = gateway;
    [
        format!("ws://{http}"),
        format!("http://{http}"),
        format!("http://{http}/v1/poll"),
        format!("tcp://{tcp}"),
    ]
}

fn session(url: &str, user: &str) -> Session {
    let server = Server::new(url, None).unwrap();
    Session::builder(server).user(user).device("d").acknowledging().build()
}

/// The next event that this makes something of.
fn find<T>(session: &mut Session, what: &str, find: impl Fn(&Event) -> Option<T>) -> T {
    eventually(what, || find(&session.next(WAIT)?))
}

/// The data of the next push.
fn pushed(session: &mut Session) -> String {
    find(session, "a push", |event| {
        let Event::Frame(frame) = event else { return None };
        match frame.said()? {
            Said::Push { data: Data::Json(json), .. } => Some(json.get().to_owned()),
            _ => None,
        }
    })
}

fn is_hello(event: &Event) -> Option<()> {
    let Event::Frame(frame) = event else { return None };
    matches!(frame.said()?, Said::Hello { .. }).then_some(())
}

#[test]
fn a_session_comes_back_and_hears_what_was_kept_once() {
    let (mut gateway, data) = (Gateway::start(&[]), TestDirectory::new("session"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
    for (number, url) in servers(&gateway).iter().enumerate() {
        let user = format!("u{number}");
        let kept = |data: u32| {
            pusher.client.push(&json!({ "to": { "user": user }, "data": data, "ttl": 600 }));
        };
        let mut session = session(url, &user);
        kept(1);
        assert_eq!(pushed(&mut session), "1", "{url}");
        gateway.restart();
        kept(2);
        find(&mut session, "the end", |event| matches!(event, Event::Closed { .. }).then_some(()));
        assert_eq!(pushed(&mut session), "2", "{url}");
        pusher.await_ready();
        kept(3);
        assert_eq!(pushed(&mut session), "3", "{url}");
        session.leave();
        assert!(matches!(session.next(WAIT), Some(Event::Ended(Ended::Left))));
        assert!(session.next(WAIT).is_none());
    }
}

#[test]
fn topics_are_subscribed_to_and_left() {
    let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("topics"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
    for (number, url) in servers(&gateway).iter().enumerate() {
        let topic = format!("t{number}");
        let to_topic = |data: u32, ttl: u32| {
            pusher.client.push(&json!({ "to": { "topic": topic }, "data": data, "ttl": ttl }));
        };
        to_topic(1, 600);
        let mut session = session(url, &format!("u{number}"));
        find(&mut session, "hello", is_hello);
        session.subscribe(topic.clone(), Begin::Start);
        assert_eq!(pushed(&mut session), "1", "{url}");
        session.unsubscribe(&topic);
        find(&mut session, "unsubscribed", |event| {
            let Event::Frame(frame) = event else { return None };
            matches!(frame.said()?, Said::Unsubscribed(_)).then_some(())
        });
        session.subscribe(topic.clone(), Begin::Live);
        find(&mut session, "subscribed", |event| {
            let Event::Frame(frame) = event else { return None };
            matches!(frame.said()?, Said::Subscribed(_)).then_some(())
        });
        pusher.await_topics();
        to_topic(2, 0);
        assert_eq!(pushed(&mut session), "2", "{url}");
    }
}

#[test]
fn a_session_goes_on_in_the_topics_of_its_token() {
    let (mut gateway, data) = (Gateway::start(&[&secret_flag()]), TestDirectory::new("token"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
    for (number, url) in servers(&gateway).iter().enumerate() {
        let (user, topic) = (format!("u{number}"), format!("t{number}"));
        let to_topic = |data: u32| {
            pusher.client.push(&json!({ "to": { "topic": topic }, "data": data, "ttl": 600 }));
        };
        let claims = json!({ "sub": user, "exp": in_seconds(3600), "topics": [topic] });
        let server = Server::new(url, None).unwrap();
        let mut session = Session::builder(server).token(sign(&claims, SECRET)).build();
        find(&mut session, "hello", is_hello);
        pusher.await_topics();
        to_topic(1);
        assert_eq!(pushed(&mut session), "1", "{url}");
        gateway.restart();
        to_topic(2);
        assert_eq!(pushed(&mut session), "2", "{url}");
        pusher.await_ready();
    }
}

#[test]
fn a_session_does_not_come_back_where_it_is_told_not_to() {
    let gateway = Gateway::start(&[]);
    let _pusher = PusherApi::start(&[&gateway], &[]);
    for url in servers(&gateway) {
        let mut first = session(&url, "u");
        find(&mut first, "hello", is_hello);
        let mut second = session(&url, "u");
        find(&mut second, "hello", is_hello);
        find(&mut first, "the end", |event| match event {
            Event::Ended(Ended::Final(why)) if why.contains("replaced") => Some(()),
            _ => None,
        });
        assert!(first.next(WAIT).is_none());
    }
}
