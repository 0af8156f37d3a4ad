//! Serves a key set over HTTP, or over TLS.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::tokens::key_file;

/// A server that answers every request with the same, and counts them.
pub(crate) struct KeyServer {
    /// Where it is reached.
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

struct State {
    answer: String,
    requests: usize,
}

impl KeyServer {
    /// Answers over plain HTTP with this set.
    pub(crate) fn start(set: &str) -> Self {
        Self::listen(set, None)
    }

    /// Answers over TLS, with `tests/keys/tls.certificate.pem`.
    pub(crate) fn start_tls(set: &str) -> Self {
        let certificate = CertificateDer::from_pem_file(key_file("tls.certificate.pem")).unwrap();
        let key = PrivateKeyDer::from_pem_file(key_file("tls.key.pem")).unwrap();
        let provider = Arc::new(rustls_graviola::default_provider());
        let config = ServerConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate], key);
        Self::listen(set, Some(Arc::new(config.unwrap())))
    }

    fn listen(set: &str, tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { answer: ok(set), requests: 0 }));
        let shared = Arc::clone(&state);
        // Ends with the tests' process; it holds nothing else.
        thread::spawn(move || {
            for socket in listener.incoming().map_while(Result::ok) {
                // Who breaks off has had enough.
                let _ = match tls.clone() {
                    None => answer(socket, &shared),
                    Some(tls) => {
                        let connection = ServerConnection::new(tls).unwrap();
                        answer(StreamOwned::new(connection, socket), &shared)
                    }
                };
            }
        });
        Self { address, state }
    }

    /// Answers with another set from now on.
    pub(crate) fn set(&self, set: &str) {
        self.answer(ok(set));
    }

    /// Answers with these bytes from now on.
    pub(crate) fn answer(&self, answer: String) {
        self.state.lock().unwrap().answer = answer;
    }

    /// How often it was asked.
    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    /// A flag that names it.
    pub(crate) fn flag(&self) -> String {
        format!("--jwks=http://{}/keys", self.address)
    }
}

fn ok(set: &str) -> String {
    let length = set.len();
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{set}")
}

fn answer(stream: impl Read + Write, state: &Mutex<State>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    while stream.read_line(&mut line)? > 2 {
        line.clear();
    }
    let answer = {
        let mut state = state.lock().unwrap();
        state.requests += 1;
        state.answer.clone()
    };
    stream.get_mut().write_all(answer.as_bytes())?;
    stream.get_mut().flush()
}

/// Whoever refuses a redirect must not come here.
pub(crate) fn accepts_nobody() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.2:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Whether somebody has come.
pub(crate) fn has_come(listener: &TcpListener) -> bool {
    listener.accept().is_ok_and(|(_, _): (TcpStream, _)| true)
}
