//! What gateway and pusher-api serve in the same way, and what stands in front of it on any port.
//!
//! [`listen`] opens sockets and [`accept`] takes connections off their queues. [`port`] serves those
//! of one thread: each has a seat in a [`budget`] and is a connection, which reads heads and bodies
//! as they are asked for and answers one request after the other, by an actix-web application or by
//! an [`upgrade`]. Its [`stream`] may be one inside TLS, and requests say how they are [`secured`]. Who waits too long, or longest when room is needed, is given up. [`room`] says how
//! large a budget may be.
//!
//! What one end of a link tells the other whenever it has changed goes by [`changes`].
//!
//! A [`problem`] becomes a response, [`health`] is answered, [`metrics`] are registered and shown
//! ([`exposition`]), with those of keys that are read again ([`reloads`]) and with what the process takes
//! of the machine.
//!
//! A module imports only what is declared after it, which `tests/floors.rs` checks.

pub mod accept;
pub mod listen;
pub mod port;

mod connection;

mod handshake;

mod answer;
pub mod body;
mod head;

mod wire;

pub mod budget;
pub mod counters;
mod ending;
mod handshakes;
mod waits;

pub mod room;

pub mod exposition;
pub mod health;
pub mod reloads;
pub mod upgrade;

pub mod secured;
pub mod stream;

pub mod metrics;
mod process;
mod signed;

pub mod problem;

pub mod changes;

pub use crate::waits::Patience;
