//! This program's own clients, at servers inside TLS.

use std::fs;

use serde_json::{Value, json};

use super::refs;
use crate::harness::{
    Gateway, Process, PusherApi, eventually, files::TestDirectory, tls::link_flag,
};

/// A gateway that takes clients inside TLS with this certificate, and the URLs of its transports.
fn encrypted(certificate: &str) -> (Gateway, [String; 4]) {
    let cert = link_flag("tls-cert", &format!("{certificate}.pem"));
    let key = link_flag("tls-key", &format!("{certificate}.key.pem"));
    let listen = ["--tls-listen=127.0.0.1:0", "--tls-listen-tcp=127.0.0.1:0"];
    let gateway = Gateway::start(&[listen[0], listen[1], &cert, &key]);
    let [http, tcp] = gateway.tls.unwrap().map(|address| address.port());
    let urls = [
        format!("wss://localhost:{http}"),
        format!("tcps://localhost:{tcp}"),
        format!("https://localhost:{http}"),
        format!("https://localhost:{http}/v1/poll"),
    ];
    (gateway, urls)
}

fn listen(flags: &[String]) -> Process {
    Process::start(&[&["listen".to_owned(), "--user=u".to_owned()], flags].concat())
}

fn believing() -> String {
    link_flag("tls-ca", "authority.pem")
}

#[test]
fn listen_hears_and_speaks_over_every_transport() {
    let (gateway, targets) = encrypted("gateway");
    let pusher = PusherApi::start(&[&gateway], &[]);
    for target in targets {
        let flags = [format!("--target={target}"), believing(), "--topic=news".to_owned()];
        let listening = listen(&flags);
        let heard = |what: &str| {
            eventually(&format!("{target}: {what}"), || {
                let lines = listening.output();
                lines.iter().any(|line| line.contains(what)).then_some(())
            });
        };
        heard("hello u");
        // That it is subscribed it has asked for itself.
        heard("subscribed");
        pusher.client.push(&json!({ "to": { "topic": "news" }, "data": target }));
        heard(&target);
        let large = "y".repeat(60_000);
        pusher.client.push(&json!({ "to": { "user": "u" }, "data": large }));
        heard(&large);
    }
}

#[test]
fn listen_ends_where_the_server_is_not_the_one_that_is_meant() {
    let (_gateway, [good, ..]) = encrypted("gateway");
    let (_other, [stranger, ..]) = encrypted("stranger");
    let other_name = "--tls-name=example.com".to_owned();
    for (flags, words) in [
        (vec![format!("--target={stranger}"), believing()], "--tls-ca"),
        (vec![format!("--target={good}"), believing(), other_name], "--tls-name"),
    ] {
        let mut listening = listen(&flags);
        assert_eq!(listening.wait().code(), Some(1), "{flags:?}: {:?}", listening.log());
        let log = listening.log();
        assert!(log.iter().any(|line| line.contains(words)), "{flags:?}: {log:?}");
    }
    let insecure = listen(&[format!("--target={stranger}"), "--tls-insecure".to_owned()]);
    eventually("it takes anybody", || {
        insecure.output().iter().any(|line| line.contains("hello u")).then_some(())
    });
}

/// Runs stress, and returns its report.
fn stress(flags: &[&str]) -> (Option<i32>, Value, String) {
    let folder = TestDirectory::new("stress");
    fs::create_dir_all(folder.path()).unwrap();
    let json = folder.path().join("report.json");
    let json_flag = format!("--json={}", json.display());
    let arguments = [&["stress"], flags, &[&json_flag]].concat();
    let mut process =
        Process::start(&arguments.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>());
    let code = process.wait().code();
    let report = fs::read(json).map(|text| serde_json::from_slice(&text).unwrap());
    let told = [process.output(), process.log()].concat().join("\n");
    (code, report.unwrap_or_default(), told)
}

#[test]
fn stress_holds_sessions_of_every_transport() {
    let (gateway, targets) = encrypted("gateway");
    let pusher = PusherApi::start(&[&gateway], &[]);
    let targets = targets.map(|target| format!("--target={target}"));
    let api = format!("--api=http://{}", pusher.address);
    let flags = [&["push".to_owned()], &targets[..], &[believing(), api]].concat();
    let more =
        "--sessions=40 --processes=2 --phase=batch:400 --phase=all:3 --tls-resume --concurrency=4";
    let more: Vec<_> = more.split(' ').collect();
    let (code, report, told) = stress(&[&refs(&flags)[..], &more].concat());
    assert_eq!(code, Some(0), "{told}");
    let sessions = &report["sessions"];
    assert_eq!((&sessions["held_to_end"], &sessions["alive"]), (&json!(40), &json!(40)), "{told}");
    assert_eq!(report["received"]["arrived"], 400 + 120, "{told}");
    assert_eq!(sessions["tls_handshakes"], 40, "{told}");
    assert!(sessions["tls_resumed"].as_u64().unwrap() > 0, "{told}");
}

#[test]
fn a_storm_comes_back_with_whole_handshakes_unless_it_may_resume() {
    let (_gateway, [target, ..]) = encrypted("gateway");
    let target = format!("--target={target}");
    let ca = believing();
    let storm =
        ["storm", &target, &ca, "--sessions=30", "--drop=10", "--hold=100ms", "--settle=100ms"];
    let (code, report, told) = stress(&storm);
    assert_eq!(code, Some(0), "{told}");
    let sessions = &report["sessions"];
    let found = (&sessions["tls_handshakes"], &sessions["tls_resumed"]);
    assert_eq!(found, (&json!(40), &json!(0)), "{told}");
}

#[test]
fn stress_says_why_no_session_could_be_opened() {
    let (_gateway, [stranger, ..]) = encrypted("stranger");
    let target = format!("--target={stranger}");
    let (code, _, told) = stress(&["idle", &target, &believing(), "--sessions=3", "--hold=0s"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(told.contains("TLS: nobody who is believed"), "{told}");
    assert!(told.contains("--tls-ca"), "{told}");
    let missing = link_flag("tls-ca", "none.pem");
    let (code, _, told) = stress(&["idle", &target, &missing, "--sessions=3"]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("--tls-ca") && told.contains("none.pem"), "{told}");
}
