//! Clients that speak TLS, what they believe and show, and a server in front of one that does not speak it.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::files::TestFile;

/// How long each side of a connection that is passed on is waited for before it is the other's turn.
const TURN: Duration = Duration::from_millis(2);

/// A file of `tests/keys/link`.
pub(crate) fn link_file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/keys/link")).join(name)
}

/// A flag that names one.
pub(crate) fn link_flag(flag: &str, name: &str) -> String {
    format!("--{flag}={}", link_file(name).display())
}

/// The flags of links, with this certificate and this authority.
pub(crate) fn link_flags(certificate: &str, authority: &str) -> [String; 3] {
    [
        link_flag("link-tls-cert", &format!("{certificate}.pem")),
        link_flag("link-tls-key", &format!("{certificate}.key.pem")),
        link_flag("link-tls-ca", &format!("{authority}.pem")),
    ]
}

/// A copy of a file of links that may change, and what it changes to.
pub(crate) struct Changing(TestFile);

impl Changing {
    /// Begins as this one.
    pub(crate) fn new(name: &str) -> Self {
        Self(TestFile::new(name, &text(name)))
    }

    /// Becomes this one.
    pub(crate) fn become_file(&self, name: &str) {
        self.0.write(&text(name));
    }

    /// Becomes something else.
    pub(crate) fn become_nonsense(&self) {
        self.0.write("nonsense");
    }

    /// A flag that names it.
    pub(crate) fn flag(&self, flag: &str) -> String {
        self.0.flag(flag)
    }
}

fn text(name: &str) -> String {
    std::fs::read_to_string(link_file(name)).unwrap()
}

/// How an HTTP client believes our authority, or, without verifying, anybody.
pub(crate) fn http_client_config(is_checked: bool) -> TlsConfig {
    let file = std::fs::read(link_file("authority.pem")).unwrap();
    let authority = Certificate::from_pem(&file).unwrap();
    TlsConfig::builder()
        .root_certs(RootCerts::new_with_certs(&[authority]))
        .disable_verification(!is_checked)
        .unversioned_rustls_crypto_provider(Arc::new(rustls_graviola::default_provider()))
        .build()
}

/// A connection to a server on this machine whose certificate our authority has signed.
pub(crate) type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Connects to one, and says which certificate it has shown.
pub(crate) fn connect(address: SocketAddr) -> (TlsStream, Vec<u8>) {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(link_file("authority.pem")).unwrap()).unwrap();
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(roots).with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(super::wait::LIMIT)).unwrap();
    let mut stream = StreamOwned::new(connection, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock).unwrap();
    }
    let shown = stream.conn.peer_certificates().unwrap()[0].to_vec();
    (stream, shown)
}

/// The certificate in a file of links.
pub(crate) fn certificate(name: &str) -> Vec<u8> {
    CertificateDer::from_pem_file(link_file(name)).unwrap().to_vec()
}

/// Takes connections inside TLS, with this certificate, and passes on what is said in them to a server that
/// does not speak it.
pub(crate) fn terminate(certificate: &str, server: SocketAddr) -> SocketAddr {
    let chain = CertificateDer::from_pem_file(link_file(&format!("{certificate}.pem"))).unwrap();
    let key = PrivateKeyDer::from_pem_file(link_file(&format!("{certificate}.key.pem"))).unwrap();
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![chain], key).unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // Ends with the tests' process.
    thread::spawn(move || {
        for socket in listener.incoming().map_while(Result::ok) {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let Ok(plain) = TcpStream::connect(server) else { continue };
            thread::spawn(move || pass_on(StreamOwned::new(connection, socket), plain));
        }
    });
    address
}

fn pass_on(mut tls: StreamOwned<ServerConnection, TcpStream>, mut plain: TcpStream) {
    let mut bytes = vec![0; 1 << 16];
    for socket in [&tls.sock, &plain] {
        socket.set_read_timeout(Some(TURN)).unwrap();
    }
    loop {
        let up = pass_some(&mut bytes, &mut tls, &mut plain);
        if !up || !pass_some(&mut bytes, &mut plain, &mut tls) {
            tls.conn.send_close_notify();
            let _ = tls.flush();
            return;
        }
    }
}

/// Whether the connection goes on.
fn pass_some(bytes: &mut [u8], from: &mut impl Read, to: &mut impl Write) -> bool {
    match from.read(bytes) {
        Ok(0) => false,
        Ok(length) => to.write_all(&bytes[..length]).and_then(|()| to.flush()).is_ok(),
        Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
    }
}
