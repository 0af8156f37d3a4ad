//! The longest single step while the tables of a gateway grow to a million sessions: for so long a
//! worker serves nobody else. Counted in CPU time of the thread, so that a busy machine does not
//! add to it.

use std::time::Duration;

use actix::{Actor, Addr, Context, dev::channel};
use gateway::internals::{PresenceFeed, Registration, Registry, Wheel};
use protocol::{SessionId, UserId};
use rustix::time::{ClockId, clock_gettime};
use slab::Slab;

const SESSIONS: u64 = 1_000_000;

/// Stands for a session, which is behind an address of the same size.
struct Nobody;

impl Actor for Nobody {
    type Context = Context<Self>;
}

fn main() {
    let (sender, _) = channel::channel::<Nobody>(0);
    let address = Addr::new(sender).downgrade();
    let (registry, feed) = (Registry::default(), PresenceFeed::default());
    report("registry", |number| {
        let user = UserId::new(&format!("u{number}")).expect("a name");
        let (id, address) = (SessionId(number), address.clone());
        let _ = registry.register(&user, Registration { id, address, device: None }, 16, &feed);
    });
    // As large as a worker's seats: which kind, and a box.
    let mut seats = Slab::<(u64, Option<Box<u32>>)>::new();
    report("seats", |_| {
        seats.insert((0, None));
    });
    let mut wheel = Wheel::default();
    report("wheel", |number| wheel.note(number as u32, 1 + number as u32 % 250));
}

/// Does `step` for every session and prints how long the longest took.
fn report(table: &str, mut step: impl FnMut(u64)) {
    let (mut longest, mut at) = (Duration::ZERO, 0);
    let began = cpu_time();
    let mut last = began;
    for number in 0..SESSIONS {
        step(number);
        let now = cpu_time();
        if now - last > longest {
            (longest, at) = (now - last, number);
        }
        last = now;
    }
    let all = last - began;
    println!("{table}: {SESSIONS} sessions in {all:.2?}, longest step {longest:.2?} at {at}");
}

fn cpu_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}
