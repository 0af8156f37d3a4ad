//! The links to the gateways: one connection each, kept up for as long as the gateway is named.
//!
//! [`discovery`] turns the configured names into addresses and starts a [`gateway_link`] actor for
//! each, which keeps a [`connection`] going. Between the HTTP threads and the connection stands
//! the [`Link`]: what is written to it gathers in its [`outbox`], and what the gateway reports
//! goes to presence, receipts and [`answers`].

pub(crate) mod gateways;
pub(crate) mod outbox;

mod answers;
mod connect;
mod connection;
mod discovery;
mod failure;
mod gateway_link;
mod handle;
mod reader;
mod room;
mod state;
mod writer;

use std::{sync::Arc, time::Duration};

use settings::Secret;

pub(crate) use discovery::run as discover;
pub(crate) use gateways::Gateways;
pub(crate) use handle::Link;

use crate::{engine::local::presence::Presence, metrics::Metrics, receipts::Receipts};

/// An idle end of a link says that it is still there this often.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// A gateway that says nothing for so long is lost.
const SILENCE: Duration = Duration::from_secs(10);
/// How long connecting and the first exchange may take each.
const HANDSHAKE: Duration = Duration::from_secs(3);

/// What all links work with.
pub(crate) struct Services {
    /// Where users are.
    pub presence: Arc<Presence>,
    /// Who waits for receipts.
    pub receipts: Arc<Receipts>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The links there are.
    pub gateways: Arc<Gateways>,
    /// What this process proves itself with.
    pub secret: Option<Secret>,
    /// Bound of each link's queue, in bytes.
    pub queue: usize,
    /// How long presence and queue of a lost gateway are kept.
    pub grace: Duration,
}
