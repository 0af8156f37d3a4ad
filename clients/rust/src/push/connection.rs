//! One connection to a pusher-api, opened when there is something to send.

use std::{io, time::Duration};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, Response, Uri,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    header::{
        AUTHORIZATION, CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER,
        USER_AGENT,
    },
};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use super::target::Target;

/// Says which process answers, and which is meant.
const PROCESS: HeaderName = HeaderName::from_static("holdfast-process");
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");
const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("holdfast-client/", env!("CARGO_PKG_VERSION")));
/// How long a connect may take, with TLS's handshake.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// A connection that was not used for so long is not used again: whoever is at the other end, or between, may be
/// about to close it.
const IDLE: Duration = Duration::from_secs(20);
/// The most of an answer that is read, in bytes. A report has 1,000 entries at most.
const LONGEST_ANSWER: usize = 4 << 20;

/// What was answered.
pub(super) struct Answer {
    pub(super) status: u16,
    /// Which process has answered; none where it was no pusher-api.
    pub(super) process: Option<HeaderValue>,
    /// How long it asks to wait.
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

impl Answer {
    /// Whether a pusher-api has answered, one that does not say which process it is included, and not a server in
    /// between.
    pub(super) fn is_of_a_pusher(&self) -> bool {
        self.process.is_some() || self.status == 200
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing was sent.
    NotSent,
    /// Something was sent, and what became of it is not known.
    Lost,
}

/// A connection, once there is one.
pub(super) struct Connection {
    target: Target,
    answer_within: Duration,
    open: Option<Open>,
    is_sending: bool,
}

struct Open {
    sender: SendRequest<Full<Bytes>>,
    /// Reads and writes; ends with this.
    driver: JoinHandle<()>,
    used: Instant,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connection {
    /// None yet.
    pub(super) fn new(target: Target, answer_within: Duration) -> Self {
        Self { target, answer_within, open: None, is_sending: false }
    }

    /// Whether something is being sent, the answer to which has not come.
    pub(super) fn is_sending(&self) -> bool {
        self.is_sending
    }

    /// Posts lines, to this process only if one is named.
    ///
    /// # Errors
    /// There is no answer.
    pub(super) async fn post(
        &mut self,
        lines: Bytes,
        process: Option<&HeaderValue>,
    ) -> Result<Answer, NoAnswer> {
        let mut open = self.opened().await.ok_or(NoAnswer::NotSent)?;
        let request = self.request(lines, process);
        self.is_sending = true;
        let answered = timeout(self.answer_within, exchange(&mut open.sender, request)).await;
        self.is_sending = false;
        let answer = answered.unwrap_or(Err(NoAnswer::Lost))?;
        open.used = Instant::now();
        self.open = Some(open);
        Ok(answer)
    }

    async fn opened(&mut self) -> Option<Open> {
        let kept = self.open.take().filter(|open| open.used.elapsed() < IDLE);
        if let Some(mut open) = kept
            && open.sender.ready().await.is_ok()
        {
            return Some(open);
        }
        let opened = timeout(CONNECT_WITHIN, connect(&self.target)).await.ok()?;
        let mut open = opened.ok()?;
        open.sender.ready().await.ok()?;
        Some(open)
    }

    fn request(&self, lines: Bytes, process: Option<&HeaderValue>) -> Request<Full<Bytes>> {
        let Target { path, name, authorization, .. } = &self.target;
        let mut request = Request::post(Uri::from(path.clone())).body(Full::new(lines));
        let headers = request.as_mut().map(Request::headers_mut).expect("a path and a body");
        headers.insert(HOST, name.clone());
        headers.insert(CONTENT_TYPE, LINES);
        headers.insert(USER_AGENT, AGENT);
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization.clone());
        }
        if let Some(process) = process {
            headers.insert(PROCESS, process.clone());
        }
        request.expect("a path and a body")
    }
}

async fn exchange(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, NoAnswer> {
    let sent = sender.try_send_request(request).await;
    let response = sent.map_err(|mut error| match error.take_message() {
        Some(_) => NoAnswer::NotSent,
        None => NoAnswer::Lost,
    })?;
    let (status, process) = (response.status().as_u16(), value(&response, &PROCESS).cloned());
    let retry_after =
        value(&response, &RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let body = Limited::new(response.into_body(), LONGEST_ANSWER).collect().await;
    let body = body.map_err(|_| NoAnswer::Lost)?.to_bytes();
    Ok(Answer { status, process, retry_after: retry_after.map(Duration::from_secs), body })
}

fn value<'a>(response: &'a Response<Incoming>, name: &HeaderName) -> Option<&'a HeaderValue> {
    HeaderMap::get(response.headers(), name)
}

async fn connect(target: &Target) -> io::Result<Open> {
    let socket = TcpStream::connect((target.host.as_str(), target.port)).await?;
    socket.set_nodelay(true)?;
    match &target.tls {
        None => drive(socket).await,
        Some((config, name)) => {
            drive(TlsConnector::from(config.clone()).connect(name.clone(), socket).await?).await
        }
    }
}

async fn drive(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> io::Result<Open> {
    let (sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let driver = tokio::spawn(async move {
        // Whoever waits for an answer is told.
        let _ = connection.await;
    });
    Ok(Open { sender, driver, used: Instant::now() })
}
