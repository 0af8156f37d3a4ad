//! Pushes while nothing goes wrong but what is pushed.

use std::time::Duration;

use holdfast_client::{NotQueued, Push, To, Why, blocking};

use super::{Listener, Told, builder, client, push};
use crate::harness::{Gateway, PusherApi, files::TestDirectory, pair};

#[test]
fn everything_arrives_once_and_in_order() {
    let (gateway, pusher) = pair(&[]);
    let told = Told::default();
    let users = ["a", "b", "c"];
    let mut listeners = users.map(|user| Listener::join(&gateway, user));
    for connections in [1, 3] {
        let builder = builder(&pusher, &told).connections(connections).batch(100, 1 << 20);
        let client = blocking::Client::start(builder).unwrap();
        let mut expected = [const { Vec::new() }; 3];
        for number in 0..3000 {
            let place = number % users.len();
            expected[place].push(client.push(push(users[place], number as u64, false)).unwrap());
        }
        client.flush();
        assert_eq!(client.counters().accepted, 3000);
        let counters = client.close();
        assert_eq!((counters.queued, counters.waiting, counters.waiting_bytes), (3000, 0, 0));
        for (listener, expected) in listeners.iter_mut().zip(expected) {
            assert_eq!(listener.heard(&pusher), expected);
        }
        assert_eq!(client.push(push("a", 0, false)), Err(NotQueued::Closed));
        assert_eq!(client.close().given_up, 0, "closing twice is closing once");
    }
    assert_eq!(told.all(), []);
}

#[test]
fn a_runtime_of_ones_own_will_do() {
    let (gateway, pusher) = pair(&[]);
    let mut listener = Listener::join(&gateway, "u");
    let told = Told::default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let expected = runtime.block_on(async {
        let client = builder(&pusher, &told).build().unwrap();
        let ids = [1, 2, 3].map(|number| client.push(push("u", number, false)).unwrap());
        client.flush().await;
        assert_eq!(client.close().await.accepted, 3);
        ids
    });
    assert_eq!(listener.heard(&pusher), expected);
}

#[test]
fn what_is_refused_is_told_once_and_the_others_arrive() {
    let (gateway, pusher) = pair(&[]);
    let mut listener = Listener::join(&gateway, "u");
    let told = Told::default();
    let client = client(&pusher, &told);
    let nameless = client.push(push("", 1, false)).unwrap();
    let first = client.push(push("u", 2, false)).unwrap();
    let unkeepable = client.push(push("u", 3, true)).unwrap();
    let second = client.push(push("u", 4, false)).unwrap();
    let counters = client.close();
    assert_eq!((counters.accepted, counters.refused, counters.given_up), (2, 2, 2));
    assert_eq!(listener.heard(&pusher), [first, second]);
    let reasons = told.reasons();
    let refusals = [(nameless, 422, "/to/user"), (unkeepable, 501, "/ttl")];
    for (id, expected, place) in refusals {
        let Why::Refused { status, pointer, .. } = &reasons[&id] else { panic!("{reasons:?}") };
        assert_eq!((*status, pointer.as_deref()), (expected, Some(place)));
    }
}

#[test]
fn who_has_no_key_is_told_for_each_push() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &["--api-key=k:push:secret"]);
    let mut listener = Listener::join(&gateway, "u");
    let told = Told::default();
    let stranger = client(&pusher, &told);
    let ids = [1, 2].map(|number| stranger.push(push("u", number, false)).unwrap());
    assert_eq!(stranger.close().refused, 2);
    let reasons = told.reasons();
    let is_refused = |id| matches!(reasons.get(id), Some(Why::Refused { status: 401, .. }));
    assert!(ids.iter().all(is_refused), "{reasons:?}");
    let known = blocking::Client::start(builder(&pusher, &told).api_key("secret")).unwrap();
    let id = known.push(push("u", 3, false)).unwrap();
    assert_eq!(known.close().accepted, 1);
    // The harness has no key of its own here.
    assert_eq!(super::id(&crate::harness::Client::expect(&mut listener.tcp, "push")), id);
}

#[test]
fn a_queue_is_bounded_and_what_is_left_is_given_up_in_time() {
    let (gateway, mut pusher) = pair(&[]);
    pusher.process.kill();
    let told = Told::default();
    let builder = builder(&pusher, &told).queue(10, 1 << 20).close_within(Duration::ZERO);
    let client = blocking::Client::start(builder).unwrap();
    let ids: Vec<_> = (0..10).map(|number| client.push(push("u", number, true)).unwrap()).collect();
    assert_eq!(client.push(push("u", 10, true)), Err(NotQueued::Full));
    let huge = vec![b'x'; 2 << 20];
    assert_eq!(client.push(Push::bytes(To::User("u"), &huge)), Err(NotQueued::TooLong));
    let counters = client.close();
    assert_eq!((counters.full, counters.given_up, counters.waiting), (1, 10, 0));
    let reasons = told.reasons();
    assert!(ids.iter().all(|id| reasons[id] == Why::Closed), "{reasons:?}");
    drop(gateway);
}

#[test]
fn a_client_that_is_dropped_tells_what_it_gives_up() {
    let (_gateway, mut pusher) = pair(&[]);
    pusher.process.kill();
    let told = Told::default();
    let client = client(&pusher, &told);
    let id = client.push(push("u", 1, false)).unwrap();
    drop(client);
    crate::harness::eventually("it is told", || told.reasons().get(&id).cloned());
    assert_eq!(told.reasons()[&id], Why::Closed);
}

#[test]
fn kept_pushes_are_there_for_who_comes_later() {
    let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("client"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
    let told = Told::default();
    let client = client(&pusher, &told);
    let ids: Vec<_> = (0..50).map(|number| client.push(push("u", number, true)).unwrap()).collect();
    assert_eq!(client.close().accepted, 50);
    assert_eq!(Listener::join(&gateway, "u").heard(&pusher), ids);
}
