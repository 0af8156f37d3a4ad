//! How every command takes its settings: flag beats environment beats file beats default.
//!
//! [`layers::parse`] merges the sources, [`units`], [`listen`], [`network`], [`endpoint`] and [`secret`] are
//! the kinds of values, [`guard`] what a listener beyond loopback needs, [`development`] says that nobody is asked, [`logging`] sets up what is
//! written to stderr, [`watched`] notices when a file has changed. A module imports only what is
//! declared after it.

pub mod development;
pub mod guard;
pub mod layers;
pub mod logging;

pub mod endpoint;
pub mod listen;
pub mod network;
pub mod secret;
pub mod units;
pub mod watched;

mod error;

pub use development::DevelopmentArgs;
pub use endpoint::Endpoint;
pub use error::ConfigError;
pub use guard::LinkSecretArgs;
pub use listen::ListenRange;
pub use network::Network;
pub use secret::Secret;
pub use watched::WatchedFiles;
