//! Sessions that come back when their gateway asks them to.

use std::fs;

use rustix::process::Signal;

use super::{Folder, end, run, start};
use crate::harness::{Gateway, PusherApi, eventually};

/// Where clients of every transport connect.
fn every_transport(gateway: &Gateway) -> String {
    let Gateway { http, tcp, .. } = gateway;
    format!(
        "--target ws://{http} --target tcp://{tcp} --target http://{http}/v1/sse \
         --target http://{http}/v1/poll"
    )
}

/// Waits until a gateway has so many sessions or more.
fn await_sessions(gateway: &Gateway, least: f64) {
    eventually(&format!("{least} sessions"), || {
        (gateway.metrics().get("holdfast_sessions") >= least).then_some(())
    });
}

#[test]
fn a_drain_under_pushes_is_told_by_who_came_back_and_what_the_others_had() {
    let (mut one, two) = (Gateway::start(&["--drain=1s"]), Gateway::start(&[]));
    let pusher = PusherApi::start(&[&one, &two], &[]);
    let folder = Folder::new();
    let (json, html) = (folder.file("report.json"), folder.file("report.html"));
    let process = start(&format!(
        "push --return --target ws://{} --target ws://{} --sessions 40 --api http://{} \
         --push-rate 300 --push-for 10s --json {json} --html {html}",
        one.http, two.http, pusher.address,
    ));
    await_sessions(&one, 20.0);
    await_sessions(&two, 20.0);
    eventually("pushes are on their way", || {
        (one.metrics().get("holdfast_push_latency_seconds_count") > 20.0).then_some(())
    });
    one.terminate();
    let run = end(process, &json);
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    assert_eq!(one.wait().code(), Some(0));
    assert!(run.output.ends_with("all well"), "{}", run.output);
    let (sessions, recalls) = (&run.report["sessions"], &run.report["recalls"]);
    assert_eq!((&sessions["held_to_end"], &sessions["alive"]), (&40.into(), &40.into()));
    assert_eq!(recalls["reasons"]["draining"], 20, "{recalls:#}");
    for (count, expected) in
        [("asked", 20), ("returned", 20), ("away", 0), ("failed", 0), ("lost_without_a_word", 0)]
    {
        assert_eq!(recalls[count], expected, "{count}: {recalls:#}");
    }
    let rollouts = recalls["rollouts"].as_array().unwrap();
    let asked: u64 = rollouts.iter().map(|rollout| rollout["asked"].as_u64().unwrap()).sum();
    assert!(asked == 20 && rollouts[0]["most"].as_u64() > Some(0), "{recalls:#}");
    // Those who were away got nothing, and nobody else lost anything.
    let pushes = &run.report["pushes"];
    assert!(pushes["missed"].as_u64() > Some(0) && pushes["missing"] == 0, "{pushes:#}");
    assert!(recalls["others"]["p99_ms"].is_f64(), "{recalls:#}");
    let phases = &run.report["phases"];
    assert!(phases["steady"]["messages"].as_u64() > phases["return"]["messages"].as_u64());
    let page = fs::read_to_string(&html).unwrap();
    for part in ["Sessions asked to come back", "Sessions that came back, a second", "20 asked to"]
    {
        assert!(page.contains(part), "{part}");
    }
    assert!(
        run.output.contains("asked back   20 by their server (20 × draining)"),
        "{}",
        run.output
    );
}

#[test]
fn sessions_that_have_an_age_come_and_go_and_all_are_held() {
    let gateways = ["one", "two"].map(|_| Gateway::start(&["--max-session-age=2s"]));
    let targets = gateways.each_ref().map(every_transport).join(" ");
    let folder = Folder::new();
    let json = folder.file("report.json");
    let flags = "--sessions 64 --processes 2 --sources 127.0.0.2-127.0.0.3 --hold 100s";
    let process = start(&format!("idle --return {targets} {flags} --json {json}"));
    eventually("each was asked, on average", || {
        let asked = r#"holdfast_sessions_recalled_total{cause="age"}"#;
        let asked = gateways.iter().map(|gateway| gateway.metrics().get(asked)).sum::<f64>();
        (asked >= 64.0).then_some(())
    });
    process.signal(Signal::INT);
    let run = end(process, &json);
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    let (sessions, recalls) = (&run.report["sessions"], &run.report["recalls"]);
    let number = |value: &serde_json::Value| value.as_u64().unwrap();
    assert!(number(&recalls["asked"]) >= 60, "{recalls:#}");
    let (returned, away) = (number(&recalls["returned"]), number(&recalls["away"]));
    assert_eq!(number(&recalls["asked"]), returned + away, "{recalls:#}");
    assert_eq!(number(&sessions["held_to_end"]) + away, 64, "{}", run.output);
    assert!(returned > 0 && recalls["lost_without_a_word"] == 0, "{recalls:#}");
    assert_eq!(sessions["processes"], 2);
}

#[test]
fn who_finds_nobody_to_come_back_to_has_failed() {
    let mut gateway = Gateway::start(&["--drain=100ms"]);
    let folder = Folder::new();
    let json = folder.file("report.json");
    let flags = "--sessions 5 --hold 3s --return-within 500ms";
    let process =
        start(&format!("idle --return --target tcp://{} {flags} --json {json}", gateway.tcp));
    await_sessions(&gateway, 5.0);
    gateway.terminate();
    gateway.wait();
    let run = end(process, &json);
    assert_eq!(run.code, Some(1), "{}", run.output);
    let recalls = &run.report["recalls"];
    assert_eq!((&recalls["asked"], &recalls["failed"]), (&5.into(), &5.into()), "{recalls:#}");
    assert_eq!(run.report["failures"][0]["what"], "ECONNREFUSED while connecting");
    assert_eq!(run.report["findings"][0]["name"], "sessions_missing");
}

#[test]
fn without_being_told_to_they_stay_away() {
    let gateway = Gateway::start(&["--max-session-age=1s"]);
    let run = run(&format!("idle --target ws://{} --sessions 5 --hold 2s", gateway.http));
    assert_eq!(run.code, Some(1), "{}", run.output);
    assert_eq!(run.report["losses"][0]["what"], "WebSocket close code 1012");
    assert!(run.report["recalls"].is_null(), "{}", run.output);
}
