//! Files whose change is noticed by looking at them now and then.

use std::{fs, os::unix::fs::MetadataExt, path::PathBuf};

/// Files, and how they looked last time.
///
/// Looking costs a system call for each; a second later is soon enough for keys, and unlike a watch
/// of the kernel it sees through links that are put in another's place, as Kubernetes does it.
#[derive(Debug, Default)]
pub struct WatchedFiles(Vec<(PathBuf, Option<Stamp>)>);

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
}
