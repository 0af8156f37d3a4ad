//! TLS between gateways and pusher-apis.

use rustix::process::Signal;
use serde_json::json;

use super::{certified_pair, gateway_flag, local, refs};
use crate::harness::{
    Client, Gateway, Http, Process, PusherApi, Tcp, eventually,
    files::TestDirectory,
    tls::{Changing, certificate, connect, link_flag, link_flags},
};

#[test]
fn a_link_inside_mutual_tls_does_what_links_do() {
    let data = TestDirectory::new("tls");
    let (gateway, pusher) = certified_pair(&[&data.flag("data"), "--kept-bytes=10MiB"]);
    // What is kept is asked for by the gateway, and acknowledged.
    let kept = json!({ "to": { "user": "u" }, "data": "kept", "ttl": 60 });
    pusher.client.push(&kept);
    let mut client = Tcp::join(&gateway, "u");
    assert_eq!(client.expect("push")["data"], "kept");
    let receipt = pusher.client.push_with_receipt(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!((&receipt["complete"], &receipt["online"]), (&json!(true), &json!(true)));
    assert_eq!(client.expect("push")["data"], 1);
    // More than a record, and than a socket takes at once.
    let large = "x".repeat(60_000);
    let lines: Vec<_> = (0..20).map(|_| json!({ "to": { "user": "u" }, "data": large })).collect();
    let lines: Vec<_> = lines.iter().map(ToString::to_string).collect();
    assert_eq!(pusher.client.batch(lines.join("\n").as_bytes())["accepted"], 20);
    for _ in 0..20 {
        assert_eq!(client.expect("push")["data"].as_str().unwrap().len(), large.len());
    }
    let user = pusher.client.get("/v1/users/u").json();
    assert_eq!(user["sessions"].as_array().unwrap().len(), 1, "{user}");
    let closed = pusher.client.delete("/v1/users/u/sessions").json();
    assert_eq!(closed["closed"], 1, "{closed}");
    assert_eq!(client.expect("bye")["reason"], "disconnected");
    assert_eq!(pusher.metrics().get("holdfast_pusher_link_tls_failures_total"), 0.0);
}

/// A pusher-api with these flags that gets no link to a gateway, and why.
fn expect_failure(gateway: &Gateway, flags: &[String], cause: &str, words: &str) {
    let pusher = PusherApi::start_unready(&[], &refs(flags));
    let name = format!("holdfast_pusher_link_tls_failures_total{{cause=\"{cause}\"}}");
    eventually(&name, || (pusher.metrics().get(&name) >= 2.0).then_some(()));
    assert_eq!(pusher.client.get("/readyz").status, 503, "{cause}");
    let log = pusher.process.log();
    let told = |line: &String| line.contains("gateway not connected") && line.contains(words);
    assert!(log.iter().any(told), "{cause}: {log:?}");
    assert_eq!(gateway.metrics().get("holdfast_links"), 0.0, "{cause}");
}

#[test]
fn links_that_prove_nothing_are_not_taken_and_say_why() {
    let gateway = Gateway::start_at(local(), &refs(&link_flags("gateway", "authority")));
    let at = gateway_flag(&gateway);
    let ca = link_flag("link-tls-ca", "authority.pem");
    let with = |certificate: &str| {
        [&link_flags(certificate, "authority")[..], std::slice::from_ref(&at)].concat()
    };
    expect_failure(&gateway, &[ca, at.clone()], "no_certificate", "--link-tls-cert");
    expect_failure(&gateway, &with("stranger"), "refused", "--link-tls-ca");
    expect_failure(&gateway, &with("expired"), "refused", "does not believe");
    let other = [&link_flags("pusher-api", "other-authority")[..], &[at]].concat();
    expect_failure(&gateway, &other, "unknown_issuer", "--link-tls-ca");
    let metrics = gateway.metrics();
    for result in ["unknown_issuer", "expired", "refused"] {
        let name = format!("holdfast_operators_tls_handshakes_total{{result=\"{result}\"}}");
        assert!(metrics.get(&name) >= 1.0, "{result}");
    }
    let told = |line: &String| line.contains("a client's certificate is not taken");
    assert_eq!(
        gateway.process.log().iter().filter(|line| told(line)).count(),
        1,
        "a line a minute"
    );
}

#[test]
fn gateways_that_prove_nothing_are_not_linked() {
    let ours = |at: String| [&link_flags("pusher-api", "authority")[..], &[at]].concat();
    let expired = Gateway::start_at(local(), &refs(&link_flags("expired", "authority")));
    expect_failure(&expired, &ours(gateway_flag(&expired)), "expired", "has expired");
    let elsewhere = Gateway::start(&refs(&link_flags("gateway", "authority")));
    let named = ours(format!("--gateway=https://{}", elsewhere.operators));
    expect_failure(&elsewhere, &named, "wrong_name", "the host in --gateway");
    let plain = Gateway::start_at(local(), &[]);
    expect_failure(&plain, &ours(gateway_flag(&plain)), "not_tls", "does not speak TLS");
}

#[test]
fn certificates_are_read_again_and_links_stay() {
    let shown = [Changing::new("gateway.pem"), Changing::new("gateway.key.pem")];
    let flags = [
        shown[0].flag("link-tls-cert"),
        shown[1].flag("link-tls-key"),
        link_flag("link-tls-ca", "authority.pem"),
    ];
    let gateway = Gateway::start_at(local(), &refs(&flags));
    let ours = [Changing::new("pusher-api.pem"), Changing::new("pusher-api.key.pem")];
    let flags = [
        ours[0].flag("link-tls-cert"),
        ours[1].flag("link-tls-key"),
        link_flag("link-tls-ca", "authority.pem"),
        gateway_flag(&gateway),
    ];
    let pusher = PusherApi::start(&[], &refs(&flags));
    let mut client = Tcp::join(&gateway, "u");

    assert_eq!(connect(gateway.operators).1, certificate("gateway.pem"));
    shown[0].become_file("renewed.pem");
    shown[1].become_file("renewed.key.pem");
    eventually("the gateway shows the new one", || {
        (connect(gateway.operators).1 == certificate("renewed.pem")).then_some(())
    });
    shown[1].become_nonsense();
    let failed = r#"holdfast_key_reloads_total{result="failed",source="link_certificates"}"#;
    let before = gateway.metrics().get(failed);
    gateway.process.signal(Signal::HUP);
    eventually("it is refused", || (gateway.metrics().get(failed) > before).then_some(()));
    assert_eq!(connect(gateway.operators).1, certificate("renewed.pem"), "the last good one");

    let expiry = "holdfast_pusher_link_tls_certificate_expiry_timestamp_seconds";
    assert_eq!(pusher.metrics().get(expiry), 4_733_510_400.0);
    ours.iter().for_each(Changing::become_nonsense);
    pusher.process.signal(Signal::HUP);
    let failed = r#"holdfast_pusher_key_reloads_total{result="failed",source="link_certificates"}"#;
    eventually("it is refused", || (pusher.metrics().get(failed) > 0.0).then_some(()));
    ours[0].become_file("renewed.pem");
    ours[1].become_file("renewed.key.pem");
    assert_eq!(pusher.metrics().get(expiry), 4_733_510_400.0, "the last good one");
    let ok = r#"holdfast_pusher_key_reloads_total{result="ok",source="link_certificates"}"#;
    eventually("it is read", || (pusher.metrics().get(ok) > 0.0).then_some(()));

    pusher.client.push(&json!({ "to": { "user": "u" }, "data": 1 }));
    assert_eq!(client.expect("push")["data"], 1);
    assert_eq!(pusher.metrics().get("holdfast_pusher_link_losses_total"), 0.0);
    assert_eq!(gateway.metrics().get("holdfast_links"), 1.0);
}

#[test]
fn a_link_comes_back_by_what_was_read_again() {
    let gateway = Gateway::start_at(local(), &refs(&link_flags("gateway", "authority")));
    let ours = [Changing::new("stranger.pem"), Changing::new("stranger.key.pem")];
    let flags = [
        ours[0].flag("link-tls-cert"),
        ours[1].flag("link-tls-key"),
        link_flag("link-tls-ca", "authority.pem"),
        gateway_flag(&gateway),
    ];
    let pusher = PusherApi::start_unready(&[], &refs(&flags));
    let refused = r#"holdfast_pusher_link_tls_failures_total{cause="refused"}"#;
    eventually("it is refused", || (pusher.metrics().get(refused) > 0.0).then_some(()));
    ours[0].become_file("pusher-api.pem");
    ours[1].become_file("pusher-api.key.pem");
    pusher.await_ready();
}

#[test]
fn who_shows_no_certificate_may_look_and_no_more() {
    let gateway = Gateway::start_at(local(), &refs(&link_flags("gateway", "authority")));
    let anybody = Http::inside_tls(gateway.operators, true);
    for path in ["/healthz", "/readyz", "/metrics"] {
        eventually(path, || (anybody.get(path).status == 200).then_some(()));
    }
    let answer = anybody.post("/healthz", "application/json", "{}");
    assert_eq!(answer.status, 403, "{answer:?}");
    assert!(answer.text.contains("client certificate"), "{answer:?}");
    let mut health = Process::start(&[
        "health".to_owned(),
        format!("--url=https://{}/healthz", gateway.operators),
    ]);
    assert_eq!(health.wait().code(), Some(0), "{:?}", health.log());
}

#[test]
fn without_an_authority_links_need_their_secret_only() {
    let flags = link_flags("gateway", "authority");
    let flags = [&refs(&flags[..2])[..], &["--link-secret=s"]].concat();
    let gateway = Gateway::start_at(local(), &flags);
    let at = gateway_flag(&gateway);
    let ca = link_flag("link-tls-ca", "authority.pem");
    PusherApi::start(&[], &[&at, &ca, "--link-secret=s"]);
}

#[test]
fn flags_that_contradict_each_other_are_refused() {
    let [certificate, key, ca] = link_flags("gateway", "authority");
    let none = link_flag("link-tls-key", "none.pem");
    for (command, flags, named) in [
        ("gateway", vec![&ca], "--link-tls-cert"),
        ("gateway", vec![&certificate], "--link-tls-key"),
        ("gateway", vec![&certificate, &none], "none.pem"),
        ("pusher-api", vec![&ca], "--gateway"),
        ("pusher-api", vec![&certificate, &key], "https://"),
    ] {
        let mut arguments = vec![command.to_owned(), "--development".to_owned()];
        arguments.extend(flags.into_iter().cloned());
        let mut process = Process::start(&arguments);
        assert_eq!(process.wait().code(), Some(2), "{arguments:?}");
        let log = process.log();
        assert!(log.iter().any(|line| line.contains(named)), "{arguments:?}: {log:?}");
    }
}
