//! Pushes of one connection to one user arrive in the order they were accepted.

use serde_json::{Value, json};

use crate::harness::{Client, Tcp, WebSocket, pair};

const ROUNDS: u32 = 4;
const SINGLE: u32 = 150;
const BATCHED: u32 = 1500;

/// The push of this number, which takes each kind of target in turn.
fn numbered(number: u32) -> Value {
    let to = match number % 5 {
        0 => json!({ "all": true }),
        1 => json!({ "topic": "t" }),
        2 => json!({ "users": ["a", "u", "z"] }),
        _ => json!({ "user": "u" }),
    };
    json!({ "to": to, "data": number })
}

fn expect_in_order(client: &mut impl Client, count: u32) {
    for number in 0..count {
        assert_eq!(client.expect("push")["data"], number);
    }
}

#[test]
fn all_kinds_of_targets_single_and_in_batches_keep_their_order() {
    let (gateway, pusher) = pair(&["--outbound-limit=16MiB"]);
    let (mut web, mut tcp) = (WebSocket::join(&gateway, "u"), Tcp::join(&gateway, "u"));
    // Others, so that broadcasts take a while.
    let _others: Vec<_> = (0..300).map(|n| Tcp::join(&gateway, format!("o{n}").as_str())).collect();
    let subscribe = json!({ "type": "subscribe", "topics": ["t"] });
    web.send(&subscribe);
    web.expect_alive();
    tcp.send(&subscribe);
    tcp.expect_alive();
    let mut next = 0;
    for _ in 0..ROUNDS {
        (next..next + SINGLE).for_each(|number| {
            pusher.client.push(&numbered(number));
        });
        next += SINGLE;
        let lines: Vec<_> = (next..next + BATCHED).map(|n| numbered(n).to_string()).collect();
        assert_eq!(pusher.client.batch(lines.join("\n").as_bytes())["accepted"], BATCHED);
        next += BATCHED;
    }
    expect_in_order(&mut web, next);
    expect_in_order(&mut tcp, next);
}
