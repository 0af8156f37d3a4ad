//! Merges command line, environment and file into the typed settings of a command.
//!
//! Each flag `--some-flag` is also the environment variable `HOLDFAST_SOME_FLAG` and the key
//! `some-flag` of the file named with `--config`. What the file says is handed to clap as if it
//! stood on the command line, but only where neither the command line nor the environment speaks,
//! so the same parsers check every source.

use std::{ffi::OsString, fs, path::Path};

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use toml::{Table, Value};

use crate::ConfigError;

/// Parses the arguments (program name first) of a command that derives [`clap::Parser`].
/// `--help` and `--version` print and exit with 0.
///
/// # Errors
/// A flag, variable or key that is unknown or has a wrong value.
pub fn parse<T: clap::Parser>(arguments: Vec<OsString>) -> Result<T, ConfigError> {
    // A command that is also a default (`holdfast` for `holdfast up`) has flags of its own, whose
    // variables must not be read, and refused, when a subcommand is what is meant.
    let bare = T::command().ignore_errors(true).try_get_matches_from(&arguments);
    let is_leaf = bare.map_or(true, |matches| matches.subcommand().is_none());
    let command = with_environment(T::command(), is_leaf);
    let first = command.clone().ignore_errors(true).try_get_matches_from(&arguments);
    let from_file = match first.as_ref().ok().map(|matches| leaf(&command, matches)) {
        Some((leaf_command, leaf_matches)) => file_arguments(leaf_command, leaf_matches)?,
        None => Vec::new(),
    };
    let all = arguments.into_iter().chain(from_file.iter().map(OsString::from));
    let matches = command.try_get_matches_from(all).map_err(|error| usage_error(&error))?;
    T::from_arg_matches(&matches).map_err(|error| usage_error(&error))
}

/// Prints help and version as clap does; turns every other error into ours.
fn usage_error(error: &clap::Error) -> ConfigError {
    if !error.use_stderr() {
        error.exit();
    }
    let text = error.to_string();
    let mut lines = text.trim_start_matches("error: ").lines();
    let problem = lines.next().unwrap_or_default().to_owned();
    let hints: Vec<_> = lines
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("For more information"))
        .collect();
    let expected = match hints.is_empty() {
        true => "see --help".to_owned(),
        false => hints.join("; "),
    };
    ConfigError::new("usage", problem, expected)
}

fn with_environment(command: Command, own: bool) -> Command {
    let named = command.mut_subcommands(|inner| with_environment(inner, true));
    if !own {
        return named;
    }
    named.mut_args(|arg| match arg.get_long() {
        Some("help" | "version") | None => arg,
        Some(flag) => {
            let (key, variable) = (flag.to_owned(), variable_of(flag));
            let help = arg.get_help().cloned().unwrap_or_default();
            let file_key = if key == "config" { String::new() } else { format!(" [key: {key}]") };
            arg.help(format!("{help}{file_key}")).env(variable).hide_env_values(true)
        }
    })
}

fn variable_of(flag: &str) -> String {
    format!("HOLDFAST_{}", flag.replace('-', "_").to_uppercase())
}

/// The innermost subcommand that was named.
fn leaf<'a>(command: &'a Command, matches: &'a ArgMatches) -> (&'a Command, &'a ArgMatches) {
    match matches.subcommand() {
        Some((name, inner)) => match command.find_subcommand(name) {
            Some(subcommand) => leaf(subcommand, inner),
            None => (command, matches),
        },
        None => (command, matches),
    }
}

fn file_arguments(command: &Command, matches: &ArgMatches) -> Result<Vec<String>, ConfigError> {
    if !command.get_arguments().any(|arg| arg.get_id() == "config") {
        return Ok(Vec::new());
    }
    let Some(file) = matches.get_one::<std::path::PathBuf>("config") else {
        return Ok(Vec::new());
    };
    let mut arguments = Vec::new();
    for (key, value) in read_table(file)? {
        let arg = find(command, &key, file)?;
        let given = matches.value_source(arg.get_id().as_str());
        if matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            continue;
        }
        arguments.extend(flags_of(arg, &key, &value, file)?);
    }
    Ok(arguments)
}

fn read_table(file: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(file).map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new("--config", problem, "name a readable TOML file")
    })?;
    text.parse().map_err(|error: toml::de::Error| {
        let problem = format!("{} is not TOML: {}", file.display(), error.to_string().trim_end());
        ConfigError::new("--config", problem, "write lines like ping-interval = \"25s\"")
    })
}

fn find<'a>(command: &'a Command, key: &str, file: &Path) -> Result<&'a Arg, ConfigError> {
    let known = |arg: &&Arg| {
        arg.get_long().is_some_and(|flag| !matches!(flag, "config" | "help" | "version"))
    };
    let found = command.get_arguments().filter(known).find(|arg| arg.get_long() == Some(key));
    found.ok_or_else(|| {
        let keys: Vec<_> =
            command.get_arguments().filter(known).filter_map(Arg::get_long).collect();
        let problem = format!("{} has the unknown key {key}", file.display());
        ConfigError::new(key, problem, format!("known keys are {}", keys.join(", ")))
    })
}

fn flags_of(arg: &Arg, key: &str, value: &Value, file: &Path) -> Result<Vec<String>, ConfigError> {
    let switch = matches!(arg.get_action(), ArgAction::SetTrue);
    let wrong = |expected: &str| {
        let problem = format!("{} gives {key} the value {value}", file.display());
        ConfigError::new(key, problem, expected)
    };
    match (switch, value) {
        (true, Value::Boolean(true)) => Ok(vec![format!("--{key}")]),
        (true, Value::Boolean(false)) => Ok(Vec::new()),
        (true, _) => Err(wrong("write true or false")),
        (false, Value::Array(items)) => items
            .iter()
            .map(|item| scalar(item).map(|text| format!("--{key}={text}")))
            .collect::<Option<_>>()
            .ok_or_else(|| wrong("write an array of texts or numbers")),
        (false, single) => scalar(single)
            .map(|text| vec![format!("--{key}={text}")])
            .ok_or_else(|| wrong("write a text, a number or an array of them")),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Float(number) => Some(number.to_string()),
        Value::Boolean(truth) => Some(truth.to_string()),
        _ => None,
    }
}
