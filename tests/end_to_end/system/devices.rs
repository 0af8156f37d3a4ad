//! One session of a user's device, on all gateways together.

use std::{collections::BTreeSet, thread};

use serde_json::{Value, json};

use crate::harness::{
    Client, Event, Gateway, PusherApi, Sse, Tcp, WebSocket, Who,
    cutter::Cutter,
    eventually,
    tokens::{secret_flag, token_of_device},
};

/// Devices that come at two gateways at the same time.
const CROWD: usize = 60;

fn gateway(name: &str) -> Gateway {
    Gateway::start(&[&format!("--name={name}"), &secret_flag()])
}

fn phone(user: &str) -> Who {
    Who::Token(token_of_device(user, "phone"))
}

/// Waits until these decide between so many pairs of gateways, all together.
fn await_pairs(pushers: &[&PusherApi], pairs: f64) {
    eventually("the gateways hear of each other's devices", || {
        let decided = pushers.iter().map(|it| it.metrics().get("holdfast_pusher_device_pairs"));
        (decided.sum::<f64>() == pairs).then_some(())
    });
}

/// Gateways that hear of each other.
fn three() -> (Gateway, Gateway, PusherApi) {
    let (one, two) = (gateway("one"), gateway("two"));
    let pusher = PusherApi::start(&[&one, &two], &[]);
    await_pairs(&[&pusher], 1.0);
    (one, two, pusher)
}

/// The sessions that a push to this user has gone to.
fn pushed(pusher: &PusherApi, user: &str) -> Vec<Value> {
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": user }, "data": user }));
    let sessions = receipt["sessions"].as_array().unwrap();
    sessions.iter().map(|one| one["session"].clone()).collect()
}

/// Waits until a user has one session, and says which.
fn only_session(pusher: &PusherApi, user: &str) -> Value {
    eventually("one session is left", || {
        let shown = pusher.client.get(&format!("/v1/users/{user}")).json();
        let sessions = shown["sessions"].as_array().unwrap();
        assert!(!sessions.is_empty(), "nobody is left: {shown}");
        (sessions.len() == 1).then(|| sessions[0]["id"].clone())
    })
}

fn the_newest_session_stays<C: Client>() {
    let (one, two, pusher) = three();
    let mut laptop = C::join(&one, Who::Token(token_of_device("u", "laptop")));
    let (mut older, _) = C::open(&one, phone("u")).unwrap();
    for gateway in [&two, &one, &one, &two] {
        let (newer, hello) = C::open(gateway, phone("u")).unwrap();
        // Nothing of the older one is waited for: the hello says that it is so.
        let sessions = pushed(&pusher, "u");
        assert_eq!(sessions.len(), 2, "the phone's and the laptop's");
        assert!(sessions.contains(&hello["session"]), "{sessions:?}");
        let bye = older.expect_bye("replaced", 4409);
        assert_eq!(bye.get("retry_ms"), None, "it shall not come back: {bye}");
        older = newer;
        older.expect("push");
        laptop.expect("push");
    }
    older.expect_alive();
    laptop.expect_alive();
}

#[test]
fn the_newest_websocket_of_a_device_stays() {
    the_newest_session_stays::<WebSocket>();
}

#[test]
fn the_newest_stream_of_a_device_stays() {
    the_newest_session_stays::<Sse>();
}

#[test]
fn the_newest_connection_of_a_device_stays() {
    the_newest_session_stays::<Tcp>();
}

/// Whether the client was told that another one has taken its place; false if it got this push.
fn is_replaced(client: &mut impl Client) -> bool {
    loop {
        match client.next() {
            Event::Frame(frame) if frame["type"] == "bye" => {
                assert_eq!(frame["reason"], "replaced", "{frame}");
                return true;
            }
            Event::Frame(frame) if frame["data"] == "last" => return false,
            Event::Frame(_) => {}
            Event::Closed(code) => panic!("closed with {code:?} without a bye"),
        }
    }
}

