//! The port under test and its peers.

use std::{
    cell::Cell,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
    time::Duration,
};

use actix_web::{
    App, HttpMessage, HttpRequest, HttpResponse,
    http::header::{HeaderName, HeaderValue},
    web,
};
use certificates::{
    Authorities, ClientSource, Pair, ServerSource, Source as _, rustls::ServerConfig, server_name,
};
use futures::StreamExt;
use serving::{
    Patience,
    budget::{Holding, Limits},
    counters::Counters,
    listen::{Listeners, Options},
    metrics::Registrar,
    port::{Port, Routes},
    upgrade::{self, Upgrade},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

/// After so long something has failed.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Patience that no test outlasts.
pub(crate) const ENDLESS: Patience = Patience {
    head: Duration::from_secs(600),
    keep_alive: Duration::from_secs(600),
    body: Duration::from_secs(600),
    answer: Duration::from_secs(600),
    farewell: Duration::from_secs(600),
};

/// Room for every test that is not about it.
pub(crate) const ROOMY: Limits = Limits { connections: 100, bytes: 16 << 20, patience: ENDLESS };

/// A port that listens.
pub(crate) struct Fixture {
    pub(crate) port: Rc<Port>,
    pub(crate) address: SocketAddr,
    pub(crate) metrics: Registrar,
    /// Requests that handlers have seen.
    pub(crate) seen: Rc<Cell<usize>>,
    acceptor: tokio::task::JoinHandle<()>,
}

impl Drop for Fixture {
    fn drop(&mut self) {
        self.acceptor.abort();
    }
}

struct ToPort(Rc<Port>, Option<Arc<ServerConfig>>);

impl serving::accept::Arrivals for ToPort {
    async fn arrive(&mut self, socket: std::net::TcpStream) {
        self.0.serve(socket, self.1.clone(), ()).await;
    }

    fn fail(&mut self, error: &std::io::Error, _: bool) -> bool {
        panic!("{error}");
    }
}

fn listen() -> (TcpListener, SocketAddr) {
    let options = Options {
        backlog: 1024,
        keepalive: None,
        user_timeout: LIMIT,
        send_buffer: Some(16 * 1024),
        receive_buffer: None,
    };
    let range = SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).to_string().parse().unwrap();
    let mut bound = Listeners::bind("--listen", &[range], 1, options).unwrap();
    (bound.per_worker.pop().unwrap().pop().unwrap(), bound.addresses[0])
}

async fn echo(request: HttpRequest, mut payload: web::Payload) -> HttpResponse {
    let holding = request.extensions().get::<Holding>().cloned().unwrap();
    let mut body = web::BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => return serving::problem::response(&serving::body::problem(&error)),
        };
        body.extend_from_slice(&chunk);
        if let Err(problem) = holding.hold(body.len()) {
            return serving::problem::response(&problem);
        }
    }
    HttpResponse::Ok().body(body)
}

/// Answers only when the test lets it.
async fn held(gate: web::Data<tokio::sync::Semaphore>) -> HttpResponse {
    gate.acquire().await.unwrap().forget();
    HttpResponse::Ok().body("at last")
}

