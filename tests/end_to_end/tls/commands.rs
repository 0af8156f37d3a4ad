//! This program's own clients, at servers inside TLS.

use serde_json::json;

use crate::harness::{Gateway, Process, PusherApi, eventually, tls::link_flag};

/// A gateway that takes clients inside TLS with this certificate, and the URLs of its transports.
pub(super) fn encrypted(certificate: &str) -> (Gateway, [String; 4]) {
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

/// Believes our authority.
pub(super) fn believing() -> String {
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
