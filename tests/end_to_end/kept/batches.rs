//! Lines that are kept among lines that are not.

use serde_json::{Value, json};

use super::{count, keeper, to_user};
use crate::harness::{Client, Tcp};

fn live(user: &str, data: u64) -> Value {
    json!({ "to": { "user": user }, "data": data })
}

#[test]
fn lines_of_both_kinds_are_all_taken_and_live_ones_keep_their_order() {
    let keeper = keeper(&[]);
    let mut client = Tcp::join(&keeper.gateway, "u");
    let line = |number: u64| match number % 3 {
        0 => to_user("u", number),
        1 => live("u", number),
        _ => to_user(&format!("other{}", number % 7), number),
    };
    let lines: Vec<_> = (0..3000).map(|number| line(number).to_string()).collect();
    let report = keeper.pusher.client.batch(lines.join("\n").as_bytes());
    assert_eq!(report, json!({ "accepted": 3000, "rejected": [] }));
    assert_eq!(count(&keeper.pusher.client, "u"), 1000);
    let others: u64 =
        (0..7).map(|number| count(&keeper.pusher.client, &format!("other{number}"))).sum();
    assert_eq!(others, 1000);
    let mut next = 1;
    while next < 3000 {
        let data = client.expect("push")["data"].as_u64().unwrap();
        // What is kept may come in between.
        if data % 3 == 1 {
            assert_eq!(data, next);
            next += 3;
        }
    }
}

#[test]
fn each_line_is_accounted_for_in_order() {
    let keeper = keeper(&["--topics-kept=1"]);
    let topic = |topic: &str| json!({ "to": { "topic": topic }, "data": 1, "ttl": 60 });
    let id = "0190a6f0-0000-7000-8000-000000000001";
    let named =
        |data: u64, ttl: u64| json!({ "to": { "user": "n" }, "data": data, "ttl": ttl, "id": id });
    let lines = [
        topic("first").to_string(),
        "nonsense".to_owned(),
        topic("second").to_string(),
        topic("second").to_string(),
        live("u", 5).to_string(),
        named(6, 60).to_string(),
        named(6, 60).to_string(),
        named(8, 60).to_string(),
        json!({ "to": { "topic": "second" }, "data": 9 }).to_string(),
        named(10, 0).to_string(),
        named(10, 0).to_string(),
        topic("first").to_string(),
        topic("second").to_string(),
    ];
    let report = keeper.pusher.client.batch(lines.join("\n").as_bytes());
    let rejected: Vec<_> = report["rejected"].as_array().unwrap().iter().collect();
    let shown = |entry: &&Value| (entry["lines"].clone(), entry["status"].clone());
    let expected = [
        (json!([2, 2]), json!(400)),
        (json!([3, 4]), json!(507)),
        (json!([8, 8]), json!(409)),
        (json!([13, 13]), json!(507)),
    ];
    assert_eq!(rejected.iter().map(shown).collect::<Vec<_>>(), expected, "{report}");
    assert_eq!(report["accepted"], 8, "{report}");
    assert!(rejected[1]["detail"].as_str().unwrap().contains("--topics-kept"), "{report}");
}

#[test]
fn what_a_full_report_does_not_list_was_not_kept() {
    let keeper = keeper(&["--kept-per-user=10000"]);
    let good = to_user("u", 1).to_string();
    let mut lines: Vec<_> = (0..1500).map(|_| [good.as_str(), "nonsense"].join("\n")).collect();
    lines.push(good);
    let report = keeper.pusher.client.batch(lines.join("\n").as_bytes());
    let entries = report["rejected"].as_array().unwrap();
    assert_eq!((entries.len(), &entries[999]["truncated"]), (1000, &json!(true)));
    let accepted = report["accepted"].as_u64().unwrap();
    assert_eq!(accepted, count(&keeper.pusher.client, "u"), "exactly these are kept");
    assert!(accepted <= 1000, "{accepted}");
}

#[test]
fn large_lines_are_kept_as_they_come() {
    let keeper = keeper(&["--kept-bytes-per-user=8MiB"]);
    let text = "x".repeat(60_000);
    let line = json!({ "to": { "user": "u" }, "data": text, "ttl": 60 }).to_string();
    let lines = vec![line; 60].join("\n");
    let report = keeper.pusher.client.batch(lines.as_bytes());
    assert_eq!(report, json!({ "accepted": 60, "rejected": [] }));
    let kept = keeper.pusher.client.get("/v1/users/u").json()["kept"].clone();
    assert_eq!((&kept["count"], &kept["bytes"]), (&json!(60), &json!(60 * 60_002)));
}
