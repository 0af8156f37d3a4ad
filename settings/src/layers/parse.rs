//! From all sources to the settings of a command.

use std::ffi::OsString;

use super::{environment, file, words};
use crate::ConfigError;

/// Parses the arguments (program name first) of a command that derives [`clap::Parser`].
/// `--help` and `--version` print and exit with 0. A variable that looks like a setting and is none is
/// named on stderr.
///
/// # Errors
/// A flag, variable or key that is unknown or has a wrong value.
pub fn parse<T: clap::Parser>(arguments: Vec<OsString>) -> Result<T, ConfigError> {
    // A command that is also a default (`holdfast` for `holdfast up`) has flags of its own, whose
    // variables must not be read, and refused, when a subcommand is what is meant.
    let bare = T::command().ignore_errors(true).try_get_matches_from(&arguments);
    let is_leaf = bare.map_or(true, |matches| matches.subcommand().is_none());
    let command = environment::with_variables(T::command(), is_leaf);
    environment::warn_of_strangers(&command);
    let first = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let from_file = match &first {
        Ok(matches) => file::arguments(&command, matches)?,
        Err(_) => file::FromFile::default(),
    };
    let all = arguments.iter().cloned().chain(from_file.arguments.iter().map(OsString::from));
    let said = |error: &clap::Error| words::usage(error, &arguments, &from_file);
    let matches = command.try_get_matches_from(all).map_err(|error| said(&error))?;
    T::from_arg_matches(&matches).map_err(|error| said(&error))
}
