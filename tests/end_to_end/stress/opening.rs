//! Opening sessions: refusals, new tries, echoes.

use super::{run, targets};
use crate::harness::Gateway;

#[test]
fn refusals_are_said_and_tried_again_when_asked() {
    let gateway = Gateway::start(&["--handshake-rate=10"]);
    let flags = format!("idle {} --sessions 40 --hold 0s", targets(&gateway));
    let refused = run(&flags);
    assert_eq!(refused.code, Some(1));
    let count = refused.report["sessions"]["refused"].as_u64().unwrap();
    assert!(count > 0 && refused.output.contains("--retry N"), "{}", refused.output);
    let insisted = run(&format!("{flags} --retry 100"));
    assert_eq!(insisted.code, Some(0), "{}", insisted.output);
    assert_eq!(insisted.report["sessions"]["held_to_end"], 40);
    assert!(!insisted.report["retried"].as_array().unwrap().is_empty(), "{}", insisted.output);
}

#[test]
fn a_message_comes_back_before_a_session_counts() {
    let gateway = Gateway::start(&["--echo"]);
    let echo = format!("ws://{}/v1/echo", gateway.http);
    for target in [format!("{echo} --no-hello"), format!("tcp://{}", gateway.tcp)] {
        let flags = format!("idle --echo-once --target {target} --sessions 50 --processes 2");
        let run = run(&format!("{flags} --hold 0s"));
        assert_eq!(run.code, Some(0), "{}", run.output);
        assert_eq!(run.report["sessions"]["held_to_end"], 50);
    }
    assert!(gateway.metrics().get("holdfast_frames_in_total") >= 100.0);
    let mute = Gateway::start(&[]);
    let run = run(&format!("idle --echo-once --target tcp://{} --sessions 3 --hold 0s", mute.tcp));
    assert_eq!(run.code, Some(1));
    assert!(run.output.contains("does the gateway run with --echo?"), "{}", run.output);
}

#[test]
fn schemes_that_are_not_spoken_are_named() {
    let run = run("idle --target ftp://127.0.0.1:1");
    assert_eq!(run.code, Some(2));
    assert!(run.log.contains("ftp://127.0.0.1:1") && run.log.contains("wss://"), "{}", run.log);
}
