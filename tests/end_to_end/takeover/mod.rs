//! A gateway that gives its listeners and live sessions to its successor: [`sessions`] go on and get every push once,
//! [`kept`] ones, too; [`refusals`] leave everything as it is; [`deaths`] of either on the way leave each session with
//! one of them or with none; [`signals`] start the successor.

mod deaths;
mod kept;
mod refusals;
mod sessions;
mod signals;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::harness::{Gateway, eventually, files::TestDirectory};

/// A gateway that waits for its successor, and the directory of its socket.
struct Waiting {
    gateway: Gateway,
    directory: TestDirectory,
}

/// Waits until more than so many more are done than there are now.
fn await_more(than: u64, what: &str, done: &AtomicU64) {
    let begun = done.load(Ordering::Relaxed);
    eventually(what, || (done.load(Ordering::Relaxed) > begun + than).then_some(()));
}

/// The directory of a socket.
fn directory() -> TestDirectory {
    let directory = TestDirectory::new("takeover");
    fs::create_dir(directory.path()).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o700)).unwrap();
    directory
}

impl Waiting {
    /// With these flags more.
    fn start(flags: &[&str]) -> Self {
        let directory = directory();
        let takeover = format!("--takeover={}/socket", directory.path().display());
        let gateway = Gateway::start(&[&[takeover.as_str()], flags].concat());
        Self { gateway, directory }
    }

    /// Its successor takes everything over, and it ends well.
    fn succeed(&mut self, flags: &[&str]) {
        let process = self.gateway.start_successor(flags);
        let successor = self.gateway.succeeded_by(process);
        let status = self.gateway.wait();
        assert_eq!(status.code(), Some(0), "{:?}", self.gateway.process.log());
        self.gateway = successor;
    }
}
