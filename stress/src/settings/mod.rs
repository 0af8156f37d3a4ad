//! What is asked for: flags, and the values they stand for.
//!
//! Every scenario of [`scenarios`] has flags for its [`sessions`], its [`output`] and its
//! [`tolerance`], some for
//! [`pushes`], which come in [`phases`]. [`addresses`], [`sources`] and [`targets`] say what a URL
//! or a range of addresses stands for, [`waits`] how long polls wait, [`returning`] whether sessions come back, [`tls`] which
//! servers are believed.

pub(crate) mod addresses;
pub(crate) mod output;
pub(crate) mod phase;
pub(crate) mod phases;
pub(crate) mod pushes;
pub(crate) mod returning;
pub(crate) mod scenarios;
pub(crate) mod sessions;
mod sources;
pub(crate) mod targets;
pub(crate) mod tls;
pub(crate) mod tolerance;
pub(crate) mod waits;

pub use scenarios::Settings;
