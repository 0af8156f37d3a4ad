//! Certificates: by name, renewed, and wrong.

use std::{process::Command, sync::Arc};

use rustix::process::Signal;
use rustls::{ClientConfig, ClientConnection};

use super::handshakes::ports;
use crate::harness::{
    Gateway, eventually,
    files::TestFile,
    process::BINARY,
    tunnel::{certificate_file, certificate_flags, client_config},
};

fn text(name: &str) -> String {
    std::fs::read_to_string(certificate_file(name)).unwrap()
}

/// The certificate, in DER, that a client is shown who asks for a name; none if it does not believe it.
fn shown(gateway: &Gateway, config: &Arc<ClientConfig>, name: &str) -> Option<Vec<u8>> {
    let [mut socket, _] = ports(gateway);
    let name = name.to_owned().try_into().unwrap();
    let mut client = ClientConnection::new(Arc::clone(config), name).unwrap();
    while client.is_handshaking() {
        client.complete_io(&mut socket).ok()?;
    }
    Some(client.peer_certificates()?.first()?.to_vec())
}

fn der(name: &str) -> Option<Vec<u8>> {
    use rustls::pki_types::{CertificateDer, pem::PemObject};
    Some(CertificateDer::from_pem_file(certificate_file(name)).unwrap().to_vec())
}

#[test]
fn a_name_chooses_the_certificate() {
    let flags = [certificate_flags("localhost"), certificate_flags("named")].concat();
    let flags: Vec<_> = flags.iter().map(String::as_str).collect();
    let gateway = Gateway::start(&[&["--tls-listen=127.0.0.1:0"], flags.as_slice()].concat());
    // Without what an earlier one could be resumed with.
    let ask = |name| shown(&gateway, &client_config(), name);
    for (name, file) in [
        ("localhost", Some("localhost.pem")),
        ("a.test", Some("named.pem")),
        ("any.b.test", Some("named.pem")),
        ("c.test", None),
    ] {
        assert_eq!(ask(name), file.and_then(der), "{name}");
    }
    let metrics = gateway.metrics();
    let expiry = "holdfast_tls_certificate_expiry_timestamp_seconds";
    assert_eq!(metrics.get(expiry), 2.0 * 4_733_510_400.0);
}

#[test]
fn a_renewed_certificate_is_shown_to_who_comes_then() {
    let (cert, key) = (
        TestFile::new("cert", &text("localhost.pem")),
        TestFile::new("key", &text("localhost.key.pem")),
    );
    let flags = ["--tls-listen=127.0.0.1:0", &cert.flag("tls-cert"), &key.flag("tls-key")];
    let gateway = Gateway::start(&flags);
    let ask = || shown(&gateway, &client_config(), "localhost");
    assert_eq!(ask(), der("localhost.pem"));
    let failed = "holdfast_key_reloads_total{result=\"failed\",source=\"certificates\"}";
    key.write("nonsense");
    eventually("the wrong file was noticed", || {
        (gateway.metrics().get(failed) > 0.0).then_some(())
    });
    assert_eq!(ask(), der("localhost.pem"), "the last good one");
    assert!(gateway.process.log().iter().any(|line| line.contains("--tls-key")), "it says why");
    cert.write(&text("renewed.pem"));
    key.write(&text("renewed.key.pem"));
    eventually("the new one is shown", || (ask() == der("renewed.pem")).then_some(()));
    let done = "holdfast_key_reloads_total{result=\"ok\",source=\"certificates\"}";
    let before = gateway.metrics().get(done);
    gateway.process.signal(Signal::HUP);
    eventually("asked for, they are read again", || {
        (gateway.metrics().get(done) > before).then_some(())
    });
}

#[test]
fn a_gateway_without_what_it_needs_for_tls_does_not_start() {
    let [cert, key] = certificate_flags("localhost");
    let [_, other] = certificate_flags("renewed");
    let listen = "--tls-listen=127.0.0.1:0";
    let cases: [(&[&str], &str); 8] = [
        (&[listen], "--tls-cert"),
        (&["--tls-listen-tcp=127.0.0.1:0"], "--tls-cert"),
        (&[listen, &cert], "--tls-key"),
        (&[listen, &key], "--tls-cert"),
        (&[listen, &cert, &cert, &key], "--tls-key"),
        (&[listen, "--tls-cert=/nowhere", &key], "--tls-cert"),
        (&[listen, &cert, &other], "--tls-key"),
        (&["--tls-listen=0.0.0.0:0", &cert, &key], "--jwt-secret"),
    ];
    for (flags, named) in cases {
        let open = if named == "--jwt-secret" { "--drain=0s" } else { "--insecure" };
        let ports = ["--listen=127.0.0.1:0", "--listen-tcp=127.0.0.1:0"];
        let mut command = Command::new(BINARY);
        command.arg("gateway").args(ports).arg("--listen-operators=127.0.0.1:0").arg(open);
        let output = command.args(flags).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {log}");
        assert!(log.contains(named), "{flags:?}: {log}");
    }
}
