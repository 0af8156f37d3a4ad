//! Sessions over server-sent events, against real gateways.

use super::run;
use crate::harness::{Gateway, eventually};

#[test]
fn streams_get_each_push_and_answer_by_requests_of_their_own() {
    // Each was asked by a ping that was posted, and got its pong as an event.
    super::each_gets_its_pushes_at("sse");
}

#[test]
fn tokens_open_streams_and_post_for_them() {
    let secret = "0123456789abcdef0123456789abcdef";
    let gateway = Gateway::start(&[&format!("--jwt-secret={secret}")]);
    let idle = format!("idle --target http://{} --sessions 20 --hold 0s", gateway.http);
    let run = run(&format!("{idle} --token-secret {secret} --topic news"));
    assert_eq!(run.code, Some(0), "{}", run.output);
    assert_eq!(run.report["sessions"]["alive"], 20);
    let stranger = super::run(&format!("{idle} --token-secret {}", secret.replace('0', "9")));
    assert_eq!(stranger.report["failures"][0]["what"], "HTTP status 401");
}

#[test]
fn a_storm_of_streams_goes_and_comes_back() {
    super::a_storm_goes_and_comes_back_at("sse", &[]);
}

#[test]
fn pings_are_answered_only_when_asked_for() {
    let gateway = Gateway::start(&["--echo", "--ping-interval=200ms"]);
    let frames = || gateway.metrics().get("holdfast_frames_in_total");
    let idle =
        format!("idle --target http://{}/v1/sse --sessions 5 --answer-within 0s", gateway.http);
    let silent = run(&format!("{idle} --hold 1s"));
    assert_eq!((silent.code, frames()), (Some(0), 0.0), "{}", silent.output);
    let held = run(&format!("{idle} --hold 1s --post-pongs"));
    assert_eq!(held.code, Some(0), "{}", held.output);
    assert!(frames() >= 5.0, "{}", frames());
    // An echo is posted, too, and comes as an event.
    let echoed = run(&format!("{idle} --hold 0s --echo-once"));
    assert_eq!(echoed.code, Some(0), "{}", echoed.output);
}

#[test]
fn a_stream_that_is_told_to_go_is_lost_by_its_reason() {
    let gateway = Gateway::start(&["--sse-age=300ms"]);
    let run = run(&format!("idle --target http://{} --sessions 3 --hold 2s", gateway.http));
    assert_eq!(run.code, Some(1), "{}", run.output);
    assert_eq!(run.report["losses"][0]["what"], "bye: draining");
    assert_eq!(run.report["losses"][0]["count"], 3);
    eventually("all are gone", || {
        (gateway.metrics().get("holdfast_sessions") == 0.0).then_some(())
    });
}
