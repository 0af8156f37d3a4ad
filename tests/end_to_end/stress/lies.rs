//! What is not as it should be is seen, named in every form of the report, and ends with 1: against
//! a server of the test's own that does what no good one does.

use std::{fs, time::Duration};

use serde_json::Value;

use super::{
    Folder, Run, end,
    server::{self, Behaviour, Lie},
    start,
};

/// Runs the client; also the page it wrote.
fn run(flags: &str) -> (Run, String) {
    let folder = Folder::new();
    let (json, html) = (folder.file("report.json"), folder.file("report.html"));
    let run = end(start(&format!("{flags} --json {json} --html {html}")), &json);
    (run, fs::read_to_string(&html).unwrap())
}

/// Pushes over a server that lies in this way.
fn push(lie: Option<Lie>, flags: &str) -> (Run, String) {
    let served = server::start_with_api(Behaviour { lie, ..Behaviour::default() });
    run(&format!(
        "push --target ws://127.0.0.1:{} --api http://127.0.0.1:{} --sessions 10 \
         --push-total 400 --batch-size 20 --answer-within 500ms {flags}",
        served.clients, served.api,
    ))
}

/// The text of a finding, which has to stand on stdout and on the page, too.
fn finding(run: &Run, page: &str, name: &str) -> String {
    let findings = run.report["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["name"] == name);
    let found = found.unwrap_or_else(|| panic!("{name} is not among {findings:?}"));
    let text = found["text"].as_str().unwrap();
    assert!(run.output.contains(text), "{text:?} is not in {}", run.output);
    assert!(page.contains(text), "{text:?} is not on the page");
    text.to_owned()
}

fn failed(run: &Run, page: &str, name: &str) -> String {
    assert_eq!(run.code, Some(1), "{name}: {}", run.output);
    assert!(run.output.ends_with("failed") && page.contains(">failed<"), "{}", run.output);
    finding(run, page, name)
}

#[test]
fn a_server_that_does_not_lie_is_proved_to_be_well() {
    let (run, page) = push(None, "");
    assert_eq!(run.code, Some(0), "{}\n{}", run.output, run.log);
    assert_eq!(run.report["findings"], Value::Array(Vec::new()), "{}", run.output);
    assert!(run.output.ends_with("all well") && page.contains(">all well<"));
    let received = &run.report["received"];
    assert_eq!((&received["messages"], &received["arrived"]), (&400.into(), &400.into()));
    assert_eq!(run.report["sessions"]["alive"], 10);
}

#[test]
fn half_of_the_messages_lost() {
    let (run, page) = push(Some(Lie::DropHalf), "");
    let text = failed(&run, &page, "missing");
    assert!(text.starts_with("200 of 400 messages"), "{text}");
    // What never came was not in time.
    let share = run.report["received"]["share_within_200_ms"].as_f64().unwrap();
    assert!(share <= 0.5, "{share}");
    let (forgiving, page) = push(Some(Lie::DropHalf), "--allow-missing 60%");
    assert_eq!(forgiving.code, Some(0), "{}", forgiving.output);
    assert!(page.contains(">all well<"));
}

#[test]
fn half_of_the_messages_doubled() {
    let (run, page) = push(Some(Lie::DoubleHalf), "");
    let text = failed(&run, &page, "doubled");
    assert!(text.starts_with("200 messages"), "{text}");
    assert_eq!(run.report["pushes"]["missing"], 0, "{}", run.output);
}

#[test]
fn lost_ones_do_not_hide_behind_doubled_ones() {
    let (run, page) = push(Some(Lie::DropAndDouble), "");
    assert_eq!(run.report["received"]["messages"], 400, "{}", run.output);
    let text = failed(&run, &page, "missing");
    assert!(text.starts_with("200 of 400 messages"), "{text}");
    failed(&run, &page, "doubled");
}

#[test]
fn order_reversed() {
    let (run, page) = push(Some(Lie::Swap), "");
    failed(&run, &page, "reordered");
}

#[test]
fn everything_to_somebody_else() {
    let (run, page) = push(Some(Lie::Stray), "");
    let text = failed(&run, &page, "misdirected");
    assert!(text.starts_with("400 messages"), "{text}");
    failed(&run, &page, "missing");
    assert_eq!(run.report["received"]["share_within_200_ms"], Value::Null, "{}", run.output);
}

#[test]
fn nearly_all_refused() {
    for mode in ["batch", "single"] {
        let (run, page) = push(Some(Lie::RefuseMost), &format!("--push-mode {mode}"));
        let text = failed(&run, &page, "refused");
        assert!(text.starts_with("396 of 400 messages"), "{text}");
        let share = run.report["received"]["share_within_200_ms"].as_f64().unwrap();
        assert!(share <= 0.01, "{share}");
        assert_eq!(run.report["pushes"]["share_refused"], 0.99);
    }
    let refuse = Behaviour { refuse: 99, ..Behaviour::default() };
    let port = server::start(refuse);
    let (run, page) = run(&format!("idle --target ws://127.0.0.1:{port} --sessions 100 --hold 0s"));
    let text = failed(&run, &page, "sessions_missing");
    assert!(text.starts_with("99 of 100 sessions"), "{text}");
}

#[test]
fn a_server_that_stands_still_during_the_hold() {
    let lie = Some(Lie::StandStill);
    let port = server::start(Behaviour { lie, ..Behaviour::default() });
    let flags = format!("idle --target ws://127.0.0.1:{port} --sessions 10 --hold 100ms");
    let (run, page) = run(&format!("{flags} --answer-within 500ms"));
    let text = failed(&run, &page, "sessions_silent");
    assert!(text.starts_with("10 of 10 sessions"), "{text}");
    assert_eq!(run.report["sessions"]["held_to_end"], 0);
    assert_eq!(run.report["losses"][0]["count"], 10);
}

#[test]
fn a_rate_that_was_not_reached() {
    let slow = Duration::from_millis(50);
    let port = server::start(Behaviour { slow, ..Behaviour::default() });
    let (run, page) = run(&format!(
        "idle --target ws://127.0.0.1:{port} --sessions 50 --rate 1000 --hold 0s --concurrency 4"
    ));
    assert_eq!(run.code, Some(0), "{}", run.output);
    let text = finding(&run, &page, "sessions_behind");
    assert!(text.contains("1000/s were asked for"), "{text}");
    assert!(run.output.ends_with("well, with warnings"), "{}", run.output);
    assert!(run.output.contains("(1000/s asked for)"), "{}", run.output);
    // The last was due within 50 ms, and waited for all before it: time counts from there.
    let slowest = run.report["sessions"]["connect"]["max_ms"].as_f64().unwrap();
    assert!(slowest > 2000.0, "{slowest}");
}
