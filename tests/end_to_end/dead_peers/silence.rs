//! Clients that are gone or stand still while the connection lives.

use serde_json::json;

use super::{await_offline, ended, expect_behind_pings, is_online, join_by, mute::Mute, stream};
use crate::harness::{
    Client, Event, Gateway, Http, Process, Sse, Tcp, WebSocket, eventually, pair,
};

const PINGS: &str = "--ping-interval=1s";
const LASTING: &str = "--sse-age=1h";

/// `holdfast listen`, when it has been let in.
fn listen(gateway: &Gateway, scheme: &str, user: &str) -> Process {
    let address = if scheme == "tcp" { gateway.tcp } else { gateway.http };
    let target = format!("--target={scheme}://{address}");
    let arguments = ["listen", &target, &format!("--user={user}"), "--json"].map(str::to_owned);
    let listening = Process::start(&arguments);
    let is_greeted = || listening.output().iter().any(|line| line.contains("hello")).then_some(());
    eventually("holdfast listen is let in", is_greeted);
    listening
}

#[test]
fn a_stopped_process_that_answered_pings_is_found_out() {
    let (gateway, pusher) = pair(&[PINGS, LASTING, "--close-timeout=200ms"]);
    let processes = [("ws", "a"), ("tcp", "b"), ("http", "c")]
        .map(|(scheme, user)| listen(&gateway, scheme, user));
    let mut silent = stream(gateway.http, &gateway, "silent");
    // They answer: several times as long as it takes to find out who does not.
    for _ in 0..4 {
        assert!(matches!(silent.next(), Event::Frame(frame) if frame["type"] == "ping"));
    }
    assert_eq!(ended(&gateway), []);
    let stopped = processes.each_ref().map(Process::stopped);
    await_offline(&pusher, &["a", "b", "c"]);
    assert_eq!(ended(&gateway), [("ping_timeout", 3)]);
    assert!(is_online(&pusher, "silent"));
    drop(stopped);
    // They come back when they go on.
    for user in ["a", "b", "c"] {
        eventually("it has come back", || is_online(&pusher, user).then_some(()));
    }
}

#[test]
fn a_stream_that_nobody_reads_ends_with_its_age_and_its_client_comes_back() {
    let (gateway, pusher) = pair(&[PINGS, "--sse-age=4s", "--close-timeout=200ms"]);
    let _unread = stream(gateway.http, &gateway, "unread");
    let mut read = stream(gateway.http, &gateway, "read");
    assert!(expect_behind_pings(&mut read, "bye") >= 2, "no ping ends it");
    await_offline(&pusher, &["unread", "read"]);
    assert_eq!(ended(&gateway), [("draining", 2)]);
}

#[test]
fn behind_a_proxy_that_stays_those_are_found_out_that_answer_pings() {
    let (gateway, pusher) = pair(&[PINGS, "--sse-age=8s", "--close-timeout=200ms"]);
    let (http, tcp) = (Mute::before(gateway.http, 3), Mute::before(gateway.tcp, 1));
    let web_socket = join_by::<WebSocket>(http.address, &gateway, "ws");
    let line = join_by::<Tcp>(tcp.address, &gateway, "tcp");
    let silent = join_by::<Sse>(http.address, &gateway, "silent");
    let answering = join_by::<Sse>(http.address, &gateway, "answering");
    let path =
        format!("/v1/frames?user=answering&session={}", answering.1["session"].as_str().unwrap());
    let pong = json!({ "type": "pong" }).to_string();
    assert_eq!(Http::new(gateway.http).post(&path, "text/plain", &pong).status, 204);
    drop((web_socket, line, silent, answering));
    await_offline(&pusher, &["ws", "tcp", "answering", "silent"]);
    assert_eq!(ended(&gateway), [("ping_timeout", 3), ("draining", 1)]);
}
