//! Keeps the keys in force up to date, on a thread of its own.

use std::{
    sync::{Arc, mpsc::Receiver},
    thread,
    time::{Duration, Instant},
};

use settings::{ConfigError, LinkSecretArgs, WatchedFiles, watched::Looked};
use tokens::Ring;
use tracing::{error, info};

use super::{
    fetch::fetch,
    files,
    orders::{Order, Orders},
    url::KeyUrl,
};
use crate::{
    access::{auth::Authenticator, link_secrets::LinkSecrets},
    metrics::Metrics,
    settings::{KeySettings, OperatorsKeyArgs, Settings},
};

/// Between two fetches for keys that tokens name and nobody knows, however many they are; and between
/// one that failed and the next.
const FETCH_PAUSE: Duration = Duration::from_secs(30);

/// What clients and pusher-apis are recognised by, and who keeps it up to date.
pub(crate) struct Keeper {
    /// Checks clients' tokens.
    pub authenticator: Arc<Authenticator>,
    /// What a pusher-api must show.
    pub link_secrets: Arc<LinkSecrets>,
    /// What operators may show instead.
    pub operators_keys: Arc<LinkSecrets>,
    /// Takes orders.
    pub orders: Orders,
    taken: Receiver<Order>,
    keys: KeySettings,
    link: LinkSecretArgs,
    operators: OperatorsKeyArgs,
    watched: WatchedFiles,
    from_files: Ring,
    remote: Option<Remote>,
}

/// A key set at a URL.
struct Remote {
    url: KeyUrl,
    refresh: Duration,
    /// The last good one.
    ring: Ring,
    /// When it is to be fetched.
    due: Instant,
    /// Before when it is not fetched for unknown keys.
    not_before: Instant,
    /// Whether a token has named one.
    is_asked: bool,
}

impl Keeper {
    /// Reads all keys for the first time; to be done before anything listens. A key set that cannot be
    /// fetched is tried again later.
    ///
    /// # Errors
    /// A setting is wrong.
    pub(crate) fn load(settings: &Settings) -> Result<Self, ConfigError> {
        let (orders, taken) = Orders::new();
        let (keys, link) = (settings.keys.clone(), settings.link.clone());
        let operators = settings.operators.clone();
        // Before they are read, so that a change in between is seen.
        let paths = files::paths(&keys).into_iter().chain(link.link_secret_file.clone());
        let paths = paths.chain(operators.operators_key_file.clone());
        let watched = WatchedFiles::new(paths);
        if keys.is_given() && !tokens::is_cpu_supported() {
            return Err(unsupported_processor());
        }
        let mut keeper = Self {
            authenticator: Arc::new(Authenticator::new(&keys, orders.clone())),
            link_secrets: Arc::new(LinkSecrets::new(link.load()?)),
            operators_keys: Arc::new(LinkSecrets::new(operators.load()?)),
            orders,
            taken,
            watched,
            from_files: files::read(&keys)?,
            remote: Remote::new(&keys)?,
            keys,
            link,
            operators,
        };
        keeper.fetch_due(Instant::now(), None);
        keeper.put_in_force();
        Ok(keeper)
    }

    /// Keeps the keys from now on, until nobody has the authenticator any more.
    pub(crate) fn start(self, metrics: &Arc<Metrics>) {
        let metrics = Arc::clone(metrics);
        metrics.keys.set(self.count());
        let keep = move || self.keep(&metrics);
        if let Err(error) = thread::Builder::new().name("keys".to_owned()).spawn(keep) {
            error!(%error, "no thread for keys: they stay as they are");
        }
    }

    fn keep(mut self, metrics: &Metrics) {
        while let Some(Looked { changed, order }) = self.watched.look(&self.taken)
            && Arc::strong_count(&self.authenticator) > 1
        {
            self.authenticator.forget();
            let is_meant = changed || order == Some(Order::ReadAgain);
            let mut changed = is_meant && self.read_again(metrics);
            let now = Instant::now();
            if let Some(remote) = &mut self.remote {
                remote.hear(order, now);
            }
            changed |= self.fetch_due(now, Some(metrics));
            if changed {
                self.put_in_force();
                metrics.keys.set(self.count());
            }
        }
    }

