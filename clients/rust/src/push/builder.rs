//! What a client is built with.

use std::{sync::Arc, time::Duration};

use hyper::{Uri, header::HeaderValue};
use rustls::ClientConfig;
use tokio::runtime::Handle;

use super::{
    client::Client,
    given_up::{GivenUp, Teller},
    queue::Most,
    settings::Settings,
    target::{InvalidTarget, Target},
};

/// Why a client cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The URL is not that of a pusher-api.
    #[error("{url:?} is no URL of a pusher-api: {problem}")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The API key has characters that no header can carry.
    #[error("the API key has characters that no header can carry")]
    ApiKey,
    /// There are no authorities of this machine's to believe, and no other ones were given.
    #[error("TLS cannot be set up: {0}")]
    Tls(#[from] rustls::Error),
    /// It is not built inside a tokio runtime, whose tasks send what is queued.
    #[error(
        "a client is built inside a tokio runtime; holdfast_client::blocking has one of its own"
    )]
    NoRuntime,
    /// The thread of a client of its own cannot be started.
    #[error("no thread can be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// Builds a [`Client`].
#[derive(Debug, Clone)]
pub struct Builder {
    url: String,
    api_key: Option<String>,
    tls: Option<Arc<ClientConfig>>,
    settings: Settings,
}

impl Client {
    /// A client of the pusher-api at this URL: `http://HOST:PORT` or `https://HOST`, with a path if there is one before
    /// that of the API.
    pub fn builder(url: &str) -> Builder {
        Builder::new(url)
    }
}

impl Builder {
    fn new(url: &str) -> Self {
        Self { url: url.to_owned(), api_key: None, tls: None, settings: Settings::default() }
    }

    /// The API key, with the scope `push`.
    #[must_use]
    pub fn api_key(mut self, key: impl Into<String>) -> Self {
        self.api_key = Some(key.into());
        self
    }

    /// What TLS is spoken with at `https://` URLs, instead of the authorities that this machine believes.
    #[must_use]
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    /// The most pushes that wait, and the most memory they take, in bytes, until their fate is known: 100,000 and
    /// 64 MiB. Beyond either [`Client::push`] says [`Full`](crate::NotQueued::Full).
    #[must_use]
    pub fn queue(mut self, pushes: usize, bytes: usize) -> Self {
        self.settings.queue = Most { lines: pushes.max(1), bytes };
        self
    }

    /// The most pushes in a request, and the most bytes: 10,000 and 512 KiB. A line that is larger goes alone.
    #[must_use]
    pub fn batch(mut self, pushes: usize, bytes: usize) -> Self {
        self.settings.batch = Most { lines: pushes.max(1), bytes };
        self
    }

    /// How many connections are used: 1. With several, a user's pushes all go by one, and so do a topic's; those for
    /// several users or for everybody are in no order with those of other connections.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.settings.connections = connections.max(1);
        self
    }

    /// How long a push without a `ttl` may wait before it is sent, or sent again: 60 s. Later it is given up.
    #[must_use]
    pub fn live_for(mut self, time: Duration) -> Self {
        self.settings.live_for = time;
        self
    }

    /// How long a push with a `ttl` is tried: as long as its `ttl`, and no longer than this: 24 h. Later it is
    /// given up.
    #[must_use]
    pub fn give_up_after(mut self, time: Duration) -> Self {
        self.settings.give_up_after = time;
        self
    }

    /// The longest pause between tries, but for what pusher-api asks for: 10 s.
    #[must_use]
    pub fn longest_pause(mut self, time: Duration) -> Self {
        self.settings.longest_pause = time;
        self
    }

    /// How long the answer to a request may take before the connection counts as lost: 30 s.
    #[must_use]
    pub fn answer_within(mut self, time: Duration) -> Self {
        self.settings.answer_within = time;
        self
    }

    /// How long [`Client::close`] tries to have everything sent: 60 s. What is left then is given up.
    #[must_use]
    pub fn close_within(mut self, time: Duration) -> Self {
        self.settings.close_within = time;
        self
    }

    /// Told of each push that is given up, once. It is called by what sends pushes: it must not block.
    #[must_use]
    pub fn on_given_up(mut self, tell: impl Fn(GivenUp) + Send + Sync + 'static) -> Self {
        self.settings.teller = Teller::new(tell);
        self
    }

    /// Starts a client, in the background of this tokio runtime. It connects when there is something to send.
    ///
    /// # Errors
    /// What was given is wrong, or there is no runtime.
    pub fn build(self) -> Result<Client, BuildError> {
        let runtime = Handle::try_current().map_err(|_| BuildError::NoRuntime)?;
        self.start(&runtime)
    }

    /// The same in a runtime that is named.
    pub(crate) fn start(self, runtime: &Handle) -> Result<Client, BuildError> {
        let target = self.target()?;
        Ok(Client::start(runtime, &target, self.settings))
    }

    fn target(&self) -> Result<Target, BuildError> {
        let wrong = |problem| BuildError::Url { url: self.url.clone(), problem };
        let url: Uri = self.url.parse().map_err(|_| wrong("it cannot be read"))?;
        let authorization = self.api_key.as_ref().map(|key| {
            let header = HeaderValue::try_from(format!("Bearer {key}"));
            let mut header = header.map_err(|_| BuildError::ApiKey)?;
            header.set_sensitive(true);
            Ok::<_, BuildError>(header)
        });
        match Target::new(&url, authorization.transpose()?, self.tls.clone()) {
            Ok(target) => Ok(target),
            Err(InvalidTarget::Url(problem)) => Err(wrong(problem)),
            Err(InvalidTarget::Tls(error)) => Err(error.into()),
        }
    }
}
