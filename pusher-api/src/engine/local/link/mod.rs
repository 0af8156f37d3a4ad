//! The links to the gateways: one connection each, kept up for as long as the gateway is named.
//!
//! [`discovery`] turns the configured names into addresses and starts a [`gateway_link`] actor for
//! each, which keeps a [`connection`] going. Between the HTTP threads and the connection stands
//! the [`handle`]: what is written to it gathers in its [`outbox`], and what the gateway reports
//! goes to presence, receipts and [`answers`], or on to other gateways whose [`devices`] it concerns,
//! where this process has been chosen ([`decided`]); requests for their sessions are passed on by
//! [`relays`], [`questions`] to the store are answered here. Each is told what the [`others`] have. Gateways may be of another build: a connection
//! keeps to the [`terms`] it begins with, and what is [`unknown`] is passed over.

pub(crate) mod discovery;

mod gateway_link;

mod connection;

mod connect;

mod terms;

mod reader;
mod writer;

mod devices;
mod others;
mod relays;

mod questions;

mod store_answers;

mod bare;
mod unknown;

pub(crate) mod services;

pub(crate) mod gateways;

pub(crate) mod question;

pub(crate) mod handle;

mod decided;
mod peer;
mod standing;

mod missed;
mod outgoing;

pub(crate) mod outbox;

mod answers;

pub(crate) mod fan_out;

pub(crate) mod room;

mod failure;

mod patience;
