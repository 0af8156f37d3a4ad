//! Keys that change while gateways run.

use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::harness::{
    Client, Gateway, Process, Tcp, Who,
    client::Refused,
    eventually,
    files::TestFile,
    key_server::{KeyServer, accepts_nobody, has_come},
    process::BINARY,
    servers::arguments,
    tokens::{SECRET, in_seconds, key_file, sign, sign_with_key},
};

fn claims() -> Value {
    json!({ "sub": "u", "exp": in_seconds(3600) })
}

fn is_taken(gateway: &Gateway, token: &str) -> bool {
    match Tcp::open(gateway, Who::Token(token.to_owned())) {
        Ok(_) => true,
        Err(Refused::Reason(reason)) if reason == "unauthorized" => false,
        Err(other) => panic!("{other:?}"),
    }
}

fn await_taken(gateway: &Gateway, token: &str, taken: bool) {
    eventually(&format!("taken is {taken}"), || (is_taken(gateway, token) == taken).then_some(()));
}

/// The test's key set with the key of this kind only.
fn set_of(kind: &str) -> String {
    let set: Value =
        serde_json::from_str(&std::fs::read_to_string(key_file("jwks.json")).unwrap()).unwrap();
    let of_kind = |key: &&Value| key["kid"] == kind;
    let keys: Vec<_> = set["keys"].as_array().unwrap().iter().filter(of_kind).collect();
    json!({ "keys": keys }).to_string()
}

fn reloads(gateway: &Gateway, source: &str, result: &str) -> f64 {
    let metrics = gateway.metrics();
    metrics.get(&format!(r#"holdfast_key_reloads_total{{result="{result}",source="{source}"}}"#))
}

#[test]
fn changed_files_are_read_again_and_who_is_there_stays() {
    let other = "another secret, of more than thirty-two bytes";
    let (old, new) = (sign(&claims(), SECRET), sign(&claims(), other));
    let secret = TestFile::new("secret", SECRET);
    let public = std::fs::read_to_string(key_file("ec.public.pem")).unwrap();
    let key = TestFile::new("public.pem", &public);
    let signed = sign_with_key(&claims(), "ec", None);
    let flags = [secret.flag("jwt-secret-file"), key.flag("jwt-public-key")];
    let gateway = Gateway::start(&[&flags[0], &flags[1]]);
    let mut there = Tcp::join(&gateway, Who::Token(old.clone()));
    assert!(is_taken(&gateway, &signed), "so that it is remembered");

    secret.write(other);
    await_taken(&gateway, &new, true);
    assert!(!is_taken(&gateway, &old) && is_taken(&gateway, &signed));

    // A bad one changes nothing, however often it is read.
    key.write("-----BEGIN PUBLIC KEY-----\nnothing\n-----END PUBLIC KEY-----\n");
    eventually("it is refused", || (reloads(&gateway, "files", "failed") > 0.0).then_some(()));
    assert!(is_taken(&gateway, &new) && is_taken(&gateway, &signed));
    let named = |line: &String| line.contains("--jwt-public-key") && line.contains("ERROR");
    assert!(gateway.process.log().iter().any(named));

    key.write(&std::fs::read_to_string(key_file("ed.public.pem")).unwrap());
    await_taken(&gateway, &sign_with_key(&claims(), "ed", None), true);
    assert!(!is_taken(&gateway, &signed), "although it was remembered");
    there.expect_alive();
}

#[test]
fn a_hang_up_reads_keys_again_and_ends_nothing() {
    let gateway = Gateway::start(&[&format!("--jwks={}", key_file("jwks.json"))]);
    let mut there = Tcp::join(&gateway, Who::Token(sign_with_key(&claims(), "ec", Some("ec"))));
    let before = reloads(&gateway, "files", "ok");
    gateway.process.signal(Signal::HUP);
    eventually("they are read", || (reloads(&gateway, "files", "ok") > before).then_some(()));
    there.expect_alive();
}

#[test]
fn a_key_set_is_fetched_and_a_new_key_is_found_by_its_id() {
    let server = KeyServer::start(&set_of("ec"));
    let gateway = Gateway::start(&[&server.flag()]);
    assert!(is_taken(&gateway, &sign_with_key(&claims(), "ec", Some("ec"))));
    assert_eq!(server.requests(), 1);
    server.set(&set_of("ed"));
    await_taken(&gateway, &sign_with_key(&claims(), "ed", Some("ed")), true);
    assert_eq!(server.requests(), 2);
    // For 30 s it is not asked again for a key that is not known, whoever asks.
    server.set(&set_of("rsa"));
    for id in 0..50 {
        assert!(!is_taken(&gateway, &sign_with_key(&claims(), "ed", Some(&id.to_string()))));
    }
    assert_eq!(server.requests(), 2);
    gateway.process.signal(Signal::HUP);
    await_taken(&gateway, &sign_with_key(&claims(), "rsa", Some("rsa")), true);
    assert_eq!(server.requests(), 3);
    // What cannot be used leaves what is there.
    for (number, bad) in [
        "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"keys\":[]}".to_owned(),
        "HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{}", " ".repeat(300 << 10)),
    ]
    .into_iter()
    .enumerate()
    {
        server.answer(bad);
        gateway.process.signal(Signal::HUP);
        eventually("it is refused", || {
            (reloads(&gateway, "url", "failed") > number as f64).then_some(())
        });
        assert!(is_taken(&gateway, &sign_with_key(&claims(), "rsa", Some("rsa"))));
    }
}

#[test]
fn a_key_set_is_fetched_as_often_as_is_set() {
    let server = KeyServer::start(&set_of("ec"));
    let gateway = Gateway::start(&[&server.flag(), "--jwks-refresh=1s"]);
    server.set(&set_of("ed"));
    await_taken(&gateway, &sign_with_key(&claims(), "ed", Some("ed")), true);
    assert!(!is_taken(&gateway, &sign_with_key(&claims(), "ec", Some("ec"))));
}

#[test]
fn a_redirect_to_another_host_is_not_followed() {
    let (elsewhere, address) = accepts_nobody();
    let server = KeyServer::start("");
    server.answer(format!(
        "HTTP/1.1 302 Found\r\nlocation: http://{address}/keys\r\ncontent-length: 0\r\n\r\n"
    ));
    let mut gateway = Gateway::start(&[&server.flag()]);
    gateway.process.find_in_log("why there are no keys", |line| {
        line.contains("it redirects to another host").then_some(())
    });
    assert!(!has_come(&elsewhere));
    let ready = gateway.get("/readyz");
    assert!(ready.status == 503 && ready.text.contains("keys"), "{ready:?}");
}

#[test]
fn a_key_set_is_fetched_over_tls_from_whom_the_system_trusts() {
    let server = KeyServer::start_tls(&set_of("ec"));
    let url = format!("--jwks=https://localhost:{}/keys", server.address.port());
    let token = sign_with_key(&claims(), "ec", Some("ec"));
    for (trusted, taken) in [("tls.certificate.pem", true), ("ec.certificate.pem", false)] {
        let any = "127.0.0.1:0".parse().unwrap();
        let flags = vec![url.clone()];
        let mut command = Command::new(BINARY);
        command.args(arguments([any; 3], &flags)).env("SSL_CERT_FILE", key_file(trusted));
        let gateway = Gateway::listen([any; 3], flags, Process::spawn(command));
        assert_eq!(is_taken(&gateway, &token), taken, "{trusted}");
    }
}
