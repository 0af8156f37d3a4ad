//! The timer wheel of a worker with 100,000 sessions, each with a ping every 25 s.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gateway::roster::Roster;

const SESSIONS: u32 = 100_000;
/// A ping every 25 s, in ticks of 100 ms.
const PERIOD: u32 = 250;

/// A full roster, its pings spread evenly.
fn roster() -> Roster<u32> {
    let mut roster = Roster::default();
    for session in 0..SESSIONS {
        let key = roster.insert(session);
        roster.schedule(key, 1 + session % PERIOD, 0);
    }
    roster
}

/// Wakes whoever is due and sets the next deadline of each; how many there were.
fn turn(roster: &mut Roster<u32>, tick: u32) -> usize {
    let notes = roster.take_notes(tick);
    let woken = notes.iter().filter(|key| {
        let session = roster.wake(**key, tick);
        if session.is_some() {
            roster.schedule(**key, tick + PERIOD, tick);
        }
        session.is_some()
    });
    woken.count()
}

fn wheel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wheel of 100,000");
    group.bench_function("turn by a tick: 400 wake", |bencher| {
        let (mut roster, mut tick) = (roster(), 0);
        bencher.iter(|| {
            tick += 1;
            turn(&mut roster, tick)
        });
    });
    group.bench_function("come and go", |bencher| {
        let mut roster = roster();
        bencher.iter(|| {
            let key = roster.insert(black_box(7));
            roster.remove(key);
        });
    });
    group.throughput(Throughput::Elements(SESSIONS.into()));
    group.sample_size(10);
    group.bench_function("fill", |bencher| {
        bencher.iter_batched(|| (), |()| roster(), BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group! {
    name = timers;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = wheel
}
criterion_main!(timers);
