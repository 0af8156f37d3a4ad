//! A push to everybody comes before what was pushed after it, however many everybody are.

use std::fmt::Write;

use serde_json::json;

use crate::harness::{Client, Tcp, pair};

const SESSIONS: usize = 2500;

#[test]
fn each_session_sees_a_broadcast_before_the_later_push() {
    rlimit::increase_nofile_limit(1 << 16).unwrap();
    let (gateway, pusher) = pair(&["--ping-interval=10m"]);
    let join = |number: usize| Tcp::join(&gateway, format!("u{number}").as_str());
    let mut clients: Vec<_> = (0..SESSIONS).map(join).collect();
    let mut lines = String::new();
    for round in 0..2 {
        let all = json!({ "to": { "all": true }, "data": ["all", round] });
        writeln!(lines, "{all}").unwrap();
        // The first come first, because the walk begins with the last.
        for number in 0..SESSIONS {
            let own = json!({ "to": { "user": format!("u{number}") }, "data": ["own", round] });
            writeln!(lines, "{own}").unwrap();
        }
    }
    assert_eq!(pusher.client.batch(lines.as_bytes())["accepted"], 2 * (SESSIONS + 1));
    for (number, client) in clients.iter_mut().enumerate() {
        for round in 0..2 {
            assert_eq!(client.expect("push")["data"], json!(["all", round]), "session {number}");
            assert_eq!(client.expect("push")["data"], json!(["own", round]), "session {number}");
        }
        client.expect_alive();
    }
}
