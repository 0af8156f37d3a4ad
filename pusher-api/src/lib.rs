//! pusher-api: takes pushes from backends over HTTP and forwards them to the gateways that hold
//! their users.
//!
//! [`start`] puts it all together. A push passes the modules in this order: `http` reads the
//! request, [`validate`] checks it, `dedupe` recognises repetitions, `accept` gives it its frame,
//! `route` asks `presence` where it has to go, the `engine` reserves room there and hands it to
//! the `link`s. What comes back goes to `receipts` and `presence`.

mod settings;

mod server;

mod http;

mod api;

pub mod validate;

mod dedupe;

mod accept;

mod route;

mod presence;

mod engine;

mod link;

mod receipts;

mod metrics;
mod openapi;
mod page;

pub use crate::{
    server::{Running, StartError, start},
    settings::Settings,
};
