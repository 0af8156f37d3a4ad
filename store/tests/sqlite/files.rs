//! What may have become of a store's file, and what may stand in its place.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use protocol::kept::{Gap, Gaps};
use rusqlite::Connection;
use store::{
    contract::{AppendError, Store as _, StoreError},
    sqlite::{OpenError, Settings, SqliteStore},
};

use crate::place::{Directory, after, everything, keep, push, texts, user};

fn only(gap: Gap) -> Gaps {
    Gaps::NONE.with(gap)
}

fn file(directory: &Directory) -> PathBuf {
    directory.settings().file()
}

/// Why it is not opened; the file must be as it was.
fn refused(directory: &Directory) -> OpenError {
    let before = fs::read(file(directory)).expect("it works");
    let Err(error) = SqliteStore::open(directory.settings()) else { panic!("it was opened") };
    assert!(
        before == fs::read(file(directory)).expect("it works"),
        "{error}: the file was changed"
    );
    error
}

fn cut(path: &Path, length: u64) {
    fs::OpenOptions::new()
        .write(true)
        .open(path)
        .expect("it works")
        .set_len(length)
        .expect("it works");
}

#[tokio::test]
async fn what_was_kept_is_there_after_a_restart_under_the_same_places() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    let place = keep(&store, &log, "1").await.place;
    let id = store.id();
    store.close();
    let store = directory.open();
    assert_eq!(store.id(), id);
    let next = keep(&store, &log, "2").await;
    assert_eq!(next.before, place);
    let page = after(&store, &log, place).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], Gaps::NONE));
    assert_ne!(next.place.check, place.check, "numbers of each run have a check of their own");
    assert_eq!(texts(&everything(&store, &log).await), ["1", "2"]);
}

#[test]
fn nobody_else_may_read_it() {
    let directory = Directory::new();
    let below = directory.settings().directory.join("below");
    let settings = Settings::new(&below);
    let path = settings.file();
    let _store = SqliteStore::open(settings).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&below), mode(&path)), (0o700, 0o600));
}

#[tokio::test]
async fn places_of_what_a_restored_file_does_not_know_are_not_believed() {
    let directory = Directory::new();
    let log = user("a");
    let store = directory.open();
    let known = keep(&store, &log, "1").await.place;
    store.close();
    let copy = fs::read(file(&directory)).unwrap();
    let store = directory.open();
    let lost = keep(&store, &log, "lost").await.place;
    store.close();
    fs::write(file(&directory), copy).unwrap();
    let store = directory.open();
    let page = after(&store, &log, lost).await;
    assert_eq!((texts(&page), page.gaps), (vec!["1".to_owned()], only(Gap::UnknownCursor)));
    let again = keep(&store, &log, "2").await.place;
    assert_eq!(again.number, lost.number, "the number is given once more");
    let page = after(&store, &log, lost).await;
    let both = vec!["1".to_owned(), "2".into()];
    assert_eq!((texts(&page), page.gaps), (both, only(Gap::UnknownCursor)));
    let page = after(&store, &log, known).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], Gaps::NONE));
}

#[tokio::test]
async fn a_file_that_was_cut_short_is_said_to_be() {
    let directory = Directory::new();
    let store = directory.open();
    for _ in 0..100 {
        keep(&store, &user("a"), &"x".repeat(1000)).await;
    }
    store.close();
    let whole = fs::metadata(file(&directory)).unwrap().len();
    for length in [whole - 4096, whole / 2 / 4096 * 4096, 10_000, 4096, 1000, 100] {
        cut(&file(&directory), length);
        let error = refused(&directory);
        assert!(matches!(error, OpenError::Damaged(_)), "{length} of {whole}: {error:?}");
    }
    cut(&file(&directory), 10);
    assert!(matches!(refused(&directory), OpenError::Foreign(_)));
}

#[test]
fn what_is_no_store_is_left_alone() {
    let directory = Directory::new();
    fs::write(file(&directory), b"not a database, but somebody's file\n".repeat(1000)).unwrap();
    assert!(matches!(refused(&directory), OpenError::Foreign(_)));
    fs::remove_file(file(&directory)).unwrap();
    let theirs = Connection::open(file(&directory)).unwrap();
    theirs.execute_batch("CREATE TABLE theirs (x)").unwrap();
    drop(theirs);
    assert!(matches!(refused(&directory), OpenError::Foreign(_)));
}

#[test]
fn a_store_of_a_newer_build_is_left_alone() {
    let directory = Directory::new();
    directory.open().close();
    let connection = Connection::open(file(&directory)).unwrap();
    connection.pragma_update(None, "user_version", 99).unwrap();
    connection.pragma_update_and_check(None, "wal_checkpoint", "truncate", |_| Ok(())).unwrap();
    drop(connection);
    let error = refused(&directory);
    assert!(matches!(error, OpenError::Newer { found: 99, .. }), "{error:?}");
}

#[test]
fn a_directory_that_cannot_be_made_is_named() {
    let directory = Directory::new();
    let below = directory.settings().directory.join("file");
    fs::write(&below, "").unwrap();
    let Err(error) = SqliteStore::open(Settings::new(below.join("store"))) else { panic!() };
    assert!(error.to_string().contains("file/store"), "{error}");
}

#[tokio::test]
async fn with_a_clock_that_was_set_back_nothing_is_kept_but_all_is_read() {
    let directory = Directory::new();
    let hour = Duration::from_secs(3600);
    let ahead = Settings { clock_ahead: hour, ..directory.settings() };
    let store = SqliteStore::open(ahead).unwrap();
    keep(&store, &user("a"), "1").await;
    store.close();
    let store = directory.open();
    let refused = store.append(push(&[user("a")], "2")).await;
    let Err(AppendError::Store(StoreError::Away(reason))) = refused else { panic!("{refused:?}") };
    assert!(reason.starts_with("the clock is set back by"), "{reason}");
    assert_eq!(store.trouble().as_ref(), Some(&reason));
    assert_eq!(texts(&everything(&store, &user("a")).await), ["1"]);
    store.advance(hour);
    keep(&store, &user("a"), "3").await;
    assert_eq!(store.trouble(), None);
}

#[tokio::test]
async fn after_the_end_it_says_that_it_is_closed() {
    let directory = Directory::new();
    let store = directory.open();
    store.close();
    let closed = StoreError::Away("it is closed".to_owned());
    assert_eq!(store.standing(user("a")).await, Err(closed.clone()));
    assert_eq!(store.append(push(&[user("a")], "2")).await, Err(closed.into()));
}
