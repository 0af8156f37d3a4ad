//! What a push costs in the gateway apart from sockets, and what a client's frame costs to read.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gateway::internals::{FrameMemory, SharedFrame, WebSocket, Wire, next_frame};
use protocol::{
    CloseReason,
    websocket::{Opcode, masked_frame},
};

const MASK: [u8; 4] = [0xa5, 0x5a, 0xff, 0x01];

fn shared(criterion: &mut Criterion) {
    let memory = FrameMemory::new(1 << 30);
    let mut scratch = Vec::new();
    let mut group = criterion.benchmark_group("shared frame");
    for size in [171, 4096, 65_536] {
        let json = vec![b'x'; size];
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("assemble {size} bytes"), |bencher| {
            bencher.iter(|| SharedFrame::new(black_box(&json), &memory, &mut scratch));
        });
    }
    group.finish();
    let shared = SharedFrame::new(&[b'x'; 171], &memory, &mut scratch);
    criterion.bench_function("shared frame/one more recipient", |bencher| {
        bencher.iter(|| {
            let copy = shared.clone();
            black_box(copy.range(&WebSocket).len())
        });
    });
}

/// A text frame as clients send it.
fn masked(size: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    masked_frame(Opcode::Text, &vec![b'x'; size], MASK, &mut bytes);
    bytes
}

fn websocket(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("websocket");
    let mut out = Vec::new();
    group.bench_function("write a ping", |bencher| {
        bencher.iter(|| {
            out.clear();
            WebSocket.ping(black_box(&mut out));
            out.len()
        });
    });
    for size in [60, 4096] {
        let bytes = masked(size);
        group.throughput(Throughput::Bytes(size as u64));
        group.bench_function(format!("read a text of {size} bytes"), |bencher| {
            let (mut received, mut assembly) = (bytes.clone(), None);
            bencher.iter(|| {
                // Reading takes the mask off where the bytes are.
                received.copy_from_slice(&bytes);
                next_frame(&mut received, &mut assembly, 65_536, |message| {
                    black_box(message);
                    Ok::<_, CloseReason>(())
                })
            });
        });
    }
    group.finish();
}

criterion_group! {
    name = frames;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = shared, websocket
}
criterion_main!(frames);
