//! The gateway: holds client sessions and delivers pushes to them.
//!
//! A client comes in by [`listen`], [`accept`] and [`arrivals`], speaks HTTP ([`http`]) or TCP
//! ([`transports`]), says who it is ([`handshake`], [`auth`]), finds room ([`admission`]) and
//! becomes a [`session`] on a [`worker`], entered in [`registry`] and [`topics`], and woken by
//! [`reactor`] and [`wheel`].
//!
//! A push comes down a [`link`], is handed out by [`deliver`] or [`broadcast`] as one shared
//! [`frame`], and is written by the session or waits in its [`outbound`] queue.

pub mod descriptors;
pub mod foresight;
pub mod settings;

pub mod gateway;
pub mod listen;

pub mod accept;
pub mod arrivals;
pub mod begun;
pub mod http;
pub mod transports;

pub mod admission;
pub mod auth;
pub mod handshake;
pub mod memory;

pub mod reactor;
pub mod registry;
pub mod session;
pub mod timer;
pub mod topics;
pub mod wheel;
pub mod worker;

pub mod broadcast;
pub mod deliver;
pub mod frame;
pub mod link;
pub mod outbound;

pub mod metrics;
pub mod operators;
pub mod probe;

mod run;

pub use self::{
    run::{Running, StartError, start},
    settings::Settings,
};
