//! Files whose change is noticed by looking at them now and then.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::Duration,
};

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Files, and how they looked last time.
///
/// Looking costs a system call for each; a second later is soon enough for keys, and unlike a watch
/// of the kernel it sees through links that are put in another's place, as Kubernetes does it.
#[derive(Debug, Default)]
pub struct WatchedFiles(Vec<(PathBuf, Option<Stamp>)>);

/// What a wait for changes came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Looked<O> {
    /// Whether a file has changed since it was looked at last.
    pub changed: bool,
    /// What somebody asks for.
    pub order: Option<O>,
}

/// What changes when a file is written or another is put in its place: device, inode, size, and when
/// content and inode changed last, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp([i128; 5]);

impl Stamp {
    fn of(path: &PathBuf) -> Option<Self> {
        const SECOND: i128 = 1_000_000_000;
        let file = fs::metadata(path).ok()?;
        let written = i128::from(file.mtime()) * SECOND + i128::from(file.mtime_nsec());
        let changed = i128::from(file.ctime()) * SECOND + i128::from(file.ctime_nsec());
        Some(Self([file.dev().into(), file.ino().into(), file.size().into(), written, changed]))
    }
}

impl WatchedFiles {
    /// Looks at them for the first time; one that is missing may come.
    pub fn new(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let stamped = paths.into_iter().map(|path| {
            let stamp = Stamp::of(&path);
            (path, stamp)
        });
        Self(stamped.collect())
    }

    /// Whether one of them has changed since it was looked at last.
    pub fn have_changed(&mut self) -> bool {
        let mut changed = false;
        for (path, stamp) in &mut self.0 {
            let now = Stamp::of(path);
            changed |= std::mem::replace(stamp, now) != now;
        }
        changed
    }

    /// Waits until it is time to look again, or for an order; none comes any more when nothing is
    /// returned. For a thread that reads the files, which blocks.
    pub fn look<O>(&mut self, orders: &Receiver<O>) -> Option<Looked<O>> {
        let order = match orders.recv_timeout(LOOK) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => return None,
        };
        Some(Looked { changed: self.have_changed(), order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_noticed_once() {
        let folder = std::env::temp_dir().join(format!("holdfast-watched-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (file, other) = (folder.join("file"), folder.join("other"));
        fs::write(&file, "a").unwrap();
        let mut watched = WatchedFiles::new([file.clone(), folder.join("missing")]);
        assert!(!watched.have_changed());
        let mut noticed = |what: &str| {
            assert!(watched.have_changed(), "{what}");
            assert!(!watched.have_changed(), "{what}, twice");
        };
        fs::write(&file, "longer").unwrap();
        noticed("written");
        fs::write(&other, "longer").unwrap();
        fs::rename(&other, &file).unwrap();
        noticed("replaced");
        fs::remove_file(&file).unwrap();
        noticed("gone");
        std::os::unix::fs::symlink(&other, &file).unwrap();
        fs::write(&other, "x").unwrap();
        noticed("a link");
        fs::write(folder.join("missing"), "").unwrap();
        noticed("come");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn an_order_is_not_waited_for_beyond_a_look() {
        let (give, taken) = std::sync::mpsc::sync_channel(1);
        let mut watched = WatchedFiles::default();
        give.send("read").unwrap();
        assert_eq!(watched.look(&taken), Some(Looked { changed: false, order: Some("read") }));
        assert_eq!(watched.look(&taken), Some(Looked { changed: false, order: None }));
        drop(give);
        assert_eq!(watched.look(&taken), None, "nobody is left to ask");
    }
}
