//! The timer wheel of a worker with 100,000 sessions, each with a ping every 25 s.

use std::{hint::black_box, time::Duration};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use gateway::internals::{NEVER, Wheel};

const SESSIONS: u32 = 100_000;
/// A ping every 25 s, in ticks of 100 ms.
const PERIOD: u32 = 250;

/// A wheel, and the deadlines of its sessions, which those keep themselves.
struct Sessions {
    wheel: Wheel,
    due: Vec<u32>,
}

impl Sessions {
    /// All scheduled, their pings spread evenly.
    fn full() -> Self {
        let mut sessions = Self { wheel: Wheel::default(), due: vec![NEVER; SESSIONS as usize] };
        (0..SESSIONS).for_each(|key| sessions.schedule(key, 1 + key % PERIOD, 0));
        sessions
    }

    fn schedule(&mut self, key: u32, due: u32, now: u32) {
        let due = Wheel::reachable(due, now);
        self.due[key as usize] = due;
        self.wheel.note(key, due);
    }

    /// Wakes whoever is due and sets the next deadline of each; how many there were.
    fn turn(&mut self, tick: u32) -> usize {
        let mut woken = 0;
        for key in self.wheel.take(tick) {
            if self.due[key as usize] == tick {
                self.schedule(key, tick + PERIOD, tick);
                woken += 1;
            }
        }
        woken
    }
}

fn wheel(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("wheel of 100,000");
    group.bench_function("turn by a tick: 400 wake", |bencher| {
        let (mut sessions, mut tick) = (Sessions::full(), 0);
        bencher.iter(|| {
            tick += 1;
            black_box(sessions.turn(tick))
        });
    });
    group.throughput(Throughput::Elements(SESSIONS.into()));
    group.sample_size(10);
    group.bench_function("fill", |bencher| {
        bencher.iter_batched(|| (), |()| Sessions::full(), BatchSize::PerIteration);
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
