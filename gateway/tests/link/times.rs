//! A pusher-api whose clock does not go as the gateway's.

use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use protocol::link::{ClockReading, Down, EntryLayout, PushEntry, TargetRef, Up};

use crate::{
    entry, newer,
    peers::{Pusher, gateway, until_metric, until_metrics},
    with_client, written,
};

const HOUR: i64 = 3_600_000_000;
const OFFSET: &str = "holdfast_link_clock_offset_seconds{pusher_api=\"127.0.0.1\"} ";
const COUNT: &str = "holdfast_push_latency_seconds_count";

fn question(frame: &Up) -> Option<u64> {
    let Up::AskTime { asked_micros } = frame else { return None };
    Some(*asked_micros)
}

/// Waits until it is asked for the time, and answers by a clock that is so far before the gateway's.
/// Returns what that says.
async fn tell(pusher: &mut Pusher, ahead: i64) -> u64 {
    let asked_micros = match pusher.asked.take() {
        Some(asked) => asked,
        None => pusher.find(question).await,
    };
    let theirs = asked_micros.checked_add_signed(ahead).expect("a time");
    let reading = ClockReading { asked_micros, received_micros: theirs, answered_micros: theirs };
    pusher.send(&written(&Down::Time(reading))).await;
    theirs
}

/// Waits until this is shown, to a minute.
async fn until_offset(operators: SocketAddr, seconds: f64) {
    let is_it = |text: &str| {
        let shown = text.lines().find_map(|line| line.strip_prefix(OFFSET)).expect("an offset");
        (shown.parse::<f64>().expect("seconds") - seconds).abs() < 60.0
    };
    until_metrics(operators, &format!("{seconds} s apart"), is_it).await;
}

async fn push(pusher: &mut Pusher, seq: u64, accepted_micros: u64) {
    let entry = entry(seq.into(), TargetRef::User("ada"), br#"{"type":"push"}"#);
    let mut pushes = BytesMut::new();
    PushEntry { accepted_micros, ..entry }.encode(EntryLayout::Framed, &mut pushes);
    let pushes = Bytes::from(pushes);
    pusher.send(&written(&Down::Batch { seq, pushes })).await;
}

#[actix_rt::test]
async fn pushes_are_measured_by_what_both_clocks_say() {
    let gateway = gateway(&[]);
    let operators = gateway.operators[0];
    let (mut pusher, mut client) = with_client(&gateway, "ada").await;
    let theirs = tell(&mut pusher, HOUR).await;
    until_offset(operators, 3600.0).await;
    push(&mut pusher, 1, theirs).await;
    assert_eq!(client.kind().await, "push");
    until_metric(operators, COUNT, 1).await;
    until_metric(operators, "holdfast_push_latency_seconds_bucket{le=\"5\"}", 1).await;

    // Accepted in an hour, by their clock.
    push(&mut pusher, 2, theirs + HOUR as u64).await;
    assert_eq!(client.kind().await, "push");
    let negative = "holdfast_push_latency_unknown_total{reason=\"negative\"}";
    until_metric(operators, negative, 1).await;
    until_metric(operators, COUNT, 1).await;

    // Their clock is set; what it said before is forgotten.
    let theirs = tell(&mut pusher, -HOUR).await;
    until_offset(operators, -3600.0).await;
    push(&mut pusher, 3, theirs).await;
    assert_eq!(client.kind().await, "push");
    until_metric(operators, "holdfast_push_latency_seconds_bucket{le=\"5\"}", 2).await;
    gateway.stop();
}

#[actix_rt::test]
async fn only_the_answer_to_the_last_question_counts_and_gauges_go_with_the_link() {
    let gateway = gateway(&[]);
    let operators = gateway.operators[0];
    let mut pusher = newer(&gateway).await;
    let unasked = |asked_micros| {
        let (received_micros, answered_micros) = (HOUR as u64, HOUR as u64);
        written(&Down::Time(ClockReading { asked_micros, received_micros, answered_micros }))
    };
    pusher.send(&unasked(0)).await;
    pusher.send(&unasked(u64::MAX)).await;
    until_metrics(operators, "nothing is known", |text| text.contains(&format!("{OFFSET}NaN")))
        .await;
    tell(&mut pusher, 0).await;
    until_offset(operators, 0.0).await;
    drop(pusher);
    until_metrics(operators, "no gauge", |text| !text.contains(OFFSET)).await;
    gateway.stop();
}
