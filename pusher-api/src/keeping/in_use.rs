//! Whether pushes can be kept: there is a store, and every gateway that is linked holds to it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
};

use parking_lot::Mutex;
use settings::ConfigError;
use store::{
    contract::Store,
    sqlite::{OpenError, SqliteStore},
};
use uuid::Uuid;

use super::any_store::AnyStore;
use crate::{kept_settings::KeptArgs, status::GatewayIndex};

/// The store, and the gateways that hold to another one.
#[derive(Default)]
pub(crate) struct Keeping {
    store: Option<AnyStore>,
    others: Mutex<BTreeMap<GatewayIndex, Other>>,
    /// Whether there are any of these: looked at for each push.
    is_refused: AtomicBool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Other {
    gateway: String,
    store: Uuid,
}

/// Why nothing is kept here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotKept {
    /// There is no store.
    #[error("nothing is kept here: start pusher-api with --data DIR")]
    NoStore,
    /// A gateway would never bring what is kept here.
    #[error(
        "other_store: gateway {gateway} holds to store {theirs}, and this pusher-api has {ours}"
    )]
    OtherStore {
        /// What the gateway is called.
        gateway: String,
        /// Its store.
        theirs: Uuid,
        /// The store here.
        ours: Uuid,
    },
}

impl Keeping {
    /// Opens the store that the settings name, if they name one.
    ///
    /// # Errors
    /// It cannot be opened.
    pub(crate) fn open(settings: &KeptArgs) -> Result<Self, ConfigError> {
        let Some(settings) = settings.of_sqlite() else { return Ok(Self::default()) };
        let directory = settings.directory.clone();
        let unusable = |error: OpenError| {
            let (shown, error) = (directory.display().to_string(), error.to_string());
            let is_named = error.starts_with(&shown);
            let problem = if is_named { error } else { format!("{shown}: {error}") };
            ConfigError::new("--data", problem, "name a directory that this process may write to")
        };
        let store = SqliteStore::open(settings).map_err(unusable)?;
        tracing::info!(store = %store.id(), directory = %directory.display(), "store open");
        Ok(Self { store: Some(AnyStore::Sqlite(store)), ..Self::default() })
    }

    /// The store, if there is one, whatever the gateways hold to.
    pub(crate) fn store(&self) -> Option<&AnyStore> {
        self.store.as_ref()
    }

    /// Which store it is.
    pub(crate) fn id(&self) -> Option<Uuid> {
        self.store.as_ref().map(Store::id)
    }

    /// The store, where pushes may be kept in it.
    ///
    /// # Errors
    /// There is none, or a gateway holds to another one.
    pub(crate) fn for_pushes(&self) -> Result<&AnyStore, NotKept> {
        let store = self.store.as_ref().ok_or(NotKept::NoStore)?;
        if self.is_refused.load(Ordering::Relaxed)
            && let Some(other) = self.others.lock().values().next()
        {
            let Other { gateway, store: theirs } = other.clone();
            return Err(NotKept::OtherStore { gateway, theirs, ours: store.id() });
        }
        Ok(store)
    }

    /// A gateway has said which store it holds to.
    pub(crate) fn told(&self, link: GatewayIndex, gateway: &str, theirs: Option<Uuid>) {
        let (Some(ours), Some(theirs)) = (self.id(), theirs) else { return self.forget(link) };
        if theirs == ours {
            return self.forget(link);
        }
        let other = Other { gateway: gateway.to_owned(), store: theirs };
        let mut others = self.others.lock();
        if others.insert(link, other.clone()).as_ref() != Some(&other) {
            let reason = "it keeps messages somewhere else: pushes with a ttl are refused here";
            tracing::error!(gateway, %theirs, %ours, reason, "other_store");
        }
        self.is_refused.store(true, Ordering::Relaxed);
    }

    /// What a gateway said holds no longer: it is away for good, or has become another process.
    pub(crate) fn forget(&self, link: GatewayIndex) {
        let mut others = self.others.lock();
        if let Some(other) = others.remove(&link) {
            tracing::info!(gateway = other.gateway, "does not hold to another store any more");
        }
        self.is_refused.store(!others.is_empty(), Ordering::Relaxed);
    }

    /// Closes the store in order, beside the event loop. Nothing is kept any more.
    pub(crate) async fn close(&self) {
        if let Some(store) = self.store.clone() {
            // A panic in there has been told.
            let _ = tokio::task::spawn_blocking(move || store.close()).await;
        }
    }

    /// How many gateways hold to another store.
    pub(crate) fn others(&self) -> usize {
        self.others.lock().len()
    }

    /// What is wrong with keeping, in a sentence, where something is that is to pass.
    pub(crate) fn trouble(&self) -> Option<String> {
        match self.for_pushes() {
            Ok(store) => store.trouble().map(|reason| format!("nothing can be kept: {reason}")),
            Err(NotKept::NoStore) => None,
            Err(other) => Some(other.to_string()),
        }
    }
}
