//! Sends probes at a steady rate beside the sessions, and measures when their answers come.
//!
//! One [`thread`], one epoll. [`rounds`] begins what an [`order`] says; each probe has a time when
//! it is due, and is measured from there. Probes that need a connection of their own are in
//! [`exchange`], each with a [`server`], those over a persistent one in [`echo`], and what became of all is in a
//! [`ledger`].

pub(crate) mod echo;
mod exchange;
mod hearing;
mod ledger;
pub(crate) mod order;
mod rounds;
mod server;
pub(crate) mod thread;
