//! What the link costs pusher-api and the gateway: batches of pushes down, presence up.

use std::{hint::black_box, time::Duration};

use bytes::{Bytes, BytesMut};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use protocol::{
    MessageId,
    link::{
        Down, EntryLayout, PresenceChange, PresenceChanges, PushEntries, PushEntry, TargetRef, Up,
    },
};
use uuid::Uuid;

/// Pushes in a batch, and changes in a presence frame.
const COUNT: usize = 500;
/// The frame of a push with 100 bytes of data.
const FRAME: &[u8] = &[b'x'; 171];

fn users() -> Vec<String> {
    (0..COUNT).map(|number| format!("u{number}")).collect()
}

fn encode_entries(users: &[String], out: &mut BytesMut) {
    for user in users {
        let entry = PushEntry {
            id: MessageId(Uuid::nil()),
            accepted_micros: 1_700_000_000_000_000,
            receipt: false,
            target: TargetRef::User(user),
            frame: FRAME,
            collapse_key: None,
        };
        entry.encode(EntryLayout::Framed, out);
    }
}

fn encode_presence(users: &[String], out: &mut BytesMut) {
    users.iter().for_each(|user| PresenceChange::Came(user).encode(out));
}

/// The bytes that `write` appends.
fn written(write: impl FnOnce(&mut BytesMut)) -> Bytes {
    let mut bytes = BytesMut::new();
    write(&mut bytes);
    bytes.freeze()
}

fn pushes(criterion: &mut Criterion) {
    let users = users();
    let pushes = written(|out| encode_entries(&users, out));
    let frame = written(|out| Down::Batch { seq: 1, pushes: pushes.clone() }.encode(out));
    let mut group = criterion.benchmark_group("link/batch of 500");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("encode", |bencher| {
        let mut out = BytesMut::with_capacity(frame.len());
        bencher.iter(|| {
            out.clear();
            encode_entries(&users, &mut out);
            out.len()
        });
    });
    group.bench_function("take off the wire", |bencher| {
        let received = || BytesMut::from(&frame[..]);
        bencher.iter_batched_ref(received, Down::decode, BatchSize::SmallInput);
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let entries =
                PushEntries::new(black_box(&pushes), EntryLayout::Framed).map_while(Result::ok);
            entries.map(|entry| entry.frame.len()).sum::<usize>()
        });
    });
    group.finish();
}

fn presence(criterion: &mut Criterion) {
    let users = users();
    let changes = written(|out| encode_presence(&users, out));
    let mut group = criterion.benchmark_group("link/500 presence changes");
    group.throughput(Throughput::Elements(COUNT as u64));
    group.bench_function("encode", |bencher| {
        let mut out = BytesMut::with_capacity(2 * changes.len());
        bencher.iter(|| {
            out.clear();
            let changes = written(|changes| encode_presence(&users, changes));
            Up::Presence { seq: 500, changes }.encode(&mut out);
            out.len()
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| PresenceChanges::new(black_box(&changes)).map_while(Result::ok).count());
    });
    group.finish();
}

criterion_group! {
    name = link;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(300))
        .measurement_time(Duration::from_secs(2));
    targets = pushes, presence
}
criterion_main!(link);
