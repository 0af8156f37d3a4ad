//! The model's sequences, over a file.

use std::time::Duration;

use store::sqlite::{Settings, SqliteStore};

use crate::{
    model::{Limits, Subject, run},
    place::Directory,
};

/// A store in a directory of its own.
struct InFile {
    // Closed before the directory goes.
    store: SqliteStore,
    _directory: Directory,
    settings: Settings,
}

impl InFile {
    fn new(limits: Limits) -> Self {
        let directory = Directory::new();
        let settings = Settings {
            kept_per_user: limits.user.messages,
            kept_bytes_per_user: limits.user.bytes,
            kept_per_topic: limits.topic.messages,
            kept_bytes_per_topic: limits.topic.bytes,
            ..directory.settings()
        };
        let store = SqliteStore::open(settings.clone()).expect("a new store");
        Self { store, _directory: directory, settings }
    }
}

impl Subject for InFile {
    type Store = SqliteStore;

    fn store(&self) -> &SqliteStore {
        &self.store
    }

    fn advance(&mut self, by: Duration) {
        self.settings.clock_ahead += by;
        self.store.advance(by);
    }

    fn reopen(&mut self) {
        self.store.close();
        self.store = SqliteStore::open(self.settings.clone()).expect("the same store");
    }
}

#[test]
fn a_file_keeps_the_contract() {
    run(60, InFile::new);
}
