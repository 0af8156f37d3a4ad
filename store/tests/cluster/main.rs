//! Whether the contract of a store can be kept by Redis Cluster: each operation is one script in one partition, run
//! by six real servers. What came of it is in docs/decisions/store-over-redis.md.
//!
//! [`sequences`] lets the model's sequences run, [`failover`] kills masters, and [`sweep`] lets things expire, all over a
//! [`store`] that asks a [`client`] of the [`servers`] to run its [`scripts`].

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

#[path = "../model/mod.rs"]
mod model;

mod changes;
mod client;
mod cost;
mod failover;
mod kept;
mod operations;
mod partitions;
mod resp;
mod scripts;
mod sequences;
mod servers;
mod session;
mod store;
mod sweep;
