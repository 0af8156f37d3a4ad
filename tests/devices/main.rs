//! The rules by which exactly one session of a device is left, on all gateways together: both crates'
//! state machines on links that deliver in order and are cut, in random interleavings.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

mod parts;
mod world;

#[path = "../../gateway/src/uplink/claims.rs"]
mod claims;
#[allow(dead_code, reason = "what takes over is not tried here")]
#[path = "../../gateway/src/uplink/deciders.rs"]
mod deciders;
#[path = "../../pusher-api/src/engine/local/pairs.rs"]
mod pairs;

use fastrand::Rng;
use world::{DEVICES, World};

/// Random runs of each kind.
const RUNS: u64 = 3000;

/// Does so many things at random.
fn run(seed: u64, gateways: usize, pushers: usize, may_leave: bool) -> World {
    let mut random = Rng::with_seed(seed);
    let mut world = World::new(gateways, pushers);
    for _ in 0..random.usize(10..120) {
        match random.u32(..100) {
            0..12 => world.come(random.usize(..gateways), random.usize(..DEVICES)),
            12..15 if may_leave => world.leave(random.usize(..gateways), random.usize(..DEVICES)),
            15..18 => world.cut(&mut random),
            18 => world.restart(random.usize(..pushers)),
            19..24 => world.notice(&mut random),
            24..30 => world.connect(random.usize(..gateways), random.usize(..pushers)),
            30..35 => world.walk(random.usize(..pushers)),
            _ => world.deliver(&mut random),
        }
    }
    world.settle();
    world
}

fn check(gateways: usize, pushers: usize, may_leave: bool) {
    (0..RUNS).for_each(|seed| check_run(seed, gateways, pushers, may_leave));
}

fn check_run(seed: u64, gateways: usize, pushers: usize, may_leave: bool) {
    let world = run(seed, gateways, pushers, may_leave);
    for device in 0..DEVICES {
        let sessions = world.sessions(device);
        assert!(sessions <= 1, "seed {seed}: {sessions} sessions of device {device}");
        if !may_leave && world.has_come(device) {
            assert_eq!(sessions, 1, "seed {seed}: nobody is left of device {device}");
        }
    }
}

/// Words of a connection that were read behind those of the next one, and words that were sent before it was
/// known who is chosen, once left two sessions or none in these.
#[test]
fn runs_that_have_failed_keep_one_session() {
    check_run(1662, 2, 2, false);
    for seed in [36_279, 49_792, 93_218] {
        check_run(seed, 2, 1, false);
    }
    for seed in [25_215, 37_761, 50_114, 52_252] {
        check_run(seed, 2, 2, false);
    }
}

#[test]
fn two_gateways_and_one_pusher_api_keep_one_session() {
    check(2, 1, false);
    check(2, 1, true);
}

#[test]
fn three_gateways_and_one_pusher_api_keep_one_session() {
    check(3, 1, false);
    check(3, 1, true);
}

#[test]
fn two_gateways_and_three_pusher_apis_keep_one_session() {
    check(2, 2, false);
    check(2, 3, false);
    check(2, 3, true);
}

/// Everybody is linked, and a session is at the first gateway.
fn begun(gateways: usize, pushers: usize) -> World {
    let mut world = World::new(gateways, pushers);
    world.settle();
    world.come(0, 0);
    world.settle();
    world
}

#[test]
fn who_comes_last_stays() {
    let mut world = begun(2, 2);
    for gateway in [1, 0, 1, 1, 0] {
        world.come(gateway, 0);
        world.settle();
        assert_eq!(world.gateways_of(0), [gateway]);
    }
}

#[test]
fn who_moves_while_a_link_is_cut_stays_where_it_went() {
    for (cut, to) in [(0, 1), (1, 1)] {
        let mut world = begun(2, 1);
        world.cut_off(cut, 0);
        world.come(to, 0);
        world.settle();
        assert_eq!(world.gateways_of(0), [to], "with gateway {cut} cut off");
    }
    let mut world = begun(2, 1);
    world.restart(0);
    world.come(1, 0);
    world.settle();
    assert_eq!(world.gateways_of(0), [1], "while there is no pusher-api");
}

#[test]
fn another_pusher_api_decides_while_one_is_away() {
    let mut world = begun(2, 2);
    world.cut_off(0, 0);
    world.cut_off(0, 1);
    world.cut_off(1, 1);
    world.come(1, 0);
    world.settle_without(&[1]);
    assert_eq!(world.gateways_of(0), [1]);
    world.come(0, 0);
    world.settle_without(&[1]);
    assert_eq!(world.gateways_of(0), [0]);
    world.settle();
    assert_eq!(world.gateways_of(0), [0], "also when both are there");
}
