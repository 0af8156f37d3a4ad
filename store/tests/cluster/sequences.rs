//! The model's sequences, over a cluster.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use super::{
    model::{Limits, Subject, run},
    servers::{MASTERS, Servers},
    store::RedisStore,
};

/// A store under a prefix of its own.
struct InCluster<'a> {
    store: RedisStore,
    servers: &'a Servers,
}

impl<'a> InCluster<'a> {
    fn new(servers: &'a Servers, limits: Limits) -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let prefix = format!("case{}:", COUNT.fetch_add(1, Ordering::Relaxed));
        // Few, so that logs share some.
        Self { store: RedisStore::open(servers.ports(), &prefix, 3, limits), servers }
    }
}

impl Subject for InCluster<'_> {
    type Store = RedisStore;

    fn store(&self) -> &RedisStore {
        &self.store
    }

    fn advance(&mut self, by: Duration) {
        self.store.advance(by.as_millis() as u64);
    }

    /// Another client, and masters whose reigns are new, as if others had been made masters with all they had.
    fn reopen(&mut self) {
        for master in 0..MASTERS {
            self.servers.ask(master, "DEBUG CHANGE-REPL-ID");
        }
        self.store = self.store.opened_again(self.servers.ports());
    }
}

#[test]
fn a_cluster_keeps_the_contract() {
    let servers = Servers::start();
    run(80, |limits| InCluster::new(&servers, limits));
}
