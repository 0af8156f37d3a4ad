//! The keys in force, and who keeps them up to date: those that backends present, and the link secret
//! that this process shows to gateways.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use parking_lot::RwLock;
use protocol::bearer::Refused;
use settings::{ConfigError, Secret, WatchedFiles, watched::Looked};
use tracing::{error, info};

use crate::{
    backends::{Backend, Backends},
    metrics::Metrics,
    settings::Settings,
    tls::Tls,
};

/// The keys that are in force now.
#[derive(Default)]
pub(crate) struct Keys {
    in_force: RwLock<InForce>,
    /// Certificates, which are kept up to date apart from keys.
    pub tls: Tls,
}

#[derive(Default)]
struct InForce {
    backends: Backends,
    link_secret: Option<Secret>,
}

impl Keys {
    /// Reads them for the first time.
    ///
    /// # Errors
    /// Names the flag, and the file, that is wrong.
    pub(crate) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let in_force = InForce::read(settings).map(RwLock::new)?;
        Ok(Self { in_force, tls: Tls::load(settings)? })
    }

    /// Whether everybody may do everything. That does not change: a file without keys is a wrong one.
    pub(crate) fn are_open(&self) -> bool {
        self.in_force.read().backends.is_empty()
    }

    /// How many keys backends may present.
    pub(crate) fn count(&self) -> usize {
        self.in_force.read().backends.len()
    }

    /// Whose key stands in the text of an `Authorization` header.
    ///
    /// # Errors
    /// There is no key in it, or one that is not in force.
    pub(crate) fn find(&self, header: Option<&str>) -> Result<Backend, Refused> {
        self.in_force.read().backends.find(header)
    }

    /// What this process proves itself with when a link is opened.
    pub(crate) fn link_secret(&self) -> Option<Secret> {
        self.in_force.read().link_secret.clone()
    }
}

impl InForce {
    fn read(settings: &Settings) -> Result<Self, ConfigError> {
        Ok(Self { backends: settings.backends()?, link_secret: settings.secret()? })
    }
}

/// Keeps the keys up to date, on a thread of its own.
pub(crate) struct Keeper {
    settings: Settings,
    watched: WatchedFiles,
    taken: Receiver<()>,
}

/// Has the keys read again when it is asked to; they are kept up to date as long as it lives.
pub(crate) struct ReadAgain(SyncSender<()>);

impl ReadAgain {
    /// Has them read, without waiting for it.
    pub(crate) fn ask(&self) {
        // Full: somebody has asked already.
        let _ = self.0.try_send(());
    }
}

impl Keeper {
    /// Watches the files from now on: to be made before they are read, so that no change is missed.
    pub(crate) fn new(settings: &Settings) -> (Self, ReadAgain) {
        let (ask, taken) = sync_channel(1);
        let watched = WatchedFiles::new(files(settings));
        (Self { settings: settings.clone(), watched, taken }, ReadAgain(ask))
    }

    /// Keeps these keys from now on.
    pub(crate) fn start(self, keys: Arc<Keys>, metrics: Arc<Metrics>) {
        metrics.show_keys(keys.count());
        let keep = move || self.keep(&keys, &metrics);
        if let Err(error) = thread::Builder::new().name("keys".to_owned()).spawn(keep) {
            error!(%error, "no thread for keys: they stay as they are");
        }
    }

    fn keep(mut self, keys: &Keys, metrics: &Metrics) {
        while let Some(Looked { changed, order }) = self.watched.look(&self.taken) {
            if changed || order.is_some() {
                self.read_again(keys, metrics);
            }
        }
    }

    /// Reads every file; the old keys stay if one of them is wrong.
    fn read_again(&self, keys: &Keys, metrics: &Metrics) {
        let read = InForce::read(&self.settings);
        metrics.key_reloads.count("files", read.is_ok());
        match read {
            Ok(read) => {
                *keys.in_force.write() = read;
                let count = keys.count();
                info!(keys = count, "keys read again");
                metrics.show_keys(count);
            }
            Err(error) => {
                error!(%error, "keys cannot be read again; those of before stay in force");
            }
        }
    }
}

fn files(settings: &Settings) -> impl Iterator<Item = PathBuf> {
    settings.api_key_file.iter().chain(&settings.link.link_secret_file).cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_file_leaves_the_keys_of_before() {
        let file = std::env::temp_dir().join(format!("holdfast-kept-{}", std::process::id()));
        let settings = Settings { api_key_file: Some(file.clone()), ..Settings::default() };
        std::fs::write(&file, "old").unwrap();
        let (keys, metrics) = (Keys::read(&settings).unwrap(), Metrics::default());
        let (keeper, _ask) = Keeper::new(&settings);
        let takes = |key: &str| keys.find(Some(&format!("Bearer {key}"))).is_ok();
        for (text, expected) in [
            ("new\n", ["new", "old"]),
            ("# none\n", ["new", "old"]),
            ("ci:pusj:old\n", ["new", "old"]),
            ("old\n", ["old", "new"]),
        ] {
            std::fs::write(&file, text).unwrap();
            keeper.read_again(&keys, &metrics);
            assert_eq!(expected.map(takes), [true, false], "{text}");
            assert!(!keys.are_open(), "{text}");
        }
        std::fs::remove_file(file).unwrap();
    }
}
