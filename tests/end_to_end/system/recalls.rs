//! Sessions that are asked to come back: by their age, and so that other gateways get some.

use std::{thread::sleep, time::Duration};

use serde_json::{Value, json};

use crate::harness::{Client, Event, Gateway, Http, PusherApi, Tcp, WebSocket, eventually};

const SECRET: &str = "a link secret";
const SECRET_FLAG: &str = "--link-secret=a link secret";

fn rebalance(gateway: &Gateway, body: &Value) -> (u16, Value) {
    let operator = Http::with_key(gateway.operators, SECRET);
    let answer = operator.post("/v1/rebalance", "application/json", &body.to_string());
    (answer.status, answer.json())
}

/// Waits until a gateway has been told of so many others.
fn await_others(gateway: &Gateway, count: usize) {
    gateway.await_metric("holdfast_other_gateways", count as f64);
    eventually("the others have room", || {
        let others = &gateway.get("/v1/rebalance").json()["others"];
        (count == 0 || others["room"].as_u64()? > 0).then_some(())
    });
}

fn ended(gateway: &Gateway) -> Value {
    eventually("the rebalancing ends", || {
        let shown = gateway.get("/v1/rebalance").json();
        (shown["state"] != "running").then_some(shown)
    })
}

#[test]
fn sessions_come_back_at_their_age() {
    let gateway = Gateway::start(&["--max-session-age=1s"]);
    let mut web = WebSocket::join(&gateway, "web");
    let mut tcp = Tcp::join(&gateway, "tcp");
    let byes = [web.expect_bye("draining", 1012), tcp.expect_bye("draining", 0)];
    assert!(byes.iter().all(|bye| bye["retry_ms"].as_u64().unwrap() > 0), "{byes:?}");
    gateway.await_metric(r#"holdfast_sessions_recalled_total{cause="age"}"#, 2.0);
    let _again = WebSocket::join(&gateway, "web");
}

#[test]
fn a_share_of_the_sessions_goes_where_there_is_room() {
    let one = Gateway::start(&[SECRET_FLAG, "--name=one"]);
    let two = Gateway::start(&[SECRET_FLAG, "--name=two"]);
    let _pusher = PusherApi::start(&[&one, &two], &[SECRET_FLAG]);
    let mut clients: Vec<_> =
        (0..20).map(|number| Tcp::join(&one, format!("u{number}").as_str())).collect();
    await_others(&one, 1);
    let (status, begun) = rebalance(&one, &json!({ "share": 0.5, "rate": 1000 }));
    assert_eq!((status, &begun["sessions"]), (202, &10.into()), "{begun}");
    let ended = ended(&one);
    assert_eq!((&ended["state"], &ended["asked"]), (&"done".into(), &10.into()), "{ended}");
    one.await_metric("holdfast_sessions", 10.0);
    one.await_metric(r#"holdfast_sessions_recalled_total{cause="rebalance"}"#, 10.0);
    assert_eq!(one.metrics().get("holdfast_rebalancing"), 0.0);
    let mut gone = 0;
    for client in &mut clients {
        client.send(&json!({ "type": "ping" }));
        let Event::Frame(heard) = client.next() else { panic!("no frame") };
        match heard["type"].as_str() {
            Some("bye") => {
                assert!(heard["reason"] == "draining" && heard["retry_ms"].is_u64(), "{heard}");
                gone += 1;
            }
            other => assert_eq!(other, Some("pong")),
        }
    }
    assert_eq!(gone, 10);
    // What the other has is heard of in turn.
    eventually("the other is told how many are left", || {
        (two.metrics().get("holdfast_other_gateways_sessions") == 10.0).then_some(())
    });
}

#[test]
fn the_silent_go_first() {
    let one = Gateway::start(&[SECRET_FLAG, "--workers=1"]);
    let two = Gateway::start(&[SECRET_FLAG]);
    let _pusher = PusherApi::start(&[&one, &two], &[SECRET_FLAG]);
    let mut silent: Vec<_> =
        (0..5).map(|number| WebSocket::join(&one, format!("s{number}").as_str())).collect();
    let mut speaking: Vec<_> =
        (0..5).map(|number| WebSocket::join(&one, format!("t{number}").as_str())).collect();
    await_others(&one, 1);
    // Longer than a class of silence, so that the two kinds differ.
    sleep(Duration::from_secs(3));
    speaking.iter_mut().for_each(Client::expect_alive);
    assert_eq!(rebalance(&one, &json!({ "share": 0.5, "rate": 1000 })).0, 202);
    for client in &mut silent {
        client.expect_bye("draining", 1012);
    }
    speaking.iter_mut().for_each(Client::expect_alive);
}

#[test]
fn nobody_is_sent_where_there_is_no_room() {
    let one = Gateway::start(&[SECRET_FLAG]);
    let (status, alone) = rebalance(&one, &json!({ "share": 0.5 }));
    assert_eq!((status, &alone["code"]), (503, &"no_word".into()), "{alone}");
    let pusher = PusherApi::start(&[&one], &[SECRET_FLAG]);
    eventually("it is told that there is no other", || {
        let (status, problem) = rebalance(&one, &json!({ "share": 0.5 }));
        (status == 409 && problem["code"] == "no_other_gateway").then_some(())
    });
    drop(pusher);
    let full = Gateway::start(&[SECRET_FLAG, "--max-sessions=3"]);
    let pusher = PusherApi::start(&[&one, &full], &[SECRET_FLAG]);
    let _clients: Vec<_> =
        (0..40).map(|number| Tcp::join(&one, format!("u{number}").as_str())).collect();
    await_others(&one, 1);
    // As many as there is room for; the others stay when that is taken.
    let (status, begun) = rebalance(&one, &json!({ "share": 1, "rate": 1000 }));
    assert_eq!((status, &begun["sessions"]), (202, &40.into()), "{begun}");
    eventually("as many go as there is room for", || {
        (one.get("/v1/rebalance").json()["asked"] == 3).then_some(())
    });
    let (status, problem) = rebalance(&one, &json!({ "share": 1 }));
    assert_eq!((status, problem["title"].as_str()), (409, Some("Conflict")), "one is under way");
    let _there: Vec<_> =
        (0..3).map(|number| Tcp::join(&full, format!("v{number}").as_str())).collect();
    let ended = ended(&one);
    assert_eq!(
        (&ended["state"], &ended["reason"]),
        (&"stopped".into(), &"no_room".into()),
        "{ended}"
    );
    assert_eq!(ended["asked"], 3);
    assert_eq!(one.metrics().get("holdfast_sessions"), 37.0);
    let (status, problem) = rebalance(&one, &json!({ "share": 1 }));
    assert_eq!((status, &problem["code"]), (503, &"no_room".into()), "{problem}");
    drop(pusher);
}

#[test]
fn it_can_be_stopped() {
    let one = Gateway::start(&[SECRET_FLAG]);
    let two = Gateway::start(&[SECRET_FLAG]);
    let _pusher = PusherApi::start(&[&one, &two], &[SECRET_FLAG]);
    let _clients: Vec<_> =
        (0..50).map(|number| Tcp::join(&one, format!("u{number}").as_str())).collect();
    await_others(&one, 1);
    assert_eq!(rebalance(&one, &json!({ "share": 1, "rate": 1 })).0, 202);
    assert_eq!(one.metrics().get("holdfast_rebalancing"), 1.0);
    let stopped = Http::with_key(one.operators, SECRET).delete("/v1/rebalance");
    assert_eq!((stopped.status, stopped.json()["state"].as_str()), (200, Some("stopped")));
    assert_eq!(rebalance(&one, &json!({ "share": 0.02, "rate": 9 })).0, 202, "another may begin");
    assert_eq!(ended(&one)["state"], "done");
}

#[test]
fn orders_are_taken_from_who_shows_a_key_and_say_what_is_wrong() {
    let gateway = Gateway::start(&[SECRET_FLAG, "--operators-key=a key of operators"]);
    let post = |key: &str, body: &str| {
        let operator = Http::with_key(gateway.operators, key);
        operator.post("/v1/rebalance", "application/json", body)
    };
    for key in ["another", "", "a key of operator"] {
        let answer = post(key, r#"{"share":0.1}"#);
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")));
    }
    for key in [SECRET, "a key of operators"] {
        assert_eq!(post(key, r#"{"share":0.1}"#).status, 503, "nobody tells of others");
        for (body, status, pointer) in [
            ("nonsense", 400, None),
            (r#"{"share":0}"#, 422, Some("/share")),
            (r#"{"share":0.1,"rate":0}"#, 422, Some("/rate")),
            (r#"{"share":0.1,"speed":1}"#, 422, Some("/speed")),
        ] {
            let answer = post(key, body);
            assert_eq!(answer.header("content-type"), Some("application/problem+json"));
            let problem = answer.json();
            assert_eq!(
                (answer.status, problem["pointer"].as_str()),
                (status, pointer),
                "{problem}"
            );
        }
        assert_eq!(post(key, &" ".repeat(5000)).status, 413);
    }
    assert_eq!(gateway.get("/v1/rebalance").json()["state"], "none", "everybody may look");
    let put = Http::new(gateway.operators).put("/v1/rebalance");
    assert_eq!((put.status, put.header("allow")), (405, Some("GET, HEAD, POST, DELETE")));
    // Where there is no key, no page can give orders.
    let open = Gateway::start(&["--development"]);
    let anybody = Http::new(open.operators);
    assert_eq!(anybody.post("/v1/rebalance", "text/plain", r#"{"share":0.1}"#).status, 415);
    assert_eq!(anybody.post("/v1/rebalance", "application/json", r#"{"share":0.1}"#).status, 503);
}
