//! Certificates from files, as listeners show them and clients believe them.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::{Arc, mpsc},
    time::Duration,
};

use certificates::{
    Authorities, ClientSource, Kept, Pair, Server, ServerSource,
    rustls::{ClientConfig, ClientConnection, HandshakeKind, ServerConfig, ServerConnection},
};

/// A file of `tests/keys/tls`.
fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/keys/tls").join(name)
}

fn pair(name: &str) -> Pair {
    Pair::new(file(&format!("{name}.pem")), file(&format!("{name}.key.pem")))
}

fn authorities() -> Option<Authorities> {
    Some(Authorities { file: file("authority.pem"), flag: "--tls-ca" })
}

fn server(names: &[&str]) -> Arc<Server> {
    let pairs = names.iter().map(|name| pair(name)).collect();
    Kept::load(ServerSource::new(pairs).unwrap()).unwrap().now()
}

fn client() -> Arc<ClientConfig> {
    let kept = Kept::load(ClientSource::new("--tls-ca", authorities()).unwrap()).unwrap();
    Arc::clone(&kept.now().config)
}

/// Moves bytes both ways until nobody has more, and says what either end takes offence at.
fn shake_hands(
    client: &mut ClientConnection,
    server: &mut ServerConnection,
) -> Result<(), Box<dyn std::error::Error>> {
    while client.wants_write() || server.wants_write() {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes)?;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            server.read_tls(&mut rest)?;
            server.process_new_packets()?;
        }
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes)?;
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            client.read_tls(&mut rest)?;
            client.process_new_packets()?;
        }
    }
    Ok(())
}

/// What a client that asks for this name is shown, and what kind of handshake it was.
fn meet(
    client: &Arc<ClientConfig>,
    server: &Arc<ServerConfig>,
    name: &str,
) -> Result<(Vec<u8>, HandshakeKind), Box<dyn std::error::Error>> {
    let name = name.to_owned().try_into()?;
    let mut client = ClientConnection::new(Arc::clone(client), name)?;
    let mut server = ServerConnection::new(Arc::clone(server))?;
    shake_hands(&mut client, &mut server)?;
    client.writer().write_all(b"over there")?;
    shake_hands(&mut client, &mut server)?;
    let mut heard = [0; 10];
    server.reader().read_exact(&mut heard)?;
    assert_eq!(&heard, b"over there");
    let shown = client.peer_certificates().and_then(|chain| chain.first());
    let shown = shown.ok_or_else(|| io::Error::other("nothing was shown"))?.to_vec();
    Ok((shown, client.handshake_kind().ok_or_else(|| io::Error::other("no handshake"))?))
}

fn der(name: &str) -> Vec<u8> {
    pair(name).read().unwrap().cert[0].to_vec()
}

#[test]
fn keys_of_every_kind_are_taken() {
    for name in ["localhost", "p384", "ed25519", "rsa"] {
        let (shown, _) = meet(&client(), &server(&[name]).http, "localhost").unwrap();
        assert_eq!(shown, der(name), "{name}");
    }
}

#[test]
fn a_name_chooses_its_certificate_and_others_get_the_first() {
    let server = server(&["localhost", "named"]);
    assert_eq!(server.certificates.len(), 2);
    for (name, expected) in [
        ("localhost", Some("localhost")),
        ("127.0.0.1", Some("localhost")),
        ("a.test", Some("named")),
        ("A.Test", Some("named")),
        ("x.b.test", Some("named")),
        ("x.y.b.test", None),
        ("b.test", None),
    ] {
        let shown = meet(&client(), &server.http, name).ok().map(|(shown, _)| shown);
        assert_eq!(shown, expected.map(der), "{name}: the first is not for it");
    }
}

#[test]
fn a_client_comes_back_without_a_signature() {
    let (client, server) = (client(), server(&["localhost"]));
    let kinds = [(); 3].map(|()| meet(&client, &server.http, "localhost").unwrap().1);
    assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed, HandshakeKind::Resumed]);
}

#[test]
fn what_was_begun_is_resumed_after_a_reload() {
    let kept = Kept::load(ServerSource::new(vec![pair("localhost")]).unwrap()).unwrap();
    let client = client();
    assert_eq!(meet(&client, &kept.now().http, "localhost").unwrap().1, HandshakeKind::Full);
    kept.read_again().unwrap();
    assert_eq!(meet(&client, &kept.now().http, "localhost").unwrap().1, HandshakeKind::Resumed);
}

#[test]
fn clients_prove_who_they_are_where_that_is_asked() {
    let asked = Authorities { file: file("authority.pem"), flag: "--link-tls-ca" };
    let source = ServerSource::new(vec![pair("localhost")]).unwrap().clients_signed_by(asked);
    let server = Kept::load(source).unwrap().now();
    let showing = |name: Option<&str>| {
        let source = ClientSource::new("--link-tls-ca", authorities()).unwrap();
        let source = match name {
            Some(name) => source.showing(pair(name)),
            None => source,
        };
        Arc::clone(&Kept::load(source.speaking_http()).unwrap().now().config)
    };
    let client = showing(Some("client"));
    for _ in 0..2 {
        let (_, kind) = meet(&client, &server.http, "localhost").unwrap();
        assert_eq!(kind, HandshakeKind::Full, "each time anew");
    }
    for other in [None, Some("renewed")] {
        assert!(meet(&showing(other), &server.http, "localhost").is_err(), "{other:?}");
    }
}