#[test]
fn of_devices_that_come_everywhere_at_once_one_session_each_is_left() {
    let gateways = [gateway("one"), gateway("two"), gateway("three")];
    let [one, two, three] = &gateways;
    // Not even the links are there when the first ones come.
    let pusher = PusherApi::start_unready(&[one, two, three], &[]);
    let come = |gateway: &Gateway| {
        let join = |number: usize| WebSocket::join(gateway, phone(&format!("u{number}")));
        (0..CROWD).map(join).collect::<Vec<_>>()
    };
    let mut clients: Vec<_> = thread::scope(|scope| {
        let coming = gateways.each_ref().map(|gateway| scope.spawn(move || come(gateway)));
        coming.map(|all| all.join().unwrap()).into_iter().collect()
    });
    pusher.await_ready();
    await_pairs(&[&pusher], 3.0);
    for number in 0..CROWD {
        let user = format!("u{number}");
        only_session(&pusher, &user);
        pusher.client.push(&json!({ "to": { "user": user }, "data": "last" }));
        let replaced: Vec<_> = clients.iter_mut().map(|of| is_replaced(&mut of[number])).collect();
        assert_eq!(replaced.iter().filter(|it| !**it).count(), 1, "{user}: {replaced:?}");
    }
}

#[test]
fn who_moves_while_a_link_is_cut_stays_where_it_went() {
    let gateways = [gateway("one"), gateway("two")];
    let ways = gateways.each_ref().map(|gateway| Cutter::before(gateway.operators));
    let flags = ways.each_ref().map(|way| format!("--gateway=http://{}", way.address));
    let pusher = PusherApi::start(&[], &[&flags[0], &flags[1]]);
    for (cut, from) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
        await_pairs(&[&pusher], 1.0);
        let (user, to) = (format!("u{cut}{from}"), 1 - from);
        let mut older = WebSocket::join(&gateways[from], phone(&user));
        let shut = ways[cut].shut();
        await_pairs(&[&pusher], 0.0);
        let (mut newer, hello) = WebSocket::open(&gateways[to], phone(&user)).unwrap();
        older.expect_alive();
        drop(shut);
        older.expect_bye("replaced", 4409);
        assert_eq!(only_session(&pusher, &user), hello["session"]);
        newer.expect_alive();
    }
}

#[test]
fn who_comes_to_both_while_neither_hears_of_the_other_is_left_at_one() {
    let gateways = [gateway("one"), gateway("two")];
    let users: Vec<_> = (0..20).map(|number| format!("u{number}")).collect();
    let come = |gateway: &Gateway| {
        users.iter().map(|user| WebSocket::join(gateway, phone(user))).collect::<Vec<_>>()
    };
    let mut clients = gateways.each_ref().map(come);
    let pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &[]);
    let mut left = BTreeSet::new();
    for (number, user) in users.iter().enumerate() {
        left.insert(only_session(&pusher, user).to_string());
        pusher.client.push(&json!({ "to": { "user": user }, "data": "last" }));
        let replaced = clients.each_mut().map(|of| is_replaced(&mut of[number]));
        assert_ne!(replaced[0], replaced[1], "{user}");
    }
    assert_eq!(left.len(), users.len());
}

#[test]
fn another_pusher_api_decides_while_one_is_away() {
    let (one, two) = (gateway("one"), gateway("two"));
    let mut pushers = [(); 2].map(|()| PusherApi::start(&[&one, &two], &[]));
    // Whichever of them decides.
    for away in [0, 1] {
        await_pairs(&pushers.each_ref(), 1.0);
        let mut older = WebSocket::join(&one, phone("u"));
        pushers[away].process.kill();
        await_pairs(&[&pushers[1 - away]], 1.0);
        let (mut newer, hello) = WebSocket::open(&two, phone("u")).unwrap();
        older.expect_bye("replaced", 4409);
        assert_eq!(pushed(&pushers[1 - away], "u"), [hello["session"].clone()]);
        pushers[away].restart();
        pushers[away].await_ready();
        await_pairs(&pushers.each_ref(), 1.0);
        // They may be about to choose the other one; one of the two sessions is left all the same.
        let mut last = WebSocket::join(&one, phone("u"));
        let left = pushers.each_ref().map(|pusher| only_session(pusher, "u"));
        assert_eq!(left[0], left[1]);
        pushers[0].client.push(&json!({ "to": { "user": "u" }, "data": "last" }));
        assert_ne!(is_replaced(&mut newer), is_replaced(&mut last));
    }
}
