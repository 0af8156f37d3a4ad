//! API keys and link secrets that change while a pusher-api runs.

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{
    Client, Gateway, Http, PusherApi, Tcp, eventually, files::TestFile, metrics::Metrics,
};

fn push_status(backend: &Http) -> u16 {
    let push = json!({ "to": { "user": "u" }, "data": 1 });
    backend.post("/v1/push", "application/json", &push.to_string()).status
}

fn await_status(backend: &Http, status: u16) {
    eventually(&format!("{status}"), || (push_status(backend) == status).then_some(()));
}

fn metric(pusher: &PusherApi, name: &str) -> f64 {
    Metrics::parse(&pusher.client.get("/metrics").text).get(name)
}

fn reloads(pusher: &PusherApi, result: &str) -> f64 {
    let labels = format!(r#"{{result="{result}",source="files"}}"#);
    metric(pusher, &format!("holdfast_pusher_key_reloads_total{labels}"))
}

#[test]
fn a_key_that_was_taken_out_of_its_file_is_refused() {
    let gateway = Gateway::start(&[]);
    let file = TestFile::new("api-keys", "shop:push:old\nwatch:read:reader\n");
    let flag = file.flag("api-key-file");
    let mut pusher = PusherApi::start(&[&gateway], &["--api-key=fixed", &flag]);
    let [old, new, reader, fixed] =
        ["old", "new", "reader", "fixed"].map(|key| Http::with_key(pusher.address, key));
    assert_eq!([&old, &new, &reader, &fixed].map(push_status), [202, 401, 403, 202]);
    assert_eq!(metric(&pusher, "holdfast_pusher_keys"), 3.0);

    file.write("shop:push:new\n");
    await_status(&new, 202);
    // On the connections that they have used before.
    assert_eq!([&old, &reader, &fixed].map(push_status), [401, 401, 202]);
    assert_eq!(metric(&pusher, "holdfast_pusher_keys"), 2.0);

    // A bad one changes nothing, and is named.
    file.write("shop:pusj:old\n");
    eventually("it is refused", || (reloads(&pusher, "failed") > 0.0).then_some(()));
    assert_eq!([&old, &new, &fixed].map(push_status), [401, 202, 202]);
    let path = flag.split_once('=').unwrap().1.to_owned();
    pusher.process.find_in_log("which file is wrong", |line| {
        let is_named = line.contains("--api-key-file") && line.contains(&path);
        (is_named && line.contains("ERROR") && !line.contains("shop:pusj:old")).then_some(())
    });

    file.write("shop:push:old\n");
    await_status(&old, 202);
    assert_eq!([&new, &fixed].map(push_status), [401, 202]);
}

#[test]
fn a_hang_up_reads_api_keys_again_and_ends_nothing() {
    let gateway = Gateway::start(&[]);
    let file = TestFile::new("api-keys", "key");
    let pusher = PusherApi::start(&[&gateway], &[&file.flag("api-key-file")]);
    let before = reloads(&pusher, "ok");
    pusher.process.signal(Signal::HUP);
    eventually("they are read", || (reloads(&pusher, "ok") > before).then_some(()));
    assert_eq!(push_status(&Http::with_key(pusher.address, "key")), 202);
    assert_eq!(metric(&pusher, "holdfast_pusher_link_losses_total"), 0.0);
}

#[test]
fn a_link_secret_is_replaced_without_a_restart() {
    let [of_gateway, of_pusher] =
        ["at-gateway", "at-pusher"].map(|name| TestFile::new(name, "old"));
    let mut gateway = Gateway::start(&[&of_gateway.flag("link-secret-file")]);
    let pusher = PusherApi::start(&[&gateway], &[&of_pusher.flag("link-secret-file")]);
    let gateway_read = |gateway: &Gateway| {
        gateway.metrics().get(r#"holdfast_key_reloads_total{result="ok",source="files"}"#)
    };
    of_gateway.write("new\nold\n");
    eventually("the gateway takes both", || (gateway_read(&gateway) > 0.0).then_some(()));
    of_pusher.write("new\n");
    eventually("pusher-api has the new one", || (reloads(&pusher, "ok") > 0.0).then_some(()));
    of_gateway.write("new\n");
    eventually("the old one is forgotten", || (gateway_read(&gateway) > 1.0).then_some(()));
    assert_eq!(metric(&pusher, "holdfast_pusher_link_losses_total"), 0.0, "the link goes on");
    gateway.restart();
    gateway.await_metric("holdfast_links", 1.0);
    pusher.await_ready();
    let mut client = Tcp::join(&gateway, "u");
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(receipt["online"], true, "{receipt}");
    client.expect("push");
}

#[test]
fn a_wrong_link_secret_is_mended_without_a_restart() {
    let gateway = Gateway::start(&["--link-secret=right"]);
    let file = TestFile::new("link-secret", "wrong");
    let mut pusher = PusherApi::start_unready(&[&gateway], &[&file.flag("link-secret-file")]);
    pusher.process.find_in_log("why there is no link", |line| {
        (line.contains("gateway not connected") && line.contains("secret")).then_some(())
    });
    file.write("right");
    pusher.await_ready();
    assert_eq!(gateway.metrics().get("holdfast_links"), 1.0);
}
