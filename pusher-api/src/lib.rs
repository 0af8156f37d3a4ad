//! pusher-api: takes pushes from backends over HTTP and forwards them to the gateways that hold
//! their users.
//!
//! [`start`] puts it all together. A push passes the modules from the top down: `http` reads the
//! request, `intake` has it checked by `validate` and told apart from repetitions by `dedupe`, and
//! gives it its frame; the `engine` finds out where it has to go, reserves room there and hands it
//! over. What is to outlive this moment is kept in the store of `keeping` before. What comes back goes to
//! `receipts`. Who may ask for it is in `keys`.
//!
//! The modules are declared from the top of the house downwards: each imports only what is declared
//! after it, which `tests/floors.rs` checks.

mod server;

mod threads;

mod http;

mod intake;

mod api;

mod dedupe;

mod engine;

mod receipts;

mod keeping;

mod keys;
mod tls;

mod validate;

mod metrics;

mod store_metrics;

mod commits;

mod status;

mod settings;

mod kept_settings;

mod backends;

mod stable_hash;

mod process;

mod websocket_url;

pub use crate::{
    server::{Running, StartError, start},
    settings::Settings,
    websocket_url::WebsocketUrl,
};

/// What fuzz targets reach into. Not a promise.
#[doc(hidden)]
pub mod internals {
    pub use crate::validate::{Line, Lines, Push, To, parse};
}