#[test]
fn a_protocol_that_is_not_spoken_is_refused_where_there_is_a_choice() {
    let server = server(&["localhost"]);
    let offering = |protocol: &[u8]| {
        let mut config = (*client()).clone();
        config.alpn_protocols = vec![protocol.to_vec()];
        Arc::new(config)
    };
    assert!(meet(&offering(b"http/1.1"), &server.http, "localhost").is_ok());
    assert!(meet(&offering(b"h2"), &server.http, "localhost").is_err());
    assert!(meet(&offering(b"h2"), &server.unnamed, "localhost").is_ok());
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        ("missing.pem", "localhost.key.pem", "--tls-cert", "cannot read"),
        ("localhost.pem", "missing.pem", "--tls-key", "cannot read"),
        ("localhost.key.pem", "localhost.key.pem", "--tls-cert", "holds no certificate"),
        ("localhost.pem", "localhost.pem", "--tls-key", "holds no private key"),
        ("localhost.pem", "renewed.key.pem", "--tls-key", "is not the key of"),
        ("README.md", "localhost.key.pem", "--tls-cert", "holds no certificate"),
    ];
    for (cert, key, flag, problem) in cases {
        let error = Pair::new(file(cert), file(key)).read().unwrap_err();
        assert_eq!(error.key, flag, "{error}");
        assert!(error.problem.contains(problem), "{error}");
    }
    let named = Pair::new(file("no"), file("no")).named("--link-tls-cert", "--link-tls-key");
    assert_eq!(named.read().unwrap_err().key, "--link-tls-cert");
}

#[test]
fn damaged_and_encrypted_files_say_so() {
    let folder = std::env::temp_dir().join(format!("holdfast-damaged-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let key = std::fs::read_to_string(file("localhost.key.pem")).unwrap();
    let cert = std::fs::read_to_string(file("localhost.pem")).unwrap();
    let cases = [
        (cert.clone(), key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY"), "encrypted"),
        (cert.clone(), [key.as_str(), &key].concat(), "more than one"),
        (cert.clone(), key.replace("-----END", "-----"), "damaged"),
        (cert.replace("-----END", "-----"), key.clone(), "damaged"),
        ([&key, cert.as_str()].concat(), "x".repeat(2 << 20), "longer than"),
    ];
    for (cert, key, problem) in cases {
        let [cert_file, key_file] = ["cert", "key"].map(|name| folder.join(name));
        std::fs::write(&cert_file, cert).unwrap();
        std::fs::write(&key_file, key).unwrap();
        let error = Pair::new(cert_file, key_file).read().unwrap_err();
        assert!(error.problem.contains(problem), "{error}");
    }
    let both = folder.join("both");
    std::fs::write(&both, [cert, key].concat()).unwrap();
    assert!(Pair::new(both.clone(), both).read().is_ok(), "one file holds both");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn files_are_read_again_when_they_change_and_stay_where_they_are_wrong() {
    let folder = std::env::temp_dir().join(format!("holdfast-renewed-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let [cert, key] = ["cert", "key"].map(|name| folder.join(name));
    let put = |name: &str| {
        std::fs::copy(file(&format!("{name}.pem")), &cert).unwrap();
        std::fs::copy(file(&format!("{name}.key.pem")), &key).unwrap();
    };
    put("localhost");
    let source = ServerSource::new(vec![Pair::new(cert.clone(), key.clone())]).unwrap();
    let kept = Kept::load(source).unwrap();
    let (tell, heard) = mpsc::channel();
    let again = kept.keep(move |server: &Server, is_good| {
        let _ = tell.send((server.certificates.expiries().len(), is_good));
    });
    let limit = Duration::from_secs(30);
    let shown = || meet(&client(), &kept.now().http, "localhost").unwrap().0;
    assert_eq!(shown(), der("localhost"));
    std::fs::write(&key, "").unwrap();
    assert_eq!(heard.recv_timeout(limit), Ok((1, false)));
    assert_eq!(shown(), der("localhost"), "the last good one");
    put("renewed");
    while heard.recv_timeout(limit) != Ok((1, true)) {}
    assert_eq!(shown(), der("renewed"));
    again.ask();
    assert_eq!(heard.recv_timeout(limit), Ok((1, true)), "asked for");
    drop(again);
    assert!(heard.recv_timeout(limit).is_err(), "the thread has ended");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_end_is_read_from_a_certificate() {
    assert_eq!(certificates::not_after(&der("expired")), Some(Duration::from_secs(1_609_459_200)));
    assert_eq!(certificates::not_after(&der("rsa")), Some(Duration::from_secs(4_733_510_400)));
    let whole = der("localhost");
    for length in 0..whole.len() {
        // Whatever is cut off, it is read to no end that is not there.
        let found = certificates::not_after(&whole[..length]);
        assert!(found.is_none(), "{length}");
    }
}
