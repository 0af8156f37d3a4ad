//! What a call of `push` costs, on one core, into a queue that nobody empties.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use holdfast_client::{Client, Push, To};

/// Calls that are measured together.
const CALLS: usize = 10_000;

fn client() -> Client {
    // Port 9 of loopback: nobody is there, so that nothing but the queue is measured.
    let builder = Client::builder("http://127.0.0.1:9").queue(CALLS * 2, usize::MAX);
    builder.build().expect("a client")
}

fn push(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let _inside = runtime.enter();
    let users: Vec<_> = (0..1000).map(|number| format!("u{number}")).collect();
    let mut group = criterion.benchmark_group("push");
    group.throughput(Throughput::Elements(CALLS as u64));
    group.bench_function("json", |bencher| {
        bencher.iter_batched_ref(
            client,
            |client| {
                for number in 0..CALLS {
                    let to = To::User(&users[number % users.len()]);
                    let push = Push::json(to, &("hello", number)).expect("JSON");
                    black_box(client.push(push)).expect("room");
                }
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

criterion_group!(benches, push);
criterion_main!(benches);
