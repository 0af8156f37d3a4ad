//! HTTP/2 in front is HTTP/1.1 behind: streams of events, polls and pushes through real proxies.

use serde_json::{Value, json};

use crate::harness::{Process, PusherApi, eventually, files::TestFile, pair};

use super::{
    address_of,
    programs::{Proxy, caddy, curl, haproxy, nginx},
    real::{CLIENT, PINGS, TRUSTED},
};

/// The first event of a type that curl has printed, if it has.
fn event(stream: &Process, kind: &str) -> Option<Value> {
    let lines = stream.output();
    let data = lines.iter().filter_map(|line| line.strip_prefix("data: "));
    let mut frames = data.map(|data| serde_json::from_str::<Value>(data).unwrap());
    frames.find(|frame| frame["type"] == kind)
}

/// What a request that ends is answered over HTTP/2: the body, which is one line, and the status.
fn answer(test: &str, arguments: &[&str]) -> Option<(Value, String)> {
    let more = [&["--write-out", "\\n%{http_version} %{http_code}\\n"], arguments].concat();
    let mut asked = curl(test, CLIENT, &more)?;
    assert!(asked.wait().success(), "{:?}", asked.log());
    let said = asked.output();
    let [body @ .., last] = said.as_slice() else { panic!("nothing is said: {said:?}") };
    let status = last.strip_prefix("2 ").unwrap_or_else(|| panic!("not HTTP/2: {said:?}"));
    Some((serde_json::from_str(&body.concat()).unwrap(), status.to_owned()))
}

/// A stream of events, a poll, a push and a batch.
fn speaks_http_2(test: &str, pusher: &PusherApi, proxy: &Proxy, by_header: bool) -> Option<()> {
    let there = |path: &str| format!("https://localhost:{}{path}", proxy.tls.port());
    let stream = curl(test, CLIENT, &[&there("/v1/sse?user=s")])?;
    eventually("hello comes", || event(&stream, "hello"));
    let address = address_of(pusher, "s");
    match by_header {
        true => assert!(address.starts_with(&format!("{CLIENT}:")), "{address}"),
        false => assert_eq!(address, CLIENT),
    }
    let push = json!({ "to": { "user": "s" }, "data": 7 }).to_string();
    let body = ["--header", "content-type: application/json", "--data", &push];
    let (taken, status) = answer(test, &[&body[..], &[&there("/v1/push?receipt=5s")]].concat())?;
    assert_eq!((status.as_str(), &taken["sessions"][0]["outcome"]), ("200", &json!("written")));
    assert_eq!(eventually("a push comes", || event(&stream, "push"))["data"], 7);
    let (polled, status) = answer(test, &[&there("/v1/poll?user=p")])?;
    assert_eq!((status.as_str(), &polled["frames"][0]["type"]), ("200", &json!("hello")));
    let lines = TestFile::new("lines", &format!("{push}\n").repeat(1000));
    let file = format!("@{}", lines.path().display());
    let body = ["--header", "content-type: application/x-ndjson", "--data-binary", &file];
    let (taken, status) = answer(test, &[&body[..], &[&there("/v1/push/batch")]].concat())?;
    assert_eq!((status.as_str(), &taken["accepted"]), ("200", &json!(1000)), "{taken}");
    Some(())
}

/// With a gateway of its own, that takes headers or none.
fn through(
    test: &str,
    by_header: bool,
    start: impl FnOnce(&crate::harness::Gateway, &PusherApi) -> Option<Proxy>,
) {
    let header = if by_header { "--proxy-protocol" } else { "--proxy-protocol=none" };
    let (gateway, pusher) = pair(&[TRUSTED, PINGS, "--poll-grace=1h", header]);
    if let Some(proxy) = start(&gateway, &pusher) {
        speaks_http_2(test, &pusher, &proxy, by_header);
    }
}

#[test]
fn nginx_speaks_http_2() {
    let name = "nginx_speaks_http_2";
    through(name, false, |gateway, pusher| nginx(name, gateway, pusher));
}

#[test]
fn caddy_speaks_http_2() {
    let name = "caddy_speaks_http_2";
    through(name, false, |gateway, pusher| caddy(name, gateway, pusher));
}

#[test]
fn haproxy_speaks_http_2() {
    let name = "haproxy_speaks_http_2";
    for by_header in [false, true] {
        through(name, by_header, |gateway, pusher| haproxy(name, gateway, pusher, by_header));
    }
}
