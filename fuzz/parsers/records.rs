//! Records of TLS from clients.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use certificates::{Kept, Pair, Server, ServerSource};
use gateway::internals::Channel;

use super::pieces;

/// More than is ever kept of what is incomplete: a record of a message that goes on, and the next.
const MOST_KEPT: usize = 2 * ((1 << 14) + 2048 + 5);

fn server() -> &'static Arc<Server> {
    static SERVER: OnceLock<Arc<Server>> = OnceLock::new();
    SERVER.get_or_init(|| {
        let pair = Pair::new(file("localhost.pem"), file("localhost.key.pem"));
        let source = ServerSource::new(vec![pair]).expect("a source");
        Kept::load(source).expect("files that are there").now()
    })
}

/// A file of `tests/keys/tls`, from the root's tests and from the fuzzer's folder.
fn file(name: &str) -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let found =
        [here.to_owned(), here.join("..")].map(|root| root.join("tests/keys/tls").join(name));
    found.into_iter().find(|file| file.exists()).expect("the file is there")
}

/// Whatever comes, and in whatever pieces, nobody is let in by it without a handshake, and little is kept.
pub(crate) fn tls_records(data: &[u8]) {
    let Some((length, bytes)) = data.split_first() else { return };
    let mut channel = Channel::new(Arc::clone(&server().http)).expect("a channel");
    let (mut held, mut out) = (Vec::new(), Vec::new());
    for piece in pieces(bytes, *length) {
        held.extend_from_slice(piece);
        let mut plain = vec![0; held.len()];
        let Ok(opened) = channel.open(&mut held, &mut plain, &mut out) else { return };
        assert!(opened.plain == 0 && !channel.is_established(), "no key is agreed on");
        held.drain(..opened.used);
        assert!(held.len() <= MOST_KEPT, "{} bytes are kept", held.len());
    }
}
