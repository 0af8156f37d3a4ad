//! Several pusher-apis, and the stores that gateways hold to.

use rustix::process::Signal;
use serde_json::json;

use super::{count, keeper, post, to_user};
use crate::harness::{Client, PusherApi, Tcp, eventually, files::TestDirectory};

#[test]
fn a_pusher_api_with_another_store_keeps_nothing_until_that_is_mended() {
    let keeper = keeper(&[]);
    let other_data = TestDirectory::new("other");
    let mut other = PusherApi::start(&[&keeper.gateway], &[&other_data.flag("data")]);
    let refused = eventually("it is refused", || {
        let answer = post(&other.client, &to_user("u", 1));
        (answer.status == 501).then_some(answer)
    });
    assert_eq!(refused.json()["pointer"], "/ttl");
    assert!(refused.text.contains("other_store"), "{refused:?}");
    assert_eq!(post(&other.client, &json!({ "to": { "user": "u" }, "data": 1 })).status, 202);
    let ready = other.client.get("/readyz");
    assert!(ready.status == 200 && ready.text.contains("other_store"), "{ready:?}");
    assert_eq!(other.metrics().get("holdfast_store_other_store_gateways"), 1.0);
    let log = other.process.log();
    assert!(log.iter().any(|line| line.contains("other_store")), "{log:?}");
    assert_eq!(post(&keeper.pusher.client, &to_user("u", 2)).status, 202, "the first goes on");

    other.restart_with(&[&keeper.data.flag("data")]);
    other.await_ready();
    assert_eq!(post(&other.client, &to_user("u", 3)).status, 202);
    assert_eq!(other.metrics().get("holdfast_store_other_store_gateways"), 0.0);
}

#[test]
fn what_two_keep_at_once_arrives_once_and_in_one_order() {
    let keeper = keeper(&[]);
    let other = PusherApi::start(&[&keeper.gateway], &[&keeper.data.flag("data")]);
    let mut clients = [Tcp::join(&keeper.gateway, "u"), Tcp::join(&keeper.gateway, "u")];
    let lines = |from: u64| {
        let lines = (from..from + 200).map(|number| to_user("u", number).to_string());
        lines.collect::<Vec<_>>().join("\n")
    };
    std::thread::scope(|scope| {
        for (pusher, from) in [(&keeper.pusher, 0), (&other, 1000)] {
            scope.spawn(move || {
                let report = pusher.client.batch(lines(from).as_bytes());
                assert_eq!(report["accepted"], 200, "{report}");
            });
        }
    });
    let mut arrived = clients.each_mut().map(|client| {
        let data = |_| client.expect("push")["data"].as_u64().unwrap();
        (0..400).map(data).collect::<Vec<_>>()
    });
    assert_eq!(arrived[0], arrived[1], "both see one order");
    let [all, _] = &mut arrived;
    for from in [0, 1000] {
        let of_one: Vec<_> = all.iter().filter(|data| **data / 1000 == from / 1000).collect();
        assert!(of_one.is_sorted(), "what one has sent keeps its order");
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 400, "each once");
}

#[test]
fn who_comes_later_gets_what_was_kept_and_then_what_is_new() {
    let keeper = keeper(&[]);
    let client = &keeper.pusher.client;
    let lines: Vec<_> = (0..300).map(|number| to_user("u", number).to_string()).collect();
    assert_eq!(client.batch(lines.join("\n").as_bytes())["accepted"], 300);
    let mut session = Tcp::join(&keeper.gateway, "u");
    client.push(&to_user("u", 300));
    client.push(&json!({ "to": { "user": "u" }, "data": 301 }));
    for number in 0..=301 {
        assert_eq!(session.expect("push")["data"], number);
    }
    session.expect_alive();
}

#[test]
fn what_is_answered_when_another_has_left_is_there_after_a_kill() {
    let mut keeper = keeper(&[]);
    let mut other = PusherApi::start(&[&keeper.gateway], &[&keeper.data.flag("data")]);
    assert_eq!(post(&keeper.pusher.client, &to_user("u", 1)).status, 202);
    other.process.signal(Signal::TERM);
    assert_eq!(other.process.wait().code(), Some(0));
    (2..=4).for_each(|data| {
        assert_eq!(post(&keeper.pusher.client, &to_user("u", data)).status, 202);
    });
    keeper.pusher.restart();
    keeper.pusher.await_ready();
    assert_eq!(count(&keeper.pusher.client, "u"), 4);
}
