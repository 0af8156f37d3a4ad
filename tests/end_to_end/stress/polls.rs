//! Sessions over long polls, against real gateways.

use super::run;
use crate::harness::Gateway;

#[test]
fn polls_get_each_push_and_ask_again() {
    super::each_gets_its_pushes_at("poll");
}

#[test]
fn polls_are_answered_after_their_wait_and_nobody_is_lost_by_that() {
    let secret = "0123456789abcdef0123456789abcdef";
    let gateway = Gateway::start(&[&format!("--jwt-secret={secret}"), "--echo"]);
    let before = gateway.metrics().get("holdfast_sessions");
    let run = run(&format!(
        "idle --target http://{}/v1/poll --sessions 20 --token-secret {secret} --echo-once \
         --poll-wait 50ms-150ms --hold 1s",
        gateway.http,
    ));
    assert_eq!((run.code, before), (Some(0), 0.0), "{}\n{}", run.output, run.log);
    assert_eq!(run.report["sessions"]["alive"], 20);
    // Each has asked at once for its echo's sake, and for its pong's, and in between.
    let polls = r#"holdfast_handshakes_total{result="poll",transport="http"}"#;
    let asked = gateway.metrics().get(polls);
    assert!(asked > 60.0, "{asked}");
}

#[test]
fn a_storm_of_polls_goes_and_comes_back() {
    super::a_storm_goes_and_comes_back_at("poll", &["--poll-grace=300ms"]);
}
