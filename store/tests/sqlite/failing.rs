//! Disks that are full, and files that others have locked.

use std::{fs, path::Path, process::Command, time::Duration};

use protocol::kept::Place;
use rusqlite::Connection;
use store::{
    contract::{AppendError, Store as _, StoreError},
    sqlite::{OpenError, Settings, SqliteStore},
};

use crate::place::{Directory, after, everything, keep, push, texts, user};

/// A small disk in memory, where that may be mounted.
struct Disk {
    directory: Directory,
}

impl Disk {
    fn mount(mebibytes: usize) -> Option<Self> {
        let directory = Directory::new();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(directory.settings().directory)
            .output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self { directory });
        }
        eprintln!("passed over: only root may mount a small disk");
        None
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _stays_mounted = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}

/// What an append that could not be kept was answered.
async fn reason(store: &SqliteStore, text: &str) -> Option<String> {
    match store.append(push(&[user("a")], text)).await {
        Err(AppendError::Store(StoreError::Away(reason))) => Some(reason),
        answer => answer.map(|_| None).expect("kept, or away"),
    }
}

async fn well_again(store: &SqliteStore) {
    while store.trouble().is_some() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_when_there_is_room_it_goes_on() {
    let Some(disk) = Disk::mount(4) else { return };
    let ballast = disk.path().join("ballast");
    fs::write(&ballast, vec![0; 2 << 20]).unwrap();
    let settings = Settings {
        kept_bytes_per_user: 1 << 30,
        kept_per_user: 1 << 20,
        ..disk.directory.settings()
    };
    let store = SqliteStore::open(settings).unwrap();
    let text = "x".repeat(60_000);
    let mut kept = 0;
    let reason = loop {
        match reason(&store, &format!("{kept}{text}")).await {
            Some(reason) => break reason,
            None => kept += 1,
        }
    };
    assert_eq!((reason.as_str(), store.trouble()), ("the disk is full", Some(reason.clone())));
    assert_eq!(everything(&store, &user("a")).await.messages.len(), kept);
    fs::remove_file(&ballast).unwrap();
    well_again(&store).await;
    keep(&store, &user("a"), "at last").await;
    store.close();
    let store = SqliteStore::open(disk.directory.settings()).unwrap();
    let page = everything(&store, &user("a")).await;
    assert_eq!((page.messages.len(), texts(&page).pop()), (kept + 1, Some("at last".to_owned())));
}

#[tokio::test]
async fn a_tenth_of_the_disk_is_left() {
    let Some(disk) = Disk::mount(64) else { return };
    let store = SqliteStore::open(Settings::new(disk.path())).unwrap();
    keep(&store, &user("a"), "1").await;
    let ballast = disk.path().join("ballast");
    // Less than a tenth is left, and more than the log takes until that is seen.
    fs::write(&ballast, vec![0; 60 << 20]).unwrap();
    let refused = loop {
        match store.append(push(&[user("a")], "2")).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => break error,
        }
    };
    assert_eq!(refused, AppendError::Full("kept_bytes"));
    fs::remove_file(&ballast).unwrap();
    while store.append(push(&[user("a")], "3")).await.is_err() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn while_others_have_the_file_locked_it_says_so() {
    let directory = Directory::new();
    let store = directory.open();
    keep(&store, &user("a"), "1").await;
    let theirs = Connection::open(directory.settings().file()).unwrap();
    theirs.execute_batch("BEGIN IMMEDIATE").unwrap();
    let locked = "the file is locked by another program";
    let (first, second) = futures::join!(reason(&store, "2"), reason(&store, "3"));
    assert_eq!((first.as_deref(), second.as_deref()), (Some(locked), Some(locked)));
    assert_eq!(store.trouble().as_deref(), Some(locked));
    assert_eq!(texts(&after(&store, &user("a"), Place::START).await), ["1"]);
    let Err(error) = SqliteStore::open(directory.settings()) else { panic!("it was opened") };
    assert!(matches!(error, OpenError::Locked), "{error:?}");
    theirs.execute_batch("COMMIT").unwrap();
    well_again(&store).await;
    keep(&store, &user("a"), "4").await;
    assert_eq!(texts(&everything(&store, &user("a")).await), ["1", "4"]);
}
