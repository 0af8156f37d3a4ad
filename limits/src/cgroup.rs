//! The memory that a process's control groups leave it, whichever version has the controller.

use std::{
    fs,
    path::{Path, PathBuf},
};

use procfs::process::{MountInfo, Process};

use crate::{
    kernel_text::{named_lines, numbers},
    process,
};

/// Limits from here on mean that there is none: version 1 writes the largest multiple of a page.
const UNLIMITED: u64 = 1 << 60;

/// Which version of control groups has the memory controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Version {
    V1,
    V2,
}

impl Version {
    fn limit_file(self) -> &'static str {
        match self {
            Self::V1 => "memory.limit_in_bytes",
            Self::V2 => "memory.max",
        }
    }

    /// Where processes are slowed down before that, if the version has it.
    fn throttle_file(self) -> Option<&'static str> {
        match self {
            Self::V1 => None,
            Self::V2 => Some("memory.high"),
        }
    }

    fn current_file(self) -> &'static str {
        match self {
            Self::V1 => "memory.usage_in_bytes",
            Self::V2 => "memory.current",
        }
    }

    /// Cached pages of files that were not read twice: the first to go when memory is short.
    fn cache_name(self) -> &'static str {
        match self {
            Self::V1 => "total_inactive_file",
            Self::V2 => "inactive_file",
        }
    }
}

/// A process's memory control group and those above it, each with a limit of its own.
#[derive(Debug, Clone)]
pub struct MemoryCgroup {
    version: Version,
    levels: Vec<PathBuf>,
}

/// The level that has the least room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemoryUse {
    /// The file with the limit.
    pub file: PathBuf,
    /// Whether the kernel slows its processes to a standstill there instead of killing them
    /// (memory.high).
    pub throttles: bool,
    /// Bytes it may use.
    pub limit: u64,
    /// Bytes it uses, without what the kernel can drop.
    pub used: u64,
    /// Whether idle sockets are charged in full: version 1 leaves out what is allocated in
    /// interrupts, before a process accepts the socket.
    pub charges_sockets: bool,
}

impl MemoryUse {
    /// Bytes left.
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.used)
    }
}

impl MemoryCgroup {
    /// That of a process, or of this one, if there is one.
    pub fn find(process: Option<u32>) -> Option<Self> {
        let process = process::open(process).ok()?;
        // Paths are told as seen from this process's own root of control groups, so its own mounts
        // fit them. A process in a container may have others, below its root.
        let own = Process::myself().ok()?;
        let inside = PathBuf::from(format!("/proc/{}/root", process.pid));
        Self::at(&process, &own, Path::new("/")).or_else(|| Self::at(&process, &process, &inside))
    }

    fn at(process: &Process, mounts: &Process, root: &Path) -> Option<Self> {
        let mounts = mounts.mountinfo().ok()?;
        process.cgroups().ok()?.into_iter().find_map(|group| {
            let version = match group.controllers.iter().any(|name| name == "memory") {
                true => Version::V1,
                false if group.hierarchy == 0 => Version::V2,
                false => return None,
            };
            let mount = mounts.iter().find(|mount| fits(mount, version))?;
            let top = root.join(mount.mount_point.strip_prefix("/").ok()?);
            let path = Path::new(&group.pathname);
            let below = path.strip_prefix(&mount.root).or_else(|_| path.strip_prefix("/")).ok()?;
            Self::below(version, &top, below)
        })
    }

    fn below(version: Version, top: &Path, below: &Path) -> Option<Self> {
        let lowest = top.join(below);
        let levels: Vec<_> = lowest
            .ancestors()
            .take_while(|level| level.starts_with(top))
            .filter(|level| level.join(version.limit_file()).exists())
            .map(Path::to_owned)
            .collect();
        (!levels.is_empty()).then_some(Self { version, levels })
    }

    /// The level with the least room, if any has a limit.
    pub fn tightest(&self) -> Option<MemoryUse> {
        self.levels.iter().filter_map(|level| self.read(level)).min_by_key(MemoryUse::left)
    }

    fn read(&self, level: &Path) -> Option<MemoryUse> {
        let limit = |file: &str, throttles| {
            let file = level.join(file);
            let limit = number(&file).filter(|limit| *limit < UNLIMITED)?;
            Some((limit, throttles, file))
        };
        let hard = limit(self.version.limit_file(), false);
        let high = self.version.throttle_file().and_then(|file| limit(file, true));
        // Whoever is above memory.high is hardly let on, so what lies between the two is of no use.
        let (limit, throttles, file) = hard.into_iter().chain(high).min_by_key(|it| it.0)?;
        let current = number(&level.join(self.version.current_file()))?;
        let stat = fs::read_to_string(level.join("memory.stat")).unwrap_or_default();
        let cache = named_lines(&stat).get(self.version.cache_name()).copied();
        let used = current.saturating_sub(cache.unwrap_or_default());
        let charges_sockets = self.version == Version::V2;
        Some(MemoryUse { file, throttles, limit, used, charges_sockets })
    }

