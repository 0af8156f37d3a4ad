use std::{io::Read as _, path::Path};

use certificates::{
    Inside, Kept, Pair, ServerSource, TargetTlsArgs,
    rustls::{ServerConnection, pki_types::ServerName},
    server_name,
};
use proptest::prelude::*;

use super::*;

fn key_file(name: &str) -> std::path::PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys")).join(name)
}

fn name() -> ServerName<'static> {
    server_name("--target", "localhost").expect("a name")
}

fn client(args: &TargetTlsArgs, resumes: bool) -> Arc<ClientConfig> {
    args.config(Inside::Lines, resumes).expect("a configuration")
}

fn believing() -> TargetTlsArgs {
    TargetTlsArgs { tls_ca: vec![key_file("tls.certificate.pem")], ..TargetTlsArgs::default() }
}

fn server() -> Arc<certificates::Server> {
    let pair = Pair::new(key_file("tls.certificate.pem"), key_file("tls.key.pem"));
    let source = ServerSource::new(vec![pair]).expect("a certificate");
    Kept::load(source).expect("files").now()
}

/// Both ends of a connection, without a socket.
struct Ends {
    client: Tls,
    server: ServerConnection,
    told: Vec<Told>,
    plain: Vec<u8>,
}

impl Ends {
    fn new(config: Arc<ClientConfig>, server: &certificates::Server) -> Self {
        let client = Tls::new(config, name()).expect("a client");
        let server = ServerConnection::new(Arc::clone(&server.unnamed)).expect("a server");
        Self { client, server, told: Vec::new(), plain: Vec::new() }
    }

    /// Brings bytes to the server and back until nobody has anything to say; the client hears them in
    /// pieces of this size.
    fn exchange(&mut self, mut out: Vec<u8>, piece: usize) -> Result<(), Cause> {
        loop {
            let mut rest = &out[..];
            while !rest.is_empty() {
                self.server.read_tls(&mut rest).expect("read");
                // What the client does not take, it says itself.
                let _ = self.server.process_new_packets();
            }
            out.clear();
            let mut answer = Vec::new();
            while self.server.wants_write() {
                self.server.write_tls(&mut answer).expect("written");
            }
            for piece in answer.chunks_mut(piece) {
                self.told.push(self.client.receive(piece, &mut self.plain, &mut out)?);
            }
            if out.is_empty() && !self.server.wants_write() {
                return Ok(());
            }
        }
    }

    fn shake_hands(&mut self, piece: usize) -> Result<(), Cause> {
        let mut out = Vec::new();
        self.client.begin(&mut out)?;
        self.exchange(out, piece)
    }

    fn heard(&mut self) -> Vec<u8> {
        let mut heard = vec![0; 1 << 16];
        let length = self.server.reader().read(&mut heard).expect("something was said");
        heard.truncate(length);
        heard
    }
}

#[test]
fn both_hear_what_the_other_says_and_no_buffer_is_left() {
    let server = server();
    for piece in [1, 100, 1 << 16] {
        let mut ends = Ends::new(client(&believing(), false), &server);
        ends.shake_hands(piece).expect("they come to terms");
        let told: Vec<_> = ends.told.iter().filter(|told| told.is_new).collect();
        assert_eq!(told, [&Told { is_new: true, is_resumed: false }]);
        let mut out = Vec::new();
        ends.client.say(b"hello", &mut out).expect("said");
        std::io::Write::write_all(&mut ends.server.writer(), &[7; 40_000]).expect("said");
        ends.exchange(out, piece).expect("heard");
        assert_eq!((ends.heard(), ends.plain.len()), (b"hello".to_vec(), 40_000));
        assert_eq!(ends.client.incoming.capacity(), 0, "in pieces of {piece}");
    }
}

#[test]
fn a_handshake_goes_on_from_an_earlier_one_where_it_may() {
    let server = server();
    for (resumes, expected) in [(true, [false, true]), (false, [false, false])] {
        let config = client(&believing(), resumes);
        let found = expected.map(|_| {
            let mut ends = Ends::new(Arc::clone(&config), &server);
            ends.shake_hands(1 << 16).expect("they come to terms");
            ends.told.iter().any(|told| told.is_resumed)
        });
        assert_eq!(found, expected);
    }
}

#[test]
fn a_server_that_is_not_believed_is_told_so() {
    let server = server();
    let other = TargetTlsArgs { tls_ca: vec![key_file("ec.certificate.pem")], ..believing() };
    let renamed = TargetTlsArgs { tls_name: Some("example.com".into()), ..believing() };
    let anybody =
        TargetTlsArgs { tls_ca: Vec::new(), tls_insecure: true, ..TargetTlsArgs::default() };
    for (args, expected) in
        [(&other, Err(Cause::UnknownIssuer)), (&renamed, Err(Cause::WrongName)), (&anybody, Ok(()))]
    {
        let mut ends = Ends::new(client(args, false), &server);
        ends.client = Tls::new(client(args, false), args.name_of("localhost").expect("a name"))
            .expect("a client");
        assert_eq!(ends.shake_hands(1 << 16), expected);
    }
}

proptest! {
    /// Whatever comes instead of TLS is an error, and never anything that was said.
    #[test]
    fn nonsense_is_not_taken_for_words(bytes in proptest::collection::vec(any::<u8>(), 1..600)) {
        let mut tls = Tls::new(client(&believing(), false), name()).expect("a client");
        let (mut out, mut plain) = (Vec::new(), Vec::new());
        tls.begin(&mut out).expect("said");
        for piece in bytes.clone().chunks_mut(97) {
            if tls.receive(piece, &mut plain, &mut out).is_err() {
                break;
            }
        }
        prop_assert!(plain.is_empty() && !tls.is_established);
    }
}