    /// Reads every file; the old keys stay if one of them is wrong. True if there are new ones.
    fn read_again(&mut self, metrics: &Metrics) -> bool {
        let read = files::read(&self.keys)
            .and_then(|keys| Ok((keys, self.link.load()?, self.operators.load()?)));
        metrics.key_reloads.count("files", read.is_ok());
        match read {
            Ok((keys, secrets, operators)) => {
                info!(keys = keys.len(), link_secrets = secrets.len(), "keys read again");
                self.link_secrets.replace(secrets);
                self.operators_keys.replace(operators);
                self.from_files = keys;
                true
            }
            Err(error) => {
                error!(%error, "keys cannot be read again; those of before stay in force");
                false
            }
        }
    }

    /// Fetches the key set, if it is time to. True if there is a new one.
    fn fetch_due(&mut self, now: Instant, metrics: Option<&Metrics>) -> bool {
        let Some(remote) = self.remote.as_mut().filter(|remote| remote.due <= now) else {
            return false;
        };
        let is_asked = std::mem::take(&mut remote.is_asked);
        self.orders.found();
        let fetched = fetch(&remote.url);
        if let Some(metrics) = metrics {
            metrics.key_reloads.count("url", fetched.is_ok());
        }
        let now = Instant::now();
        if is_asked {
            remote.not_before = now + FETCH_PAUSE;
        }
        let (url, kept) = (&remote.url, remote.ring.len());
        match fetched {
            Ok(ring) => {
                info!(keys = ring.len(), %url, "key set fetched");
                remote.due = now + remote.refresh;
                remote.ring = ring;
                true
            }
            Err(error) => {
                error!(%error, %url, kept, "key set cannot be fetched; the last one stays in force");
                remote.due = now + remote.refresh.min(FETCH_PAUSE);
                false
            }
        }
    }

    fn put_in_force(&self) {
        let remote = self.remote.as_ref().map(|remote| &remote.ring);
        self.authenticator.set_keys(self.from_files.with(remote.unwrap_or(&Ring::default())));
    }

    fn count(&self) -> i64 {
        let remote = self.remote.as_ref().map_or(0, |remote| remote.ring.len());
        (self.from_files.len() + remote) as i64
    }
}

impl Remote {
    fn new(settings: &KeySettings) -> Result<Option<Self>, ConfigError> {
        let Some(source) = settings.jwks.as_deref().filter(|it| KeyUrl::is_meant(it)) else {
            return Ok(None);
        };
        let url: KeyUrl = source.parse().map_err(|why| {
            let expected =
                "give a URL like https://issuer.example/.well-known/jwks.json, or a file";
            ConfigError::new("--jwks", format!("{source}: {why}"), expected)
        })?;
        let now = Instant::now();
        let ring = Ring::default();
        let (due, not_before, refresh) = (now, now, settings.jwks_refresh);
        Ok(Some(Self { url, refresh, ring, due, not_before, is_asked: false }))
    }

    /// Makes a fetch due that somebody asks for.
    fn hear(&mut self, order: Option<Order>, now: Instant) {
        self.is_asked |= order == Some(Order::FindKey);
        if order == Some(Order::ReadAgain) || (self.is_asked && self.not_before <= now) {
            self.due = now;
        }
    }
}

fn unsupported_processor() -> ConfigError {
    let problem = "this processor lacks instructions that tokens are checked with";
    let expected =
        "x86-64 needs AES, AVX2, BMI2, ADX and PCLMULQDQ; AArch64 needs AES, SHA-2 and PMULL";
    ConfigError::new("--jwt-secret (or --jwt-public-key, --jwks)", problem, expected)
}
