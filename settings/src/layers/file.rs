//! Settings in a TOML file: keys at its top for whatever command reads it, and a table for each command
//! that has keys of its own, so that one file can serve several processes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::{Arg, ArgAction, ArgMatches, Command, parser::ValueSource};
use toml::{Table, Value};

use crate::ConfigError;

/// What a file adds to the command line.
#[derive(Debug, Default)]
pub(super) struct FromFile {
    /// Its keys as flags.
    pub arguments: Vec<String>,
    /// The file.
    pub path: PathBuf,
}

/// Reads the file that is named, and turns its keys into flags where nobody else has given them.
///
/// # Errors
/// It cannot be read, is not TOML, or has a key that is unknown or of a wrong kind.
pub(super) fn arguments(root: &Command, matches: &ArgMatches) -> Result<FromFile, ConfigError> {
    let (command, matches, names) = leaf(root, matches);
    let named = is_taken_by(command).then(|| matches.get_one::<PathBuf>("config")).flatten();
    let Some(path) = named else {
        return Ok(FromFile::default());
    };
    let mut arguments = Vec::new();
    for (key, value) in for_command(read(path)?, root, &names) {
        let arg = find(command, &key, path)?;
        let given = matches.value_source(arg.get_id().as_str());
        if !matches!(given, Some(ValueSource::CommandLine | ValueSource::EnvVariable)) {
            arguments.extend(flags_of(arg, &key, &value, path)?);
        }
    }
    Ok(FromFile { arguments, path: path.clone() })
}

/// Whether a command can be told to read a file.
pub(super) fn is_taken_by(command: &Command) -> bool {
    command.get_arguments().any(|arg| arg.get_id() == "config")
}

/// The flags of a command that its file may have as keys.
pub(super) fn keys(command: &Command) -> impl Iterator<Item = &Arg> {
    let known = |flag| !matches!(flag, "config" | "help" | "version");
    command.get_arguments().filter(move |arg| arg.get_long().is_some_and(known))
}

/// The innermost subcommand that was named, and the names that lead to it.
fn leaf<'a>(
    command: &'a Command,
    matches: &'a ArgMatches,
) -> (&'a Command, &'a ArgMatches, Vec<&'a str>) {
    let (mut command, mut matches, mut path) = (command, matches, Vec::new());
    while let Some((name, inner)) = matches.subcommand()
        && let Some(subcommand) = command.find_subcommand(name)
    {
        (command, matches) = (subcommand, inner);
        path.push(name);
    }
    (command, matches, path)
}

fn read(file: &Path) -> Result<Table, ConfigError> {
    let text = fs::read_to_string(file).map_err(|error| {
        let problem = format!("cannot read {}: {error}", file.display());
        ConfigError::new("--config", problem, "name a readable TOML file")
    })?;
    text.trim_start_matches('\u{feff}').parse().map_err(|error: toml::de::Error| {
        let problem = format!("{} is not TOML: {}", file.display(), error.to_string().trim_end());
        ConfigError::new("--config", problem, "write lines like ping-interval = \"25s\"")
    })
}

/// What the file says to the command with these names: the keys at the top, then those of its table.
fn for_command(file: Table, root: &Command, names: &[&str]) -> Table {
    let (mut keys, mut own) = (Table::new(), Table::new());
    for (key, value) in file {
        match value {
            Value::Table(table) if names.first() == Some(&key.as_str()) => own = table,
            Value::Table(_) if root.find_subcommand(&key).is_some() => {}
            value => drop(keys.insert(key, value)),
        }
    }
    // `[stress.idle]` stands inside `[stress]`.
    if let Some((_, inner)) = names.split_first().filter(|(_, inner)| !inner.is_empty()) {
        let command = root.find_subcommand(names[0]).unwrap_or(root);
        own = for_command(own, command, inner);
    }
    keys.extend(own);
    keys
}

fn find<'a>(command: &'a Command, key: &str, file: &Path) -> Result<&'a Arg, ConfigError> {
    keys(command).find(|arg| arg.get_long() == Some(key)).ok_or_else(|| {
        let keys: Vec<_> = keys(command).filter_map(Arg::get_long).collect();
        let problem = format!("{} has the unknown key {key}", file.display());
        let name = command.get_name();
        let expected = format!(
            "known keys of {name} are {}; those of other commands belong in a table like [gateway]",
            keys.join(", ")
        );
        ConfigError::new(key, problem, expected)
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
