//! Watches the gateways: a few threads ask their operators' ports for metrics, again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use settings::ConfigError;
use ureq::{Agent, tls::TlsConfig};

use super::{exposition::parse, gateways::Gateways};
use crate::settings::{addresses::HttpServers, output::Watching, tls::TlsChoice};

/// Most threads, and so most requests under way at once.
const MOST_THREADS: usize = 4;
/// How long an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The largest answer taken.
const MAX_ANSWER_BYTES: u64 = 4 << 20;

/// Gateways that are watched until this is dropped.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

struct Shared {
    urls: Vec<String>,
    /// How they are believed, where one is inside TLS.
    tls: Option<TlsConfig>,
    latest: Mutex<Vec<Option<(Instant, Gateways)>>>,
    /// Milliseconds between two samples.
    every: AtomicU64,
    over: AtomicBool,
}

impl Watch {
    /// Where each gateway says what it holds.
    ///
    /// # Errors
    /// No URL of a scheme that is spoken, or the host's name is unknown.
    pub(crate) fn urls(watching: &Watching, tls: &TlsChoice) -> Result<Vec<String>, ConfigError> {
        let mut urls = Vec::new();
        for endpoint in &watching.operators {
            urls.extend(HttpServers::new("--operators", endpoint, tls)?.urls("/metrics"));
        }
        Ok(urls)
    }

    /// Begins to watch the gateways at these URLs, and believes them inside TLS as is said.
    ///
    /// # Errors
    /// No thread.
    pub(crate) fn start(
        urls: Vec<String>,
        every: Duration,
        tls: Option<TlsConfig>,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            tls,
            latest: Mutex::new(vec![None; urls.len()]),
            urls,
            every: AtomicU64::default(),
            over: AtomicBool::new(false),
        });
        let count = shared.urls.len().min(MOST_THREADS);
        let spawn = |index: usize| {
            let shared = Arc::clone(&shared);
            let name = "watch".to_owned();
            thread::Builder::new().name(name).spawn(move || shared.watch(index, count))
        };
        let threads = (0..count).map(spawn).collect::<Result<_, _>>()?;
        let watch = Self { shared, threads };
        watch.set_interval(every);
        Ok(watch)
    }

    /// Samples every so often from now on.
    pub(crate) fn set_interval(&self, every: Duration) {
        self.shared.every.store(every.as_millis() as u64, Ordering::Relaxed);
        self.threads.iter().for_each(|thread| thread.thread().unpark());
    }

    /// A gateway that has said nothing yet.
    pub(crate) fn silent(&self) -> Option<&str> {
        let latest = self.shared.latest.lock();
        latest.iter().position(Option::is_none).map(|index| &*self.shared.urls[index])
    }

    /// What all of them said last; nothing while one has said nothing lately.
    pub(crate) fn latest(&self) -> Option<Gateways> {
        let every = Duration::from_millis(self.shared.every.load(Ordering::Relaxed));
        self.sum(|asked| asked.elapsed() <= every * 3 + ANSWER_WITHIN)
    }

    /// What all of them have said when asked after `since`.
    pub(crate) fn after(&self, since: Instant) -> Option<Gateways> {
        self.sum(|asked| asked > since)
    }

    fn sum(&self, is_wanted: impl Fn(Instant) -> bool) -> Option<Gateways> {
        let latest = self.shared.latest.lock();
        let wanted = latest.iter().map(|sample| sample.filter(|(asked, _)| is_wanted(*asked)));
        let samples: Vec<_> = wanted.collect::<Option<_>>()?;
        samples.into_iter().map(|(_, said)| said).reduce(Gateways::plus)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            thread.thread().unpark();
            // A thread that panicked has nothing more to say.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Watches every `step`th gateway.
    fn watch(&self, first: usize, step: usize) {
        let agent = self.agent();
        let mut begun = Instant::now();
        while !self.over.load(Ordering::Relaxed) {
            for index in (first..self.urls.len()).step_by(step) {
                self.sample(&agent, index);
                if self.over.load(Ordering::Relaxed) {
                    return;
                }
            }
            self.rest(&mut begun);
        }
    }

    fn agent(&self) -> Agent {
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_WITHIN))
            .max_idle_connections(self.urls.len())
            .max_idle_connections_per_host(1);
        let config = match &self.tls {
            Some(tls) => config.tls_config(tls.clone()),
            None => config,
        };
        config.build().into()
    }

    /// Waits for the next round. A shorter interval or the end wakes it.
    fn rest(&self, begun: &mut Instant) {
        while !self.over.load(Ordering::Relaxed) {
            let every = Duration::from_millis(self.every.load(Ordering::Relaxed));
            let left = (*begun + every).saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            thread::park_timeout(left);
        }
        *begun = Instant::now();
    }

    /// Asks one gateway. One that does not answer keeps its last sample, until that is too old.
    fn sample(&self, agent: &Agent, index: usize) {
        let asked = Instant::now();
        let Ok(mut answer) = agent.get(&self.urls[index]).call() else { return };
        let body = answer.body_mut().with_config().limit(MAX_ANSWER_BYTES);
        let Some(sample) = body.read_to_string().ok().and_then(|text| parse(&text)) else { return };
        let mut latest = self.latest.lock();
        latest[index] = Some((asked, sample));
    }
}
