//! Clients of TLS that somebody else has written.

use std::process::{Command, Stdio};

use super::handshakes::start;
use crate::harness::tunnel::certificate_file;

/// A session of the TCP transport in Python, over the OpenSSL that it comes with.
const PYTHON: &str = r#"
import socket, ssl, sys
version = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}[sys.argv[3]]
context = ssl.create_default_context(cafile=sys.argv[1])
context.minimum_version = context.maximum_version = version
sessions = []
for _ in range(2):
    session = sessions[0] if sessions else None
    with socket.create_connection(("127.0.0.1", int(sys.argv[2])), timeout=20) as plain:
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as tls:
            tls.sendall(b'{"type":"connect","user":"u"}\n')
            lines = tls.makefile("rb")
            assert b'"hello"' in lines.readline()
            tls.sendall(b'{"type":"ping"}\n')
            assert b'"pong"' in lines.readline()
            sessions.append(tls.session)
            print(tls.version(), tls.session_reused, tls.cipher()[0])
            tls.unwrap()
"#;

#[test]
fn python_speaks_both_versions_and_resumes() {
    let gateway = start(&[]);
    let port = gateway.tls.unwrap()[1].port().to_string();
    for version in ["1.3", "1.2"] {
        let mut command = Command::new("python3");
        command.args(["-c", PYTHON]).arg(certificate_file("authority.pem"));
        let output = command.args([&port, version]).output().unwrap();
        let (said, log) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{version}: {log}");
        let lines: Vec<_> = said.lines().collect();
        let [first, second] = lines.as_slice() else { panic!("{said}") };
        assert!(first.starts_with(&format!("TLSv{version} False")), "{said}");
        assert!(second.starts_with(&format!("TLSv{version} True")), "{said}");
    }
}

#[test]
fn openssl_speaks_it_where_it_is() {
    let gateway = start(&[]);
    let address = gateway.tls.unwrap()[0].to_string();
    let mut command = Command::new("openssl");
    command.args(["s_client", "-connect", &address, "-servername", "localhost", "-quiet"]);
    command.args(["-verify_return_error", "-CAfile"]).arg(certificate_file("authority.pem"));
    command.args(["-alpn", "http/1.1"]).stdin(Stdio::piped());
    let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        return;
    };
    let mut said = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut said, b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    let output = child.wait_with_output().unwrap();
    let heard = String::from_utf8_lossy(&output.stdout);
    assert!(heard.starts_with("HTTP/1.1 404 "), "{heard}");
    drop(said);
}
