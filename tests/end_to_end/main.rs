//! The real binary over loopback: what is promised to clients, backends and operators.
//!
//! [`contract`] holds every transport to the same promises, [`websocket`] is about RFC 6455 and
//! the HTTP in front of it, [`sse`] about streams of events and what browsers make of them, [`poll`] about
//! requests that wait, [`takeover`] about a gateway that gives everything to its successor, [`door`] about connections that are not sessions, [`tls`] about what is encrypted, [`dead_peers`] about clients that are
//! gone without a word, [`proxies`] about what stands in front, [`system`] about
//! gateways and pusher-apis together, [`kept`] about messages that are kept, [`stress`] about the load client, [`clients`] about the client library. [`harness`] starts the
//! processes, and [`deadlines`] checks that none outlives its test. Waits have a limit only so that a failure ends; nothing is measured.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

mod clients;
mod contract;
mod dead_peers;
mod deadlines;
mod door;
mod harness;
mod kept;
mod poll;
mod proxies;
mod sse;
mod stress;
mod system;
mod takeover;
mod tls;
mod websocket;
