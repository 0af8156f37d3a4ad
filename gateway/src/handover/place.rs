//! Where a process waits for its successor: a Unix socket that only its own user can open, in a directory that
//! nobody else can change.

use std::{
    fs, io,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::{UnixListener, UnixStream},
    },
    path::{Path, PathBuf},
};

use rustix::process::geteuid;
use settings::ConfigError;

/// The flag that names it.
const FLAG: &str = "--takeover";
/// Rights of others to write: of the group, and of everybody (inode(7)).
const OTHERS_WRITE: u32 = 0o022;
const ROOT: u32 = 0;

/// Looks whether nobody else can put another socket there.
///
/// # Errors
/// Names the directory and what is wrong with it.
pub(crate) fn check(path: &Path) -> Result<(), ConfigError> {
    let wrong = |problem: String, expected: &str| Err(ConfigError::new(FLAG, problem, expected));
    let expected = "give a socket in a directory that only this user, or root, can write to";
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = parent.unwrap_or(Path::new("."));
    let shown = path.display();
    if path.file_name().is_none() {
        return wrong(format!("{shown} names no file"), expected);
    }
    let found = match fs::metadata(directory) {
        Ok(found) if found.is_dir() => found,
        Ok(_) => return wrong(format!("{} is no directory", directory.display()), expected),
        Err(error) => return wrong(format!("{}: {error}", directory.display()), expected),
    };
    let is_own = [geteuid().as_raw(), ROOT].contains(&found.uid());
    if !is_own || found.mode() & OTHERS_WRITE != 0 {
        let directory = directory.display();
        return wrong(
            format!("others can write to the directory of {shown}, {directory}"),
            expected,
        );
    }
    Ok(())
}

/// Connects to who waits there, if somebody does.
///
/// # Errors
/// Somebody may, and cannot be reached.
pub(crate) fn connect(path: &Path) -> io::Result<Option<UnixStream>> {
    match UnixStream::connect(path) {
        Ok(stream) => Ok(Some(stream)),
        Err(error) => match error.kind() {
            // Nobody was ever there, or whoever was has ended.
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Ok(None),
            _ => Err(error),
        },
    }
}

/// A socket that waits for a successor.
pub(crate) struct Place {
    path: PathBuf,
    /// Where it stands until it is published.
    temporary: PathBuf,
    /// Which file it is, so that another's is not taken for it.
    inode: u64,
    listener: UnixListener,
}

impl Place {
    /// Listens under another name, which nobody knows.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(format!(".{}", std::process::id()));
        let temporary = PathBuf::from(temporary);
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&temporary)?;
        fs::set_permissions(&temporary, fs::Permissions::from_mode(0o600))?;
        let inode = fs::metadata(&temporary)?.ino();
        Ok(Self { path: path.to_owned(), temporary, inode, listener })
    }

    /// Puts it in the place of whatever is there, at once.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn publish(&self) -> io::Result<()> {
        fs::rename(&self.temporary, &self.path)
    }

    /// Waits for a successor.
    ///
    /// # Errors
    /// The system refuses.
    pub(crate) fn accept(&self) -> io::Result<UnixStream> {
        self.listener.accept().map(|(stream, _)| stream)
    }

    /// Takes it away, unless another process has put its own there.
    pub(crate) fn withdraw(&self) {
        for path in [&self.temporary, &self.path] {
            if fs::symlink_metadata(path).is_ok_and(|found| found.ino() == self.inode) {
                // What is left is found to lead nowhere.
                let _ = fs::remove_file(path);
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.withdraw();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(mode: u32) -> PathBuf {
        let name = format!("holdfast-place-{}-{mode:o}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).expect("a directory");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("its rights");
        path
    }

    #[test]
    fn nobody_else_may_write_there() {
        for (mode, is_right) in [(0o700, true), (0o755, true), (0o770, false), (0o1777, false)] {
            let directory = directory(mode);
            assert_eq!(check(&directory.join("s")).is_ok(), is_right, "{mode:o}");
            fs::remove_dir_all(directory).expect("removed");
        }
        let missing = check(Path::new("/nowhere/at/all")).expect_err("it is not there");
        assert!(missing.to_string().contains("--takeover"), "{missing}");
    }

    #[test]
    fn the_newer_takes_the_place_and_the_older_leaves_it_alone() {
        let directory = directory(0o711);
        let path = directory.join("s");
        assert!(connect(&path).expect("nobody").is_none());
        let older = Place::open(&path).expect("opened");
        assert!(connect(&path).expect("not published").is_none());
        older.publish().expect("published");
        assert_eq!(fs::metadata(&path).expect("there").mode() & 0o777, 0o600);
        assert!(connect(&path).expect("there").is_some());
        let newer = Place::open(&path).expect("opened");
        newer.publish().expect("published");
        drop(older);
        assert!(connect(&path).expect("still there").is_some());
        drop(newer);
        assert!(connect(&path).expect("gone").is_none());
        fs::remove_dir(directory).expect("nothing is left");
    }
}
