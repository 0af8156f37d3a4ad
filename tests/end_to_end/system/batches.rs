//! The report of a batch: every line is accounted for.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::harness::{Client, Gateway, PusherApi, Tcp, pair};

fn line(user: &str, data: &Value) -> String {
    json!({ "to": { "user": user }, "data": data }).to_string()
}

/// The status of each line that was rejected.
fn rejected(report: &Value) -> BTreeMap<u64, u64> {
    let mut lines = BTreeMap::new();
    for entry in report["rejected"].as_array().unwrap() {
        let [first, last] = [0, 1].map(|end| entry["lines"][end].as_u64().unwrap());
        for line in first..=last {
            let twice = lines.insert(line, entry["status"].as_u64().unwrap());
            assert_eq!(twice, None, "line {line} of {report}");
        }
    }
    lines
}

#[test]
fn neighbours_with_one_cause_are_one_entry() {
    let (_gateway, pusher) = pair(&[]);
    let good = line("u", &json!(1));
    let lines = [
        good.as_str(),
        "nonsense",
        "nonsense",
        "",
        r#"{"to":{"user":""},"data":1}"#,
        r#"{"to":{"user":""},"data":2}"#,
        r#"{"to":{"user":"u"},"data":1,"ttl":60}"#,
        good.as_str(),
    ];
    let report = pusher.client.batch(lines.join("\n").as_bytes());
    assert_eq!(report["accepted"], 2, "{report}");
    let entries = report["rejected"].as_array().unwrap();
    let shown =
        |entry: &Value| (entry["lines"].clone(), entry["status"].clone(), entry["pointer"].clone());
    let expected = [
        (json!([2, 3]), json!(400), Value::Null),
        (json!([5, 6]), json!(422), json!("/to/user")),
        (json!([7, 7]), json!(501), json!("/ttl")),
    ];
    assert_eq!(entries.iter().map(shown).collect::<Vec<_>>(), expected);
    assert_eq!(report.get("retry_after"), None, "nothing is to be sent again");
}

#[test]
fn a_report_of_a_thousand_entries_covers_the_rest() {
    let (gateway, pusher) = pair(&[]);
    let mut client = Tcp::join(&gateway, "u");
    let good = line("u", &json!(1));
    let mut lines: Vec<_> = (0..3000).map(|_| ["nonsense", &good].join("\n")).collect();
    lines.push(good);
    let report = pusher.client.batch(lines.join("\n").as_bytes());
    let entries = report["rejected"].as_array().unwrap();
    let last = &entries[999];
    assert_eq!(
        (entries.len(), &last["truncated"], &last["status"]),
        (1000, &json!(true), &json!(503))
    );
    assert_eq!((&last["lines"], &report["retry_after"]), (&json!([1999, 6001]), &json!(1)));
    assert_eq!(report["accepted"], 999, "what the report does not list was not taken");
    for _ in 0..999 {
        client.expect("push");
    }
    client.expect_alive();
}

#[test]
fn nothing_overtakes_a_line_that_was_refused_for_room() {
    let gateway = Gateway::start(&[]);
    let pusher = PusherApi::start(&[&gateway], &["--link-queue=2MiB"]);
    let mut client = Tcp::join(&gateway, "u");
    // More than the link's queue holds, then lines that would find room in what is left of it.
    let large = Value::from("x".repeat(60_000));
    let lines = (1..=60).map(|number| match number {
        ..=50 => line("u", &large),
        number => line("u", &json!(number)),
    });
    let body = lines.collect::<Vec<_>>().join("\n");
    let stopped = gateway.process.stopped();
    let report = pusher.client.batch(body.as_bytes());
    let accepted = report["accepted"].as_u64().unwrap();
    assert!((1..50).contains(&accepted), "{accepted}");
    let expected: BTreeMap<_, _> = (accepted + 1..=60).map(|line| (line, 503)).collect();
    assert_eq!((rejected(&report), &report["retry_after"]), (expected, &json!(1)));
    drop(stopped);
    for _ in 0..accepted {
        assert_eq!(client.expect("push")["data"], large);
    }
    client.expect_alive();
}
