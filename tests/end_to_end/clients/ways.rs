//! Pushes over TLS, through a load balancer, and where there is no room for them.

use std::{collections::HashSet, time::Duration};

use holdfast_client::{Push, To, Why, blocking};
use uuid::Uuid;

use super::{Listener, Told, builder_at, client, push};
use crate::{
    harness::{Gateway, PusherApi, eventually, files::TestDirectory, tls::client_config},
    proxies::programs::haproxy_to_pusher_apis,
    tls::encrypted,
};

#[test]
fn over_tls_everything_arrives_once_and_in_order() {
    let (gateway, pusher, address) = encrypted();
    let url = format!("https://localhost:{}", address.port());
    let told = Told::default();
    let mut listener = Listener::join(&gateway, "u");
    let builder = builder_at(&url, &told).tls(client_config()).connections(2).batch(100, 1 << 20);
    let client = blocking::Client::start(builder).unwrap();
    let ids: Vec<_> =
        (0..2000).map(|number| client.push(push("u", number, false)).unwrap()).collect();
    let counters = client.close();
    assert_eq!((counters.accepted, counters.given_up, counters.failed_requests), (2000, 0, 0));
    assert_eq!(listener.heard(&pusher), ids);
}

#[test]
fn nothing_is_sent_to_whom_it_does_not_believe() {
    let (_gateway, _pusher, address) = encrypted();
    let port = address.port();
    let told = Told::default();
    // The certificate is for localhost.
    let builder = builder_at(&format!("https://127.0.0.2:{port}"), &told).tls(client_config());
    let client = blocking::Client::start(builder.close_within(Duration::ZERO)).unwrap();
    let id = client.push(push("u", 1, true)).unwrap();
    eventually("it was tried", || (client.counters().failed_requests > 1).then_some(()));
    let counters = client.close();
    assert_eq!((counters.sent, counters.given_up), (0, 1));
    assert_eq!(told.reasons()[&id], Why::Closed);
}

/// Every request goes to another process than the one before, and both are killed in turns.
#[test]
fn through_a_load_balancer_kept_pushes_arrive_once_and_no_other_twice() {
    let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("balanced"));
    let flag = data.flag("data");
    let mut pushers = [(); 2].map(|()| PusherApi::start(&[&gateway], &[&flag]));
    let [first, second] = &pushers;
    let test = "through_a_load_balancer_kept_pushes_arrive_once_and_no_other_twice";
    let Some(proxy) = haproxy_to_pusher_apis(test, [first, second]) else { return };
    let mut listener = Listener::join(&gateway, "u");
    let told = Told::default();
    let url = format!("http://{}", proxy.http);
    let client = blocking::Client::start(builder_at(&url, &told).batch(50, 1 << 20)).unwrap();
    let (mut kept, mut live) = (Vec::new(), Vec::new());
    for round in 0..4 {
        for number in 0..600 {
            let ids = if number % 2 == 0 { &mut kept } else { &mut live };
            ids.push(client.push(push("u", number, number % 2 == 0)).unwrap());
        }
        eventually("some were sent", || (client.counters().accepted > round * 100).then_some(()));
        pushers[usize::from(round % 2 == 0)].restart();
    }
    let counters = client.close();
    pushers.iter().for_each(PusherApi::await_ready);
    let heard = listener.heard(&pushers[0]);
    let distinct: HashSet<&Uuid> = heard.iter().collect();
    assert_eq!(distinct.len(), heard.len(), "none arrives twice");
    let missing = kept.iter().filter(|id| !distinct.contains(id)).count();
    assert_eq!(missing, 0, "{:?}", told.all());
    let reasons = told.reasons();
    assert_eq!(counters.accepted + counters.given_up, 2400);
    for id in &live {
        let why = reasons.get(id);
        assert!(why.is_none_or(|why| *why == Why::Unknown || !distinct.contains(id)), "{why:?}");
    }
}

#[test]
fn where_no_more_is_kept_that_is_told_and_the_rest_goes_on() {
    let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("full"));
    let pusher = PusherApi::start(&[&gateway], &[&data.flag("data"), "--kept-bytes=128KiB"]);
    let told = Told::default();
    let large = vec![b'x'; 20_000];
    let library = client(&pusher, &told);
    let kept =
        |user| library.push(Push::bytes(To::User(user), &large).ttl(Duration::from_secs(600)));
    let ids: Vec<_> = (0..20).map(|_| kept("u").unwrap()).collect();
    library.flush();
    let reasons = told.reasons();
    let details = reasons.values().map(|why| match why {
        Why::Refused { status: 507, detail, .. } => detail.as_str(),
        why => panic!("{why:?}"),
    });
    assert!(details.into_iter().any(|detail| detail.contains("--kept-bytes")), "{reasons:?}");
    let mut live = Listener::join(&gateway, "v");
    let id = library.push(push("v", 1, false)).unwrap();
    library.flush();
    assert_eq!(live.heard(&pusher), [id]);
    let stored: Vec<_> = ids.into_iter().filter(|id| !reasons.contains_key(id)).collect();
    assert_eq!(Listener::join(&gateway, "u").heard(&pusher), stored);
    assert!(pusher.client.delete("/v1/users/u/kept").json()["deleted"].as_u64() > Some(0));
    kept("v").unwrap();
    let counters = library.close();
    assert_eq!(
        (counters.accepted, counters.refused),
        (stored.len() as u64 + 2, reasons.len() as u64)
    );
}
