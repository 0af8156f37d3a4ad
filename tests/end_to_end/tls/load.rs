//! The load client, at servers inside TLS.

use std::fs;

use serde_json::{Value, json};

use super::{
    backends::tls_address,
    certified_pair_with,
    commands::{believing, encrypted},
    listener_flags, refs,
};
use crate::harness::{Process, PusherApi, files::TestDirectory, tls::link_flag};

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

#[test]
fn pushes_samples_and_probes_go_inside_tls_too() {
    let listen = listener_flags();
    let (gateway, mut pusher) = certified_pair_with(
        &[&refs(&listen)[..], &["--tls-listen-tcp=127.0.0.1:0", "--echo"]].concat(),
        &refs(&listen),
    );
    let [http, tcp] = gateway.tls.unwrap().map(|address| address.port());
    let flags = [
        format!("--target=wss://localhost:{http}"),
        format!("--target=tcps://localhost:{tcp}"),
        format!("--api=https://localhost:{}", tls_address(&mut pusher).port()),
        format!("--operators=https://localhost:{}", gateway.operators.port()),
        believing(),
        "--sessions=20".to_owned(),
        "--sample=100ms".to_owned(),
    ];
    let flags = refs(&flags);
    for more in [
        &["--phase=batch:400", "--phase=single:40", "--push-connections=3"][..],
        // Several records a request.
        &["--payload=20KiB", "--push-total=60", "--batch-size=20"],
    ] {
        let (code, report, told) = stress(&[&["push"], &flags[..], more].concat());
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(report["pushes"]["missing"], 0, "{told}");
        assert!(report["memory"]["gateway_sessions"].is_u64(), "{told}");
    }
    let probe = ["--probe-rate=50", "--hold=500ms", "--broadcast-every=100ms"];
    let (code, report, told) = stress(&[&["probe"], &flags[..], &probe].concat());
    assert_eq!(code, Some(0), "{told}");
    let probes = report["probes"].as_array().unwrap();
    let what: Vec<_> = probes.iter().map(|probe| probe["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["connect", "echo", "http", "operators", "pusher-api"], "{told}");
    for probe in probes {
        assert!(probe["sent"].as_u64() > Some(0) && probe["lost"] == 0, "{probe}: {told}");
        assert!(probe["latency"].is_object(), "{probe}: {told}");
    }
    assert!(report["pushes"]["accepted"].as_u64() > Some(0), "{told}");
}

#[test]
fn who_is_not_believed_gets_no_pushes_and_is_not_watched() {
    let listen = listener_flags();
    let (gateway, mut pusher) = certified_pair_with(&[], &refs(&listen));
    let target = format!("--target=tcp://{}", gateway.tcp);
    let api = format!("--api=https://localhost:{}", tls_address(&mut pusher).port());
    let stranger = link_flag("tls-ca", "other-authority.pem");
    let push = ["push", &target, &api, &stranger, "--sessions=2", "--push-total=5"];
    let (code, report, told) = stress(&push);
    assert_eq!(code, Some(1), "{told}");
    assert_eq!(report["pushes"]["accepted"], 0, "{told}");
    assert!(told.contains("TLS: nobody who is believed"), "{told}");
    let operators = format!("--operators=https://localhost:{}", gateway.operators.port());
    let (code, _, told) = stress(&["idle", &target, &operators, &stranger]);
    assert_eq!(code, Some(2), "{told}");
    assert!(told.contains("--operators"), "{told}");
}
