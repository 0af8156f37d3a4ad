//! pusher-api: takes pushes from backends over HTTP and forwards them to the gateways that hold
//! their users.
//!
//! [`start`] puts it all together. A push passes the modules in this order: `http` reads the
//! request, [`validate`] checks it, `dedupe` recognises repetitions, `intake` gives it its frame,
//! the `engine` finds out where it has to go, reserves room there and hands it over. What comes
//! back goes to `receipts`.

mod settings;

mod server;

mod http;

mod api;

pub mod validate;

mod dedupe;

mod intake;

mod engine;

mod receipts;

mod metrics;
mod status;

pub use crate::{
    server::{Running, StartError, start},
    settings::Settings,
};
