//! Many sessions go at once and come back.

use rustix::process::Signal;

use super::{Folder, end, run, start, targets};
use crate::harness::{Gateway, PusherApi, eventually, pair};

#[test]
fn all_come_back_and_the_others_miss_nothing() {
    let gateways = [Gateway::start(&[]), Gateway::start(&[])];
    let pusher = PusherApi::start(&[&gateways[0], &gateways[1]], &[]);
    let [one, two] = &gateways;
    let run = run(&format!(
        "storm {} {} --sessions 300 --drop 100 --processes 2 --operators http://{} \
         --operators http://{} --sample 100ms --api http://{} --push-rate 500 --hold 300ms \
         --settle 300ms",
        targets(one),
        targets(two),
        one.operators,
        two.operators,
        pusher.address,
    ));
    let report = &run.report;
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    assert_eq!(report["sessions"]["held_to_end"], 300);
    assert_eq!(report["record"]["tally"]["dropped"], 100);
    assert_eq!(report["record"]["tally"]["returns"]["held"], 100);
    assert_eq!(report["record"]["tally"]["kept_to_end"], 200);
    assert_eq!(report["pushes"]["missing"], 0);
    for phase in ["steady", "after"] {
        assert!(report["phases"][phase]["messages"].as_u64().unwrap() > 0, "{phase}: {report:#}");
    }
    let storm = &report["storms"][0];
    for measured in ["closed_seconds", "gone_seconds", "reopen_seconds", "gateway_memory_ratio"] {
        assert!(storm[measured].is_f64(), "{measured}: {storm:#}");
    }
    let readings = storm["memory"].as_array().unwrap();
    assert_eq!(readings.len(), 5, "{storm:#}");
    assert!(readings.iter().all(|reading| reading["gateways"].as_u64().unwrap() > 1 << 20));
    let points = report["record"]["timelines"][0]["points"].as_array().unwrap();
    let said = points.iter().filter_map(|point| point["gateways"]["sessions"].as_u64());
    let held: Vec<_> = said.collect();
    assert_eq!(held[0], 0, "the time line begins before the ramp");
    assert!(held.contains(&300) && held.contains(&200), "{held:?}");
}

#[test]
fn who_is_refused_tries_again_until_the_time_is_over() {
    let gateway = Gateway::start(&["--handshake-rate=40"]);
    let flags =
        format!("storm {} --sessions 60 --drop 50 --retry 100 --hold 0s", targets(&gateway));
    let patient = run(&format!("{flags} --settle 0s"));
    assert_eq!(patient.code, Some(0), "{}\n{}", patient.output, patient.log);
    let retried = patient.report["retried"].to_string();
    assert!(retried.contains("HTTP status") || retried.contains("bye"), "{retried}");
    assert!(patient.report["storms"][0]["reopen_seconds"].is_f64());
    assert!(patient.report["storms"][0]["gone_seconds"].is_null(), "nobody was watched");

    let hasty = run(&format!("{flags} --settle 0s --reopen-timeout 1ms"));
    assert_eq!(hasty.code, Some(1), "{}\n{}", hasty.output, hasty.log);
    assert!(hasty.report["storms"][0]["reopen_seconds"].is_null());
    let tally = &hasty.report["record"]["tally"];
    let back = tally["returns"]["held"].as_u64().unwrap();
    let failed: u64 = hasty.report["failures"].as_array().unwrap().iter().map(count).sum();
    assert_eq!(back + failed, 50, "{}", hasty.output);
    assert_eq!(tally["kept_to_end"], 10);
}

fn count(failure: &serde_json::Value) -> u64 {
    failure["count"].as_u64().unwrap()
}

#[test]
fn ctrl_c_ends_it_with_the_report_so_far() {
    let (gateway, pusher) = pair(&[]);
    let folder = Folder::new();
    let json = folder.file("report.json");
    let process = start(&format!(
        "storm {} --sessions 40 --drop 10 --hold 0s --settle 1h --api http://{} --json {json}",
        targets(&gateway),
        pusher.address,
    ));
    eventually("those to be dropped are gone", || {
        // 40 were open once, of which 30 are left.
        let metrics = gateway.metrics();
        let closed = metrics.get("holdfast_sessions_closed_total{reason=\"client_left\"}");
        (closed >= 10.0 && metrics.get("holdfast_sessions") == 30.0).then_some(())
    });
    process.signal(Signal::INT);
    let run = end(process, &json);
    assert_eq!(run.code, Some(1), "{}", run.log);
    assert_eq!(run.report["interrupted"], true);
    assert_eq!(run.report["sessions"]["held_to_end"], 30);
    assert_eq!(run.report["pushes"]["missing"], 0);
}

#[test]
fn wrong_settings_are_refused_before_anything_is_opened() {
    let gateway = Gateway::start(&[]);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (flags, named) in [
        ("--drop 10".to_owned(), "--drop"),
        ("--drop 1 --api ws://h:1".to_owned(), "--api"),
        ("--drop 1 --operators ws://h:1".to_owned(), "--operators"),
        (format!("--drop 1 --operators http://{nobody}"), "--operators"),
        ("--drop 1 --sample 1ms".to_owned(), "--sample"),
        ("--drop 1 --html /nonexistent/x".to_owned(), "--html"),
    ] {
        let run = run(&format!("storm {} --sessions 10 {flags}", targets(&gateway)));
        assert_eq!(run.code, Some(2), "{flags}: {}", run.log);
        assert!(run.log.contains(named), "{flags}: {}", run.log);
    }
    assert_eq!(gateway.metrics().get("holdfast_handshakes_total"), 0.0);
}
