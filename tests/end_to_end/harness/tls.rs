//! Clients that speak TLS, what they believe and show.

use std::{
    net::{SocketAddr, TcpStream},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

use super::files::TestFile;

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

/// What TLS is spoken with by clients that believe the authority of links.
pub(crate) fn client_config() -> Arc<ClientConfig> {
    believing(&link_file("authority.pem"))
}

/// The same of the authority in this file.
pub(crate) fn believing(authority: &Path) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority).unwrap()).unwrap();
    let provider = Arc::new(rustls_graviola::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().unwrap();
    Arc::new(config.with_root_certificates(roots).with_no_client_auth())
}

/// Connects to one, and says which certificate it has shown.
pub(crate) fn connect(address: SocketAddr) -> (TlsStream, Vec<u8>) {
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(client_config(), name).unwrap();
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
