//! A port with a small application behind it, and peers that behave and misbehave, over loopback.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking, in their helpers, too")]

mod budgets;
mod fixture;
mod patience;
mod requests;
mod stopping;
mod tls;
mod upgrades;
