//! What the frames of a client cost: a push assembled for it, an acknowledgement read from it.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use protocol::{
    MessageId,
    client_frame::ClientFrame,
    server_frame::{self, Payload},
};
use uuid::Uuid;

fn frames(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("client frames");
    let data = format!(r#"{{"text":"{}"}}"#, "x".repeat(89));
    let id = MessageId(Uuid::nil());
    group.bench_function("assemble a push of 100 bytes", |bencher| {
        bencher.iter(|| server_frame::push(id, Payload::Json(black_box(&data)), None));
    });
    let acknowledgement = format!(r#"{{"type":"ack","id":"{id}"}}"#);
    group.bench_function("read an ack", |bencher| {
        bencher.iter(|| ClientFrame::parse(black_box(acknowledgement.as_bytes())));
    });
    group.finish();
}

criterion_group! {
    name = client_frames;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = frames
}
criterion_main!(client_frames);
