//! A client for the tests of this folder, and what a listener shows it.

use std::{io::Read, path::Path, sync::Arc};

use certificates::{
    Authorities, ClientSource, Kept, Pair, ServerSource,
    rustls::{ClientConnection, ServerConfig},
};

fn file(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/keys/tls").join(name)
}

/// What is shown to clients.
pub(super) fn config() -> Arc<ServerConfig> {
    let pair = Pair::new(file("localhost.pem"), file("localhost.key.pem"));
    let kept = Kept::load(ServerSource::new(vec![pair]).expect("a source")).expect("files");
    Arc::clone(&kept.now().http)
}

/// A client that believes it.
pub(super) fn client() -> ClientConnection {
    let authorities = Authorities { file: file("authority.pem"), flag: "" };
    let source = ClientSource::new("", Some(authorities)).expect("a source");
    let kept = Kept::load(source).expect("files");
    let config = Arc::clone(&kept.now().config);
    ClientConnection::new(config, "localhost".try_into().expect("a name")).expect("a client")
}

/// Everything that a client has to send now.
pub(super) fn sent(client: &mut ClientConnection) -> Vec<u8> {
    let mut bytes = Vec::new();
    while client.wants_write() {
        client.write_tls(&mut bytes).expect("bytes in memory");
    }
    bytes
}

/// Has a client hear records; what it reads of them.
pub(super) fn heard(client: &mut ClientConnection, mut records: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    while !records.is_empty() {
        client.read_tls(&mut records).expect("bytes in memory");
        client.process_new_packets().expect("records that it understands");
        // The end, or nothing more for now.
        let _ = client.reader().read_to_end(&mut plain);
    }
    plain
}
