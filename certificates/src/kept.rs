//! What was read from files, kept up to date.

use std::{
    path::PathBuf,
    sync::{
        Arc, Weak,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
};

use parking_lot::{Mutex, RwLock};
use settings::{ConfigError, WatchedFiles, watched::Looked};
use tracing::{error, info};

/// Files that can be read again.
pub trait Source: Send + Sync + 'static {
    /// What comes of them.
    type Read: Send + Sync;

    /// Reads every file.
    ///
    /// # Errors
    /// One of them is wrong.
    fn read(&self) -> Result<Self::Read, ConfigError>;

    /// The files, to be watched.
    fn paths(&self) -> Vec<PathBuf>;
}

/// What was read last and was good.
pub struct Kept<S: Source> {
    source: S,
    in_force: RwLock<Arc<S::Read>>,
    watched: Mutex<WatchedFiles>,
}

/// Has files read again when it is asked to; they are kept up to date as long as it lives.
#[derive(Debug)]
pub struct ReadAgain(SyncSender<()>);

impl ReadAgain {
    /// Has them read, without waiting for it.
    pub fn ask(&self) {
        // Full: somebody has asked already.
        let _ = self.0.try_send(());
    }
}

impl<S: Source> Kept<S> {
    /// Reads the files for the first time.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn load(source: S) -> Result<Arc<Self>, ConfigError> {
        // Before they are read, so that a change in between is seen.
        let watched = Mutex::new(WatchedFiles::new(source.paths()));
        let in_force = RwLock::new(Arc::new(source.read()?));
        Ok(Arc::new(Self { source, in_force, watched }))
    }

    /// What is in force.
    pub fn now(&self) -> Arc<S::Read> {
        Arc::clone(&self.in_force.read())
    }

    /// Reads every file again; what was read before stays in force if one of them is wrong. Says in the
    /// log what came of it.
    ///
    /// # Errors
    /// One of them is wrong.
    pub fn read_again(&self) -> Result<(), ConfigError> {
        match self.source.read() {
            Ok(read) => {
                *self.in_force.write() = Arc::new(read);
                info!("certificates read again");
                Ok(())
            }
            Err(error) => {
                error!(%error, "certificates cannot be read again; those of before stay in force");
                Err(error)
            }
        }
    }

    /// Has a thread read the files again when one of them changes or somebody asks for it; `done` hears
    /// what is in force then, and whether the files were good.
    pub fn keep(self: &Arc<Self>, done: impl FnMut(&S::Read, bool) + Send + 'static) -> ReadAgain {
        let (ask, taken) = sync_channel(1);
        let watched = std::mem::take(&mut *self.watched.lock());
        let kept = Arc::downgrade(self);
        let keep = move || Self::watch(&kept, watched, &taken, done);
        if let Err(error) = thread::Builder::new().name("certificates".to_owned()).spawn(keep) {
            error!(%error, "no thread for certificates: they stay as they are");
        }
        ReadAgain(ask)
    }

    fn watch(
        kept: &Weak<Self>,
        mut watched: WatchedFiles,
        asked: &Receiver<()>,
        mut done: impl FnMut(&S::Read, bool),
    ) {
        while let Some(Looked { changed, order }) = watched.look(asked)
            && let Some(kept) = kept.upgrade()
        {
            if changed || order.is_some() {
                let is_good = kept.read_again().is_ok();
                done(&kept.now(), is_good);
            }
        }
    }
}
