//! `holdfast listen`: what arrives is seen, and it comes back where it may.

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Gateway, Process, PusherApi, eventually, pair, tokens};

fn listen(flags: &[&str]) -> Process {
    let flags = ["listen"].iter().chain(flags).map(|flag| (*flag).to_owned());
    Process::start(&flags.collect::<Vec<_>>())
}

fn targets(gateway: &Gateway) -> [String; 4] {
    [
        format!("--target=ws://{}/v1/ws", gateway.http),
        format!("--target=tcp://{}", gateway.tcp),
        format!("--target=http://{}", gateway.http),
        format!("--target=http://{}/v1/poll", gateway.http),
    ]
}

/// Waits until it has its hello, which stands on stdout.
fn await_hello(process: &Process, count: usize) {
    eventually("its hello", || {
        let output = process.output();
        let hellos = output.iter().filter(|line| line.starts_with("hello ")).count();
        (hellos >= count).then_some(())
    });
}

#[test]
fn a_push_is_seen_over_every_transport() {
    let (gateway, pusher) = pair(&[]);
    for target in targets(&gateway) {
        let mut shown = listen(&["--user=demo", &target, "--topic=news,sport"]);
        let mut raw = listen(&["--user=raw", &target, "--json"]);
        await_hello(&shown, 1);
        eventually("the raw hello", || raw.output().first().cloned());
        pusher.client.push(&json!({ "to": { "user": "demo" }, "data": { "text": "hello" } }));
        pusher.client.push(&json!({ "to": { "user": "raw" }, "data": [1] }));
        eventually("the push", || {
            shown.output().contains(&"push {\"text\":\"hello\"}".to_owned()).then_some(())
        });
        // A subscription takes effect a moment after it was asked for.
        eventually("the topic's push", || {
            pusher.client.push(&json!({ "to": { "topic": "sport" }, "data": "goal" }));
            shown.output().contains(&"push (topic sport) \"goal\"".to_owned()).then_some(())
        });
        let frame = eventually("the raw push", || raw.output().get(1).cloned());
        let frame: serde_json::Value = serde_json::from_str(&frame).unwrap();
        assert_eq!((&frame["type"], &frame["data"]), (&json!("push"), &json!([1])));
        for (process, signal) in [(&mut shown, Signal::INT), (&mut raw, Signal::TERM)] {
            process.signal(signal);
            assert_eq!(process.wait().code(), Some(0), "{:?}", process.log());
        }
    }
}

#[test]
fn it_comes_back_when_told_to_and_not_otherwise() {
    let mut gateway = Gateway::start(&["--drain=0s"]);
    let pusher = PusherApi::start(&[&gateway], &[]);
    for target in targets(&gateway) {
        let mut process = listen(&["--user=demo", &target]);
        await_hello(&process, 1);
        gateway.terminate();
        assert!(gateway.wait().success());
        process.find_in_log("why it was closed", |line| {
            line.starts_with("closed: draining; back in ").then_some(())
        });
        gateway.restart();
        await_hello(&process, 2);
        let output = process.output();
        assert!(output.iter().any(|line| line.starts_with("bye draining (retry in")), "{output:?}");
        pusher.await_ready();
        eventually("a backend closes it", || {
            pusher.client.delete("/v1/users/demo/sessions");
            let log = process.log();
            log.contains(&"closed: disconnected; not coming back".to_owned()).then_some(())
        });
        assert_eq!(process.wait().code(), Some(1));
    }
}

#[test]
fn a_token_of_a_file_opens_a_session_and_a_wrong_one_does_not() {
    let gateway = Gateway::start(&[&tokens::secret_flag()]);
    let file = std::env::temp_dir().join(format!("holdfast-token-{}", std::process::id()));
    for target in targets(&gateway) {
        std::fs::write(&file, tokens::token("somebody") + "\n").unwrap();
        let from_file = format!("--token-file={}", file.display());
        let mut process = listen(&[&from_file, &target]);
        await_hello(&process, 1);
        assert!(process.output()[0].starts_with("hello somebody "), "{:?}", process.output());
        process.signal(Signal::INT);
        assert_eq!(process.wait().code(), Some(0));
        let mut wrong = listen(&["--token=wrong", &target]);
        assert_eq!(wrong.wait().code(), Some(1), "{:?}", wrong.log());
        let log = wrong.log().join("\n");
        let named = log.contains("401") || log.contains("unauthorized");
        assert!(named && log.contains("not coming back"), "{log}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn a_server_that_is_not_there_yet_is_waited_for() {
    let mut gateway = Gateway::start(&[]);
    gateway.process.kill();
    let mut process = listen(&["--user=demo", &targets(&gateway)[0]]);
    process.find_in_log("that nobody is there", |line| {
        (line.contains("cannot connect to ws://") && line.contains("back in")).then_some(())
    });
    gateway.restart();
    await_hello(&process, 1);
}

#[test]
fn it_can_be_ended_while_it_waits_for_a_server() {
    let mut gateway = Gateway::start(&[]);
    gateway.process.kill();
    for signal in [Signal::INT, Signal::TERM] {
        let mut process = listen(&["--user=demo", &targets(&gateway)[1]]);
        process.find_in_log("that nobody is there", |line| {
            line.contains("cannot connect to tcp://").then_some(())
        });
        process.signal(signal);
        assert_eq!(process.wait().code(), Some(0), "{:?}", process.log().len());
    }
}

#[test]
fn wrong_flags_are_refused_with_what_would_be_right() {
    for (flags, named) in [
        (&[][..], "--token-file"),
        (&["--user=a", "--target=ftp://127.0.0.1:1"], "wss://, tcps://, https:// for TLS"),
        (&["--user=a", "--target=wss://127.0.0.1:1", "--tls-ca=/none.pem"], "--tls-ca"),
        (&["--user=a", "--target=ws://127.0.0.1:1-2"], "one port"),
        (&["--user=a", "--token=b"], "--token"),
        (&["--token-file=/nonexistent"], "/nonexistent"),
    ] {
        let mut process = listen(flags);
        assert_eq!(process.wait().code(), Some(2), "{flags:?}");
        let log = process.log().join("\n");
        assert!(log.contains(named), "{flags:?}: {log}");
    }
}
