//! The store: what it is made of, and how it asks.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use protocol::kept::{Log, Place};
use store::contract::StoreError;
use uuid::Uuid;

use super::{
    client::{Call, Client},
    kept::place,
    model::Limits,
    partitions::{Partitions, name},
    resp::Value,
    scripts::{Script, Scripts},
};

/// How many partitions a real store would have.
pub(crate) const PARTITIONS: usize = 256;

/// The keys of a log, as `scripts/log.lua` says.
const PARTS: [&str; 6] = [":s", ":m", ":x", ":b", ":k", ":d"];

/// What a script answered, behind how far its partition is.
pub(crate) type Answer = Result<std::vec::IntoIter<Value>, StoreError>;

/// A store in a cluster, under a prefix.
#[derive(Clone)]
pub(crate) struct RedisStore(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) id: Uuid,
    pub(crate) limits: Limits,
    pub(crate) partitions: Partitions,
    pub(crate) scripts: Scripts,
    client: Mutex<Client>,
    /// What is added to the servers' clocks, in milliseconds.
    ahead: AtomicU64,
}

impl RedisStore {
    pub(crate) fn open(seeds: Vec<u16>, prefix: &str, partitions: usize, limits: Limits) -> Self {
        let mut id = [0; 16];
        id[..prefix.len().min(16)].copy_from_slice(&prefix.as_bytes()[..prefix.len().min(16)]);
        Self(Arc::new(Inner {
            id: Uuid::from_bytes(id),
            limits,
            partitions: Partitions::new(prefix, partitions),
            scripts: Scripts::new(),
            client: Mutex::new(Client::new(seeds)),
            ahead: AtomicU64::new(0),
        }))
    }

    /// The same, as a process that has heard of nothing opens it.
    pub(crate) fn opened_again(&self, seeds: Vec<u16>) -> Self {
        let Partitions { prefix, .. } = &self.0.partitions;
        let again = Self::open(seeds, prefix, self.0.partitions.count(), self.0.limits);
        again.advance(self.0.ahead.load(Ordering::Relaxed));
        again
    }

    pub(crate) fn advance(&self, milliseconds: u64) {
        self.0.ahead.fetch_add(milliseconds, Ordering::Relaxed);
    }

    /// The port of the server that last answered for a log.
    pub(crate) fn port(&self, log: &Log) -> u16 {
        let call = self.0.in_log(&self.0.scripts.standing, log, Vec::new());
        self.0.client.lock().unwrap().port(&call)
    }

    pub(crate) fn moved(&self) -> usize {
        self.0.client.lock().unwrap().moved
    }
}

impl Inner {
    /// A run of a script in a partition.
    pub(crate) fn in_partition<'a>(
        &self,
        script: &'a Script,
        partition: usize,
        heard: Place,
        rest: Vec<Vec<u8>>,
    ) -> Call<'a> {
        let head = [self.ahead(), heard.number.to_string(), heard.check.to_string()];
        let arguments = head.into_iter().map(String::into_bytes).chain(rest).collect();
        let key = self.partitions.key(partition);
        let keys = ["", ":changed", ":due"].map(|part| format!("{key}{part}"));
        Call { script, keys: keys.into(), arguments, may_repeat: true }
    }

    /// A run of a script in a log.
    pub(crate) fn in_log<'a>(&self, script: &'a Script, log: &Log, rest: Vec<Vec<u8>>) -> Call<'a> {
        self.by_name(script, self.partitions.of(log), &name(log), rest)
    }

    fn by_name<'a>(
        &self,
        script: &'a Script,
        partition: usize,
        name: &str,
        rest: Vec<Vec<u8>>,
    ) -> Call<'a> {
        let keys = PARTS.map(|part| format!("{}{name}{part}", self.partitions.key(partition)));
        let rest = [name.into()].into_iter().chain(rest).collect();
        let mut call = self.in_partition(script, partition, self.partitions.heard(partition), rest);
        call.keys.extend(keys);
        call
    }

    pub(crate) fn ahead(&self) -> String {
        self.ahead.load(Ordering::Relaxed).to_string()
    }

    pub(crate) fn run(&self, calls: &[Call<'_>]) -> Vec<Result<Value, StoreError>> {
        let answers = self.client.lock().unwrap().run(calls);
        answers.into_iter().map(|answer| answer.map_err(StoreError::Away)).collect()
    }

    /// What a script in a log answered, behind how far its partition is.
    pub(crate) fn heard(&self, partition: usize, answer: Value) -> std::vec::IntoIter<Value> {
        let mut values = answer.list();
        let rest = values.split_off(2);
        self.partitions.hear(partition, place(Value::List(values)));
        rest.into_iter()
    }

    /// Runs a script in a log, and hears how far its partition is.
    pub(crate) fn ask(&self, script: &Script, log: &Log, rest: Vec<Vec<u8>>) -> Answer {
        self.ask_by_name(script, self.partitions.of(log), &name(log), rest)
    }

    pub(crate) fn ask_by_name(
        &self,
        script: &Script,
        partition: usize,
        name: &str,
        rest: Vec<Vec<u8>>,
    ) -> Answer {
        let mut answers = self.run(&[self.by_name(script, partition, name, rest)]);
        Ok(self.heard(partition, answers.remove(0)?))
    }
}
