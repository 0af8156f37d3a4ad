//! What is counted and measured during a run.
//!
//! A worker counts in a [`tally`]: [`arrivals`], [`deliveries`], and of time [`distribution`]s and
//! [`span`]s; sessions that are asked to come back are in [`recalls`]. Its [`book`] follows each [`sequence`] of messages, which makes [`proofs`]. A rate that
//! was [`asked`] for is held against what became of it. A [`watch`] asks the gateways, whose [`exposition`] is read, and a [`timeline`] keeps
//! what was seen meanwhile.

pub(crate) mod arrivals;
pub(crate) mod asked;
pub(crate) mod book;
pub(crate) mod combined;
pub(crate) mod deliveries;
pub(crate) mod distribution;
mod exposition;
mod gateways;
pub(crate) mod machine;
pub(crate) mod point;
pub(crate) mod probed;
pub(crate) mod proofs;
pub(crate) mod quantiles;
pub(crate) mod recalls;
mod sequence;
mod span;
pub(crate) mod storm;
pub(crate) mod sum;
pub(crate) mod tally;
pub(crate) mod timeline;
pub(crate) mod watch;
