//! The registry with 100,000 users: what a session's coming, a push's look-up and a session's
//! going cost, with one pusher-api listening, and how the table grows.

use std::{hint::black_box, sync::Arc, time::Duration};

use actix::{Actor, Addr, Context, WeakAddr, dev::channel};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::FutureExt;
use gateway::internals::{LinkQueue, PresenceFeed, Registration, Registry};
use protocol::{Device, SessionId, UserId};

const USERS: u64 = 100_000;
/// Sessions that come or go in one measurement.
const SOME: u64 = 10_000;

/// Stands for a session, which is behind an address of the same size.
struct Nobody;

impl Actor for Nobody {
    type Context = Context<Self>;
}

/// A registry, and the link whose queue its changes go to.
struct Tables {
    registry: Registry<WeakAddr<Nobody>>,
    feed: PresenceFeed,
    link: Arc<LinkQueue>,
    address: WeakAddr<Nobody>,
}

impl Tables {
    fn new() -> Self {
        let (feed, link) = (PresenceFeed::default(), Arc::<LinkQueue>::default());
        feed.attach(Arc::clone(&link));
        let (sender, _) = channel::channel::<Nobody>(0);
        let address = Addr::new(sender).downgrade();
        Self { registry: Registry::default(), feed, link, address }
    }

    fn with(users: &[UserId]) -> Self {
        let tables = Self::new();
        tables.register(users, 0);
        tables
    }

    /// Registers a session for each of these users; ids count from `first`.
    fn register(&self, users: &[UserId], first: u64) {
        for (id, user) in (first..).zip(users) {
            let registration = Registration {
                id: SessionId(id),
                address: self.address.clone(),
                device: Device::new("d").ok(),
            };
            let _ = black_box(self.registry.register(user, registration, 16, &self.feed));
        }
        self.empty_link();
    }

    fn unregister(&self, users: &[UserId], first: u64) {
        for (id, user) in (first..).zip(users) {
            self.registry.unregister(user.as_str(), SessionId(id), &self.feed);
        }
        self.empty_link();
    }

    /// Takes what a link would write, so that its queue never overflows.
    fn empty_link(&self) {
        let _ = black_box(self.link.next().now_or_never());
    }
}

fn users(first: u64, count: u64) -> Vec<UserId> {
    let user = |number| UserId::new(&format!("u{number}")).expect("a name");
    (first..first + count).map(user).collect()
}

fn lookups(criterion: &mut Criterion) {
    let tables = Tables::with(&users(0, USERS));
    let names: Vec<_> = (0..USERS).map(|number| format!("u{number}")).collect();
    let mut random = fastrand::Rng::with_seed(42);
    let mut group = criterion.benchmark_group("registry of 100,000");
    group.bench_function("look a user up", |bencher| {
        bencher.iter(|| {
            tables.registry.visit(&names[random.usize(..names.len())], |session| {
                black_box(session.id);
            })
        });
    });
    group.bench_function("look up a user who is not here", |bencher| {
        bencher.iter(|| tables.registry.visit(black_box("nobody"), |_| ()));
    });
    group.finish();
}

fn changes(criterion: &mut Criterion) {
    let tables = Tables::with(&users(0, USERS));
    let others = users(USERS, SOME);
    let mut group = criterion.benchmark_group("registry of 100,000");
    group.throughput(Throughput::Elements(SOME));
    group.bench_function("register", |bencher| {
        let undo = || tables.unregister(&others, USERS);
        bencher.iter_batched(undo, |()| tables.register(&others, USERS), BatchSize::PerIteration);
    });
    tables.unregister(&others, USERS);
    group.bench_function("unregister", |bencher| {
        let redo = || tables.register(&others, USERS);
        bencher.iter_batched(redo, |()| tables.unregister(&others, USERS), BatchSize::PerIteration);
    });
    group.finish();
}

fn growth(criterion: &mut Criterion) {
    let users = users(0, USERS);
    let mut group = criterion.benchmark_group("registry");
    group.throughput(Throughput::Elements(USERS));
    group.sample_size(10);
    group.bench_function("grow from nothing to 100,000", |bencher| {
        bencher.iter_batched(
            Tables::new,
            |tables| {
                tables.register(&users, 0);
                tables
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group! {
    name = registry;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = lookups, changes, growth
}
criterion_main!(registry);
