//! TLS in front of clients that speak none: what they say is sealed on its way to a gateway, and opened
//! on its way back. It is another implementation's client of TLS that the gateway sees. It may be a proxy, too, that
//! says in a header in front whose the connection is.

use std::{
    cell::Cell,
    io::{ErrorKind, Read, Write},
    net::{IpAddr, Shutdown, SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::{Arc, Mutex},
    thread,
};

use rustls::{ClientConfig, ClientConnection};

use super::tls::believing;

/// What stands between the clients of a test and its gateways.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Between {
    Nothing,
    Tls,
    /// A proxy that passes TLS on behind a header.
    Proxy,
}

thread_local! {
    static BETWEEN: Cell<Between> = const { Cell::new(Between::Nothing) };
}

/// Runs a test whose gateways are reached over TLS.
pub(crate) fn sealed(test: impl FnOnce()) {
    BETWEEN.set(Between::Tls);
    test();
}

/// Runs a test whose gateways are reached over TLS behind a proxy's header.
pub(crate) fn passed_on(test: impl FnOnce()) {
    BETWEEN.set(Between::Proxy);
    test();
}

/// Whether gateways of this test are reached over TLS.
pub(crate) fn is_sealed() -> bool {
    BETWEEN.get() != Between::Nothing
}

/// Whether they are told whose their connections are.
pub(crate) fn is_passed_on() -> bool {
    BETWEEN.get() == Between::Proxy
}

/// The flags of a gateway that is told so by proxies on this machine.
pub(crate) const PROXY_FLAGS: [&str; 2] = ["--proxy-protocol", "--trusted-proxy=127.0.0.0/8"];

/// What a PROXY header of version 2 begins with.
pub(crate) const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of this command and family, and what it says.
pub(crate) fn proxy_header(command: u8, family: u8, said: &[u8]) -> Vec<u8> {
    let length = (said.len() as u16).to_be_bytes();
    [SIGNATURE, &[command, family], &length, said].concat()
}

/// The header of a connection that comes from one of these addresses and has gone to the other.
fn header_of([from, to]: [SocketAddr; 2]) -> Vec<u8> {
    let (IpAddr::V4(from_ip), IpAddr::V4(to_ip)) = (from.ip(), to.ip()) else { panic!("IPv4") };
    let ports = [from.port(), to.port()].map(u16::to_be_bytes).concat();
    proxy_header(0x21, 0x11, &[&from_ip.octets()[..], &to_ip.octets(), &ports].concat())
}

/// A file of `tests/keys/tls`.
pub(crate) fn certificate_file(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/keys/tls").join(name)
}

/// The flags of a certificate of that name there.
pub(crate) fn certificate_flags(name: &str) -> [String; 2] {
    let file = |ending| certificate_file(&format!("{name}{ending}")).display().to_string();
    [format!("--tls-cert={}", file(".pem")), format!("--tls-key={}", file(".key.pem"))]
}

/// What a client believes: the tests' authority.
pub(crate) fn client_config() -> Arc<ClientConfig> {
    believing(&certificate_file("authority.pem"))
}

/// A connection with the name of this machine to be.
pub(crate) fn client_connection(config: &Arc<ClientConfig>) -> ClientConnection {
    ClientConnection::new(Arc::clone(config), "localhost".try_into().unwrap()).unwrap()
}

/// Starts to listen on an address of its own in front of this one, until the tests end.
pub(crate) fn tunnel(to: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind((to.ip(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (config, is_passed_on) = (client_config(), is_passed_on());
    thread::spawn(move || {
        for plain in listener.incoming().map_while(Result::ok) {
            let config = Arc::clone(&config);
            thread::spawn(move || {
                // Whoever breaks off has had enough.
                let _ = carry(plain, to, &config, is_passed_on);
            });
        }
    });
    address
}

/// Carries one connection's bytes both ways until both have ended.
fn carry(
    plain: TcpStream,
    to: SocketAddr,
    config: &Arc<ClientConfig>,
    is_passed_on: bool,
) -> std::io::Result<()> {
    let mut sealed = TcpStream::connect(to)?;
    for socket in [&plain, &sealed] {
        socket.set_nodelay(true)?;
    }
    if is_passed_on {
        sealed.write_all(&header_of([plain.peer_addr()?, plain.local_addr()?]))?;
    }
    let mut connection = client_connection(config);
    while connection.is_handshaking() {
        connection.complete_io(&mut sealed)?;
    }
    let connection = Arc::new(Mutex::new(connection));
    let (back, into) = (Arc::clone(&connection), plain.try_clone()?);
    let from = sealed.try_clone()?;
    let returning = thread::spawn(move || open(from, into, &back));
    let sent = seal(plain, &sealed, &connection);
    let _ = returning.join();
    sent
}

/// Seals what the client says.
fn seal(
    mut plain: TcpStream,
    mut sealed: &TcpStream,
    connection: &Mutex<ClientConnection>,
) -> std::io::Result<()> {
    let mut bytes = vec![0; 32 << 10];
    loop {
        let count = plain.read(&mut bytes);
        let mut connection = connection.lock().unwrap();
        match count {
            Ok(0) => connection.send_close_notify(),
            Ok(count) => connection.writer().write_all(&bytes[..count])?,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return sealed.shutdown(Shutdown::Both),
        }
        while connection.wants_write() {
            connection.write_tls(&mut sealed)?;
        }
        if count.is_ok_and(|count| count == 0) {
            return sealed.shutdown(Shutdown::Write);
        }
    }
}

/// Opens what the gateway says.
fn open(
    mut sealed: TcpStream,
    mut plain: TcpStream,
    connection: &Mutex<ClientConnection>,
) -> std::io::Result<()> {
    let (mut bytes, mut text) = (vec![0; 32 << 10], Vec::new());
    loop {
        let count = sealed.read(&mut bytes).unwrap_or(0);
        let mut rest = &bytes[..count];
        let mut connection = connection.lock().unwrap();
        while !rest.is_empty() {
            connection.read_tls(&mut rest)?;
            let state = connection.process_new_packets();
            let state = state.map_err(|error| std::io::Error::other(error.to_string()))?;
            text.resize(state.plaintext_bytes_to_read(), 0);
            connection.reader().read_exact(&mut text)?;
            if plain.write_all(&text).is_err() {
                return sealed.shutdown(Shutdown::Both);
            }
        }
        drop(connection);
        if count == 0 {
            return plain.shutdown(Shutdown::Write);
        }
    }
}
