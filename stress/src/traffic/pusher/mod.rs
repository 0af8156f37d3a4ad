//! Sends messages through pusher-api.
//!
//! It shares two cores with the clients, the gateways and pusher-api, so it is lean rather than
//! general: one thread, one epoll, a few keep-alive connections with one request under way on
//! each, requests that are put together as text, and responses of which only status and length
//! are parsed. [`run()`] goes by an [`Order`]: [`schedule`] says what is due, [`message`] writes it,
//! [`connection`] carries it, [`http`] reads the answer, and an [`Outcome`] is left.

mod connection;
mod http;
mod message;
mod order;
mod outcome;
mod run;
mod schedule;

pub(crate) use {order::Order, outcome::Outcome, run::run};
