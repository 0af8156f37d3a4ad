//! Two gateways and two pusher-apis whose links are cut every 50 ms, while clients come, are pushed
//! to, looked up and closed: every answer is held against what the clients saw.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::harness::{Client, Event, Gateway, PusherApi, Tcp, cutter::Cutter, eventually};

/// One run takes about this long.
const DURATION: Duration = Duration::from_secs(8);
/// A slow machine needs longer for so many steps, but has no more than this.
const STEPS: u32 = 80;
const LONGEST: Duration = Duration::from_secs(60);
const CUT_EVERY: Duration = Duration::from_millis(50);

/// One session of one user, and what was said about it.
struct Visitor {
    client: Tcp,
    user: String,
    session: Value,
    /// By number, as pushed by each pusher-api: whether it must arrive, or only may.
    pushes: BTreeMap<u64, Push>,
    /// An order to close it was answered: whether it was counted as closed. None while there was
    /// none, or none that says so.
    closed: Option<bool>,
}

struct Push {
    by: usize,
    must_arrive: bool,
}

struct World {
    gateways: [Gateway; 2],
    pushers: [PusherApi; 2],
    ways: Vec<Cutter>,
    visitors: Vec<Visitor>,
    last_push: u64,
    random: Rng,
}

/// Says which run it was when a test fails.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the seed of this run was {}", self.0);
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let gateways = [Gateway::start(&["--name=g0"]), Gateway::start(&["--name=g1"])];
        let mut ways = Vec::new();
        let pushers = [(); 2].map(|()| {
            let own = gateways.each_ref().map(|gateway| Cutter::before(gateway.operators));
            let [first, second] =
                own.each_ref().map(|way| format!("--gateway=http://{}", way.address));
            ways.extend(own);
            // However long a link does not get into step, it is not given up.
            PusherApi::start(&[], &[&first, &second, "--link-grace=10m"])
        });
        let (visitors, random) = (Vec::new(), Rng::with_seed(seed));
        Self { gateways, pushers, ways, visitors, last_push: 0, random }
    }

    fn step(&mut self) {
        let any = self.random.usize(..self.visitors.len().max(1));
        match self.random.u32(..10) {
            0..=2 => self.come(),
            _ if self.visitors.is_empty() => self.come(),
            3..=5 => self.push(any),
            6 => self.push_with_receipt(any),
            7 => self.push_again(any),
            8 => self.look_up(any),
            _ => self.close(any),
        }
    }

    /// Somebody comes, and is pushed to as soon as there is a hello.
    fn come(&mut self) {
        let user = format!("u{}", self.visitors.len());
        let gateway = &self.gateways[self.random.usize(..2)];
        let (client, hello) = Tcp::open(gateway, user.as_str()).unwrap();
        let session = hello["session"].clone();
        self.visitors.push(Visitor {
            client,
            user,
            session,
            pushes: BTreeMap::new(),
            closed: None,
        });
        match self.random.bool() {
            true => self.push(self.visitors.len() - 1),
            false => self.push_with_receipt(self.visitors.len() - 1),
        }
    }

    /// Sends a push until it is taken; returns the answer, the pusher-api and the number.
    fn send(&mut self, visitor: usize, query: &str) -> (Value, usize, u64) {
        self.last_push += 1;
        let (number, by) = (self.last_push, self.random.usize(..2));
        let body = body(&self.visitors[visitor].user, number);
        let answer = eventually("the push is taken", || {
            let path = format!("/v1/push{query}");
            let answer = self.pushers[by].client.post(&path, "application/json", &body);
            assert!(matches!(answer.status, 200 | 202 | 503), "{answer:?}");
            (answer.status != 503).then(|| answer.json())
        });
        (answer, by, number)
    }

    fn push(&mut self, visitor: usize) {
        let (_, by, number) = self.send(visitor, "");
        let visitor = &mut self.visitors[visitor];
        let push = Push { by, must_arrive: visitor.closed.is_none() };
        visitor.pushes.insert(number, push);
    }

    fn push_with_receipt(&mut self, visitor: usize) {
        let (receipt, by, number) = self.send(visitor, "?receipt=200ms");
        let visitor = &mut self.visitors[visitor];
        let listed = receipt["sessions"].as_array().unwrap();
        let outcome = match listed.as_slice() {
            [] => None,
            [one] => {
                assert_eq!(one["session"], visitor.session, "{receipt}");
                Some(one["outcome"].as_str().unwrap())
            }
            _ => panic!("one session, one outcome: {receipt}"),
        };
        let is_open = visitor.closed.is_none();
        match receipt["complete"].as_bool().unwrap() {
            true if is_open => assert_eq!(outcome, Some("written"), "it is there: {receipt}"),
            true => {}
            false => assert!(!receipt["unanswered"].as_array().unwrap().is_empty(), "{receipt}"),
        }
        if outcome.is_some() {
            assert_eq!(receipt["online"], true, "{receipt}");
        }
        let must_arrive = is_open || outcome == Some("written");
        visitor.pushes.insert(number, Push { by, must_arrive });
    }

    /// A push that was taken is sent again under its id.
    fn push_again(&mut self, visitor: usize) {
        let Visitor { user, pushes, .. } = &self.visitors[visitor];
        let Some((number, push)) = pushes.last_key_value() else { return };
        let body = body(user, *number);
        let answer = self.pushers[push.by].client.post("/v1/push", "application/json", &body);
        assert!(matches!(answer.status, 202 | 503), "{answer:?}");
    }

    fn look_up(&mut self, visitor: usize) {
        let visitor = &self.visitors[visitor];
        let path = format!("/v1/users/{}", visitor.user);
        let answer = self.pushers[self.random.usize(..2)].client.get(&path);
        if answer.status == 503 {
            return;
        }
        let shown = answer.json();
        let listed = shown["sessions"].as_array().unwrap();
        assert!(listed.len() <= 1 && listed.iter().all(|one| one["id"] == visitor.session));
        if shown["complete"] == true && visitor.closed.is_none() {
            assert_eq!((listed.len(), &shown["online"]), (1, &json!(true)), "{shown}");
        }
    }

    fn close(&mut self, visitor: usize) {
        let visitor = &mut self.visitors[visitor];
        let path = format!("/v1/users/{}/sessions", visitor.user);
        let answer = self.pushers[self.random.usize(..2)].client.delete(&path);
        if answer.status == 503 {
            return;
        }
        let said = answer.json();
        let count = said["closed"].as_u64().unwrap();
        assert!(count <= 1, "{said}");
        if said["complete"] == true && visitor.closed.is_none() {
            assert_eq!(count, 1, "its session is open: {said}");
        }
        // An order overtakes pushes that wait for their link.
        visitor.pushes.values_mut().for_each(|push| push.must_arrive = false);
        let before = visitor.closed.unwrap_or(false);
        visitor.closed = Some(before || count == 1);
    }

    /// With every link well, a last push tells those apart who are there and who are not.
    fn settle(&mut self) {
        for pusher in &self.pushers {
            eventually("every link is up", || {
                let gateways = pusher.client.get("/v1/gateways").json()["gateways"].clone();
                let all = gateways.as_array().unwrap().iter().all(|one| one["state"] == "up");
                all.then_some(())
            });
        }
        for visitor in &self.visitors {
            let body = json!({ "to": { "user": visitor.user }, "data": "end" });
            let receipt = self.pushers[0].client.push_with_receipt(&body);
            assert_eq!(receipt["complete"], true, "{receipt}");
            let listed = receipt["sessions"].as_array().unwrap().len();
            match visitor.closed {
                None => assert_eq!(listed, 1, "{receipt}"),
                Some(true) => assert_eq!(listed, 0, "it was closed: {receipt}"),
                Some(false) => assert!(listed <= 1, "{receipt}"),
            }
        }
    }
}