impl Fixture {
    pub(crate) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, None, web::Data::new(tokio::sync::Semaphore::new(0))).await
    }

    /// With a path `/held` whose answers wait for permits of this gate.
    pub(crate) async fn start_with(
        limits: Limits,
        upgrade: Option<Upgrade>,
        gate: web::Data<tokio::sync::Semaphore>,
    ) -> Self {
        Self::open(limits, upgrade, gate, None).await
    }

    /// One that speaks TLS.
    pub(crate) async fn start_inside_tls(limits: Limits, upgrade: Option<Upgrade>) -> Self {
        let gate = web::Data::new(tokio::sync::Semaphore::new(0));
        let pair = Pair::new(key_file("gateway.pem"), key_file("gateway.key.pem"));
        let source = ServerSource::new(vec![pair]).unwrap();
        let config = Arc::clone(&source.read().unwrap().http);
        Self::open(limits, upgrade, gate, Some(config)).await
    }

    async fn open(
        limits: Limits,
        upgrade: Option<Upgrade>,
        gate: web::Data<tokio::sync::Semaphore>,
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let (listener, address) = listen();
        let metrics = Registrar::default();
        let counters = Counters::new(&metrics, "test");
        let seen = Rc::new(Cell::new(0));
        let counted = Rc::clone(&seen);
        let small = move || {
            counted.set(counted.get() + 1);
            async { HttpResponse::Ok().json("small") }
        };
        let app = App::new()
            .app_data(gate)
            .route("/small", web::route().to(small))
            .route("/echo", web::post().to(echo))
            .route("/held", web::get().to(held))
            .route("/health", web::get().to(|| async { "well" }))
            .route("/large", web::get().to(|| async { vec![b'x'; 4 << 20] }))
            .route("/deaf", web::post().to(|| async { HttpResponse::Unauthorized().finish() }));
        let mark = (HeaderName::from_static("mark"), HeaderValue::from_static("here"));
        let routes = Routes { app, upgrade, always: &["/health"], mark: Some(mark) };
        let port = Rc::new(Port::open(routes, limits, counters).await);
        let arrivals = ToPort(Rc::clone(&port), tls);
        let acceptor = actix_rt::spawn(async move {
            serving::accept::accept(listener, arrivals).await.unwrap();
        });
        Self { port, address, metrics, seen, acceptor }
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer(TcpStream::connect(self.address).await.unwrap())
    }

    /// A peer that speaks TLS, and believes the port.
    pub(crate) async fn encrypted(&self) -> Peer<Encrypted> {
        let authorities = Authorities { file: key_file("authority.pem"), flag: "--tls-ca" };
        let source = ClientSource::new("--target", [authorities]).unwrap().speaking_http();
        let name = server_name("--target", "localhost").unwrap();
        let socket = TcpStream::connect(self.address).await.unwrap();
        Peer(TlsConnector::from(source.read().unwrap().config).connect(name, socket).await.unwrap())
    }

    /// A peer that has said this.
    pub(crate) async fn said(&self, text: &str) -> Peer {
        let mut peer = self.connect().await;
        peer.say(text).await;
        peer
    }

    /// Waits until a metric has this value.
    pub(crate) async fn await_metric(&self, name: &str, value: i64) {
        let line = format!("{name} {value}");
        let shown = async {
            loop {
                let text = String::from_utf8(self.metrics.text()).unwrap();
                if text.lines().any(|shown| shown == line) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(timeout(LIMIT, shown).await.is_ok(), "never {line}");
    }
}

/// A connection inside TLS.
pub(crate) type Encrypted = tokio_rustls::client::TlsStream<TcpStream>;

fn key_file(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/keys/link")).join(name)
}

/// A client's end of a connection.
pub(crate) struct Peer<S = TcpStream>(pub(crate) S);

/// An answer, as it came.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    pub(crate) async fn say(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// The next answer, without a body if it answers a HEAD.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = timeout(LIMIT, self.0.read_u8()).await.expect("an answer").unwrap();
            head.push(byte);
        }
        String::from_utf8(head).unwrap().to_lowercase()
    }

    /// The next answer, which has the port's mark on it, whatever it is.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        assert!(head.contains("\r\nmark: here\r\n"), "{head}");
        let length = head.split("content-length: ").nth(1).unwrap();
        let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
        let mut body = vec![0; length];
        timeout(LIMIT, self.0.read_exact(&mut body)).await.expect("a body").unwrap();
        let status = head[9..12].parse().unwrap();
        Answer { status, head, body: String::from_utf8(body).unwrap() }
    }

    /// Waits for the end; nothing may come before it.
    pub(crate) async fn expect_end(&mut self) {
        let mut rest = Vec::new();
        let ended = timeout(LIMIT, self.0.read_to_end(&mut rest)).await.expect("an end");
        // A reset is an end, too.
        let _ = ended;
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Asks for something small, and expects an answer: the connection lives.
    pub(crate) async fn expect_alive(&mut self) {
        self.say("GET /small HTTP/1.1\r\nhost: h\r\n\r\n").await;
        assert_eq!(self.answer().await.status, 200);
    }
}

/// Takes connections over and gives back what was read behind the request, in capitals.
pub(crate) fn capitals() -> Upgrade {
    Box::new(|request| {
        upgrade::check(request)?;
        Ok(Box::new(|mut socket, read| {
            actix_rt::spawn(async move {
                let shown = read.to_ascii_uppercase();
                socket.write_all(&[b"switched:", &shown[..]].concat()).await.unwrap();
                socket.flush().await.unwrap();
            });
        }))
    })
}
