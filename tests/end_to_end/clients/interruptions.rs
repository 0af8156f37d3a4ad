//! Pushes while pusher-api is restarted, killed, slow, gone, or has nobody to hand them to.

use std::{collections::HashSet, time::Duration};

use holdfast_client::{Counters, Why, blocking};
use rustix::process::Signal;
use uuid::Uuid;

use super::{Listener, Told, builder, client, push};
use crate::harness::{Gateway, PusherApi, eventually, files::TestDirectory};

/// A gateway, a pusher-api that keeps what it is given, and somebody who hears it.
struct Way {
    gateway: Gateway,
    pusher: PusherApi,
    listener: Listener,
    told: Told,
    _data: TestDirectory,
}

impl Way {
    fn open() -> Self {
        let (gateway, data) = (Gateway::start(&[]), TestDirectory::new("client"));
        let pusher = PusherApi::start(&[&gateway], &[&data.flag("data")]);
        let listener = Listener::join(&gateway, "u");
        Self { gateway, pusher, listener, told: Told::default(), _data: data }
    }

    /// Closes the client, and holds what has arrived against what was pushed: kept pushes each once and in their order,
    /// the others at most once and in their order, and each push has one fate.
    fn settle(&mut self, client: &blocking::Client, pushed: &Pushed) -> (Counters, Vec<Uuid>) {
        let counters = client.close();
        self.pusher.await_ready();
        let heard = self.listener.heard(&self.pusher);
        let of = |ids: &[Uuid]| -> Vec<_> {
            let ids: HashSet<_> = ids.iter().collect();
            heard.iter().filter(|id| ids.contains(id)).copied().collect()
        };
        assert_eq!(of(&pushed.kept), pushed.kept);
        let live = of(&pushed.live);
        let in_order: Vec<_> = pushed.live.iter().filter(|id| live.contains(id)).copied().collect();
        assert_eq!(live, in_order);
        let reasons = self.told.reasons();
        let all = (pushed.kept.len() + pushed.live.len()) as u64;
        assert_eq!((counters.queued, counters.waiting), (all, 0));
        assert_eq!(counters.accepted + counters.given_up, all);
        assert_eq!(counters.given_up, reasons.len() as u64);
        for (id, why) in &reasons {
            assert!(why.may_have_arrived() || !live.contains(id), "{id}: {why:?}");
        }
        (counters, live)
    }
}

#[derive(Default)]
struct Pushed {
    kept: Vec<Uuid>,
    live: Vec<Uuid>,
}

impl Pushed {
    /// So many, of each kind in turns.
    fn push(&mut self, client: &blocking::Client, count: u64) {
        for number in 0..count {
            let is_kept = number % 2 == 0;
            let id = client.push(push("u", number, is_kept)).unwrap();
            if is_kept { &mut self.kept } else { &mut self.live }.push(id);
        }
    }
}

/// Everything that was not given up arrived: a process that is asked to stop hands over what it has.
#[test]
fn a_pusher_api_that_is_stopped_and_comes_back_loses_nothing() {
    let mut way = Way::open();
    let builder = builder(&way.pusher, &way.told).batch(50, 1 << 20);
    let client = blocking::Client::start(builder).unwrap();
    let mut pushed = Pushed::default();
    for _ in 0..3 {
        pushed.push(&client, 400);
        way.pusher.process.signal(Signal::TERM);
        pushed.push(&client, 400);
        way.pusher.process.wait();
        pushed.push(&client, 400);
        way.pusher.restart();
    }
    let (_, live) = way.settle(&client, &pushed);
    let reasons = way.told.reasons();
    let missing = pushed.live.iter().filter(|id| !live.contains(id) && !reasons.contains_key(id));
    assert_eq!(missing.count(), 0);
}

#[test]
fn a_pusher_api_that_is_killed_costs_at_most_what_it_had_taken_for_this_moment() {
    let mut way = Way::open();
    let builder = builder(&way.pusher, &way.told).batch(50, 1 << 20);
    let client = blocking::Client::start(builder).unwrap();
    let mut pushed = Pushed::default();
    for round in 1..=4 {
        pushed.push(&client, 600);
        eventually("some were sent", || (client.counters().accepted > round * 100).then_some(()));
        way.pusher.restart();
    }
    way.settle(&client, &pushed);
    let reasons = way.told.reasons();
    assert!(reasons.values().all(|why| *why == Why::Unknown), "{reasons:?}");
}

#[test]
fn a_pusher_api_that_stands_still_for_a_while_has_each_push_once() {
    let mut way = Way::open();
    let builder = builder(&way.pusher, &way.told).answer_within(Duration::from_millis(300));
    let client = blocking::Client::start(builder.batch(50, 1 << 20)).unwrap();
    let mut pushed = Pushed::default();
    pushed.push(&client, 100);
    client.flush();
    let stopped = way.pusher.process.stopped();
    pushed.push(&client, 200);
    let failed = client.counters().failed_requests;
    eventually("requests were given up", || {
        (client.counters().failed_requests > failed + 2).then_some(())
    });
    drop(stopped);
    let (counters, live) = way.settle(&client, &pushed);
    assert_eq!((counters.given_up, live.len()), (0, pushed.live.len()), "{:?}", way.told.all());
    assert!(counters.retried > 0);
}

#[test]
fn while_there_is_no_pusher_api_kept_pushes_wait_and_others_are_given_up_in_time() {
    let mut way = Way::open();
    way.pusher.process.kill();
    let builder = builder(&way.pusher, &way.told).live_for(Duration::from_millis(50));
    let client = blocking::Client::start(builder).unwrap();
    let mut pushed = Pushed::default();
    pushed.push(&client, 100);
    eventually("the others are given up", || (way.told.all().len() == 50).then_some(()));
    way.pusher.restart();
    let (counters, live) = way.settle(&client, &pushed);
    assert_eq!((counters.given_up, counters.accepted, live.len()), (50, 50, 0));
    assert!(way.told.reasons().values().all(|why| *why == Why::OutOfTime));
}

#[test]
fn what_is_refused_for_now_is_sent_again_in_its_order() {
    let mut way = Way::open();
    let client = client(&way.pusher, &way.told);
    way.gateway.process.kill();
    // One that has never had a gateway takes nothing for those who are online.
    way.pusher.restart();
    let mut pushed = Pushed::default();
    pushed.push(&client, 100);
    eventually("they were refused", || (client.counters().retried > 0).then_some(()));
    way.gateway.restart();
    way.listener = Listener::join(&way.gateway, "u");
    let counters = client.close();
    assert_eq!((counters.accepted, counters.given_up), (100, 0));
}