impl Visitor {
    /// Reads to the end and holds it against what was said.
    fn check(mut self) {
        let mut seen = Vec::new();
        let was_closed = loop {
            match self.client.next() {
                Event::Frame(frame) if frame["data"] == "end" => break false,
                Event::Frame(frame) if frame["type"] == "push" => {
                    seen.push(frame["data"].as_u64().unwrap());
                }
                Event::Frame(frame) if frame["type"] == "bye" => {
                    assert_eq!(frame["reason"], "disconnected", "{frame}");
                    break true;
                }
                other => panic!("{}: {other:?}", self.user),
            }
        };
        match self.closed {
            None => assert!(!was_closed, "{} was not to be closed", self.user),
            Some(true) => assert!(was_closed, "{} was said to be closed", self.user),
            Some(false) => {}
        }
        let mut once = seen.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), seen.len(), "{} got something twice: {seen:?}", self.user);
        for (number, push) in &self.pushes {
            assert!(!push.must_arrive || seen.contains(number), "{} lost {number}", self.user);
        }
        for by in 0..2 {
            let of = |number: &&u64| self.pushes.get(number).expect("pushed to it").by == by;
            let order: Vec<_> = seen.iter().filter(of).collect();
            assert!(order.is_sorted(), "{} got them out of order: {order:?}", self.user);
        }
    }
}

fn body(user: &str, number: u64) -> String {
    let id = Uuid::from_u128(u128::from(number) + 1);
    json!({ "to": { "user": user }, "data": number, "id": id.to_string() }).to_string()
}

fn every_answer_is_what_the_clients_saw(seed: u64) {
    let _seed = Seed(seed);
    let mut world = World::new(seed);
    let stop = AtomicBool::new(false);
    let ways = std::mem::take(&mut world.ways);
    thread::scope(|scope| {
        let cutting = scope.spawn(|| {
            let mut random = Rng::with_seed(seed);
            while !stop.load(Ordering::Relaxed) {
                thread::sleep(CUT_EVERY);
                ways[random.usize(..ways.len())].cut();
            }
        });
        let driving = scope.spawn(|| {
            let (begun, mut steps) = (Instant::now(), 0);
            while (begun.elapsed() < DURATION || steps < STEPS) && begun.elapsed() < LONGEST {
                world.step();
                steps += 1;
            }
            world
        });
        let driven = driving.join();
        stop.store(true, Ordering::Relaxed);
        cutting.join().unwrap();
        let mut world = driven.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        assert!(world.visitors.len() > 10 && world.last_push > 20, "hardly anything happened");
        world.settle();
        std::mem::take(&mut world.visitors).into_iter().for_each(Visitor::check);
    });
}

#[test]
fn every_answer_is_what_the_clients_saw_while_links_are_cut() {
    every_answer_is_what_the_clients_saw(20_261_127);
}

#[test]
fn every_answer_is_what_the_clients_saw_while_links_are_cut_otherwise() {
    every_answer_is_what_the_clients_saw(7);
}
