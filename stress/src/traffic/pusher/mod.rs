//! Sends messages through pusher-api.
//!
//! It shares two cores with the clients, the gateways and pusher-api, so it is lean rather than
//! general: one thread, one epoll, a few keep-alive connections with one request under way on each,
//! requests that are put together as text, and responses of which only status and length are
//! parsed. [`run()`] goes by an [`order`]: [`schedule`] says what is due, [`message`] writes it
//! with its place in one of the [`sequences`],
//! [`connection`] carries it, [`http`] reads the answer, and an [`outcome`] is left.

mod connection;
mod http;
mod message;
pub(crate) mod order;
pub(crate) mod outcome;
mod run;
mod schedule;
pub(crate) mod sequences;

pub(crate) use run::run;
