//! Merges command line, environment and file into the typed settings of a command.
//!
//! Each flag `--some-flag` is also the environment variable `HOLDFAST_SOME_FLAG` and the key
//! `some-flag` of the file named with `--config`. What the [`mod@file`] says is handed to clap as if it
//! stood on the command line, but only where neither the command line nor the [`environment`] speaks,
//! so the same parsers check every source. [`words`] says what is wrong, and which source said it, and
//! [`listing`] what can be said at all.

pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod listing;
mod parse;
pub(crate) mod words;

pub use listing::{documented, every_key};
pub use parse::parse;