    /// Version 1's soft limit of the process's own level, if one is set. It stops nobody.
    pub fn soft_limit(&self) -> Option<u64> {
        let file = self.levels.first()?.join("memory.soft_limit_in_bytes");
        number(&file).filter(|limit| *limit < UNLIMITED)
    }

    /// How often the process's own level ran into a limit, and how many processes that cost.
    pub fn events(&self) -> (u64, u64) {
        let read = |file: &str| fs::read_to_string(self.levels[0].join(file)).unwrap_or_default();
        let (hits, kills) = match self.version {
            Version::V1 => (read("memory.failcnt"), named_lines(&read("memory.oom_control"))),
            Version::V2 => (String::new(), named_lines(&read("memory.events"))),
        };
        let value = |name: &str| kills.get(name).copied().unwrap_or_default();
        let hits = hits.trim().parse();
        (hits.unwrap_or_else(|_| value("max").saturating_add(value("high"))), value("oom_kill"))
    }
}

fn fits(mount: &MountInfo, version: Version) -> bool {
    match version {
        Version::V1 => mount.fs_type == "cgroup" && mount.super_options.contains_key("memory"),
        Version::V2 => mount.fs_type == "cgroup2",
    }
}

fn number(file: &Path) -> Option<u64> {
    numbers(&fs::read_to_string(file).ok()?)?.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with files like those of a control group.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            fs::create_dir_all(path.join("a/b")).unwrap();
            Self(path)
        }

        fn write(&self, file: &str, text: &str) {
            fs::write(self.0.join(file), text).unwrap();
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_level_with_the_least_room_counts() {
        let folder = Folder::new("cgroup-v2");
        for (level, limit, current) in [("a", "1000", "700"), ("a/b", "max", "100")] {
            folder.write(&format!("{level}/memory.max"), limit);
            folder.write(&format!("{level}/memory.current"), current);
            folder.write(&format!("{level}/memory.stat"), "anon 5\ninactive_file 50\n");
        }
        folder.write("a/b/memory.events", "max 3\noom_kill 1\n");
        let group = MemoryCgroup::below(Version::V2, &folder.0, Path::new("a/b")).unwrap();
        let tightest = group.tightest().unwrap();
        assert_eq!((tightest.limit, tightest.used, tightest.left()), (1000, 650, 350));
        assert_eq!(tightest.file, folder.0.join("a/memory.max"));
        assert_eq!(group.events(), (3, 1));
        folder.write("a/b/memory.max", "200");
        assert_eq!(group.tightest().unwrap().left(), 150);
        // What slows down comes before what kills, and counts.
        folder.write("a/b/memory.high", "max");
        assert!(!group.tightest().unwrap().throttles);
        folder.write("a/b/memory.high", "120");
        let high = group.tightest().unwrap();
        assert_eq!((high.left(), high.throttles), (70, true));
        assert_eq!(high.file, folder.0.join("a/b/memory.high"));
        folder.write("a/b/memory.events", "high 9\nmax 3\noom_kill 1\n");
        assert_eq!(group.events(), (12, 1));
        assert_eq!(group.soft_limit(), None);
    }

    #[test]
    fn version_1_has_other_files_and_another_word_for_none() {
        let folder = Folder::new("cgroup-v1");
        folder.write("memory.limit_in_bytes", "9223372036854771712\n");
        folder.write("a/memory.limit_in_bytes", "4096\n");
        folder.write("a/memory.usage_in_bytes", "4000\n");
        folder.write("a/memory.stat", "inactive_file 1\ntotal_inactive_file 1000\n");
        folder.write("a/memory.failcnt", "12\n");
        folder.write("a/memory.oom_control", "oom_kill_disable 0\noom_kill 2\n");
        let group = MemoryCgroup::below(Version::V1, &folder.0, Path::new("a")).unwrap();
        assert_eq!(group.tightest().unwrap().used, 3000);
        folder.write("a/memory.soft_limit_in_bytes", "9223372036854771712\n");
        assert_eq!(group.soft_limit(), None);
        folder.write("a/memory.soft_limit_in_bytes", "2048\n");
        assert_eq!((group.soft_limit(), group.tightest().unwrap().limit), (Some(2048), 4096));
        assert_eq!(group.events(), (12, 2));
        assert!(
            MemoryCgroup::below(Version::V1, &folder.0, Path::new(""))
                .unwrap()
                .tightest()
                .is_none()
        );
        assert!(MemoryCgroup::below(Version::V2, &folder.0, Path::new("a")).is_none());
    }
}
