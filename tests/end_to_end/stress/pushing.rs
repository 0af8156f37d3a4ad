//! Pushes through a real pusher-api, in one way or in several with the same sessions.

use super::{run, targets};
use crate::harness::{Gateway, PusherApi, pair};

#[test]
fn phases_follow_each_other_with_the_same_sessions() {
    let (gateway, pusher) = pair(&[]);
    let run = run(&format!(
        "push {} --sessions 40 --api http://{} --phase hold:100ms --phase batch:500 \
         --phase single:60 --phase rate:200:500ms --phase all:3",
        targets(&gateway),
        pusher.address,
    ));
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    let phases = &run.report["phases"];
    for (phase, pushed, received) in
        [("batch", 500, 500), ("single", 60, 60), ("rate", 100, 100), ("all", 3, 120)]
    {
        assert_eq!(phases[phase]["pushes"]["accepted"], pushed, "{phase}: {phases:#}");
        assert_eq!(phases[phase]["messages"], received, "{phase}: {phases:#}");
        assert!(phases[phase]["latency"]["p99_ms"].is_f64(), "{phase}: {phases:#}");
    }
    assert_eq!(run.report["pushes"]["accepted"], 663);
    assert_eq!(run.report["pushes"]["missing"], 0);
    assert_eq!(run.report["broadcasts"]["count"], 3);
    assert_eq!(run.report["sessions"]["held_to_end"], 40);
}

#[test]
fn all_is_well_without_a_push_but_not_without_a_pusher_api() {
    let (gateway, pusher) = pair(&[]);
    let push = |api, phase| {
        run(&format!("push {} --sessions 3 --api http://{api} --phase {phase}", targets(&gateway)))
    };
    let held = push(pusher.address, "hold:50ms");
    assert_eq!(held.code, Some(0), "{}\n{}", held.output, held.log);
    // Operators' port: no pusher-api is there.
    let elsewhere = push(gateway.operators, "single:3");
    assert_eq!(elsewhere.code, Some(1), "{}\n{}", elsewhere.output, elsewhere.log);
}

#[test]
fn phases_that_cannot_be_told_apart_are_refused() {
    for (flags, named) in [
        ("--phase batch:5 --phase batch:6", "--phase"),
        ("--phase batch:0", "--phase"),
        ("--phase rate:5000", "PER_SECOND"),
        ("--phase all:1 --push-rate 5", "--push-rate"),
    ] {
        let refused = run(&format!("push --sessions 1 {flags}"));
        assert_eq!(refused.code, Some(2), "{flags}: {}", refused.log);
        assert!(refused.log.contains(named), "{flags}: {}", refused.log);
    }
}

#[test]
fn development_takes_its_pushes() {
    let gateway = Gateway::start(&["--development"]);
    let pusher = PusherApi::start(&[&gateway], &["--development"]);
    let run = run(&format!(
        "push {} --sessions 3 --api http://{} --phase single:5",
        targets(&gateway),
        pusher.address,
    ));
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    assert_eq!(run.report["pushes"]["accepted"], 5);
}
