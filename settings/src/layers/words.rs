//! What is wrong with the settings, in our own words: which flag, variable or key, what is wrong with its
//! value, and what would be right.

use std::{error::Error, ffi::OsString, num::IntErrorKind, num::ParseIntError};

use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::{environment::variable_of, file::FromFile};
use crate::ConfigError;

/// Most of a value that is shown.
const SHOWN: usize = 80;

/// Prints help and version as clap does; turns every other error into ours.
pub(super) fn usage(
    error: &clap::Error,
    arguments: &[OsString],
    from_file: &FromFile,
) -> ConfigError {
    if !error.use_stderr() {
        error.exit();
    }
    let text = |kind| error.get(kind).map(text_of).unwrap_or_default();
    let (argument, value) =
        (text(ContextKind::InvalidArg), shortened(&text(ContextKind::InvalidValue)));
    let key = key_of(&argument, arguments, from_file);
    match error.kind() {
        ErrorKind::ValueValidation => {
            let (wrong, right) = validation(error);
            ConfigError::new(key, format!("{value} {wrong}"), right)
        }
        ErrorKind::InvalidValue if value.is_empty() => {
            ConfigError::new(key, "has no value", format!("write {argument}"))
        }
        ErrorKind::InvalidValue => {
            let expected = format!("it is one of {}", text(ContextKind::ValidValue));
            ConfigError::new(key, format!("{value} is not known"), expected)
        }
        ErrorKind::UnknownArgument => {
            let meant = text(ContextKind::SuggestedArg);
            ConfigError::new(argument, "is no flag of this command", meant_or_help(&meant))
        }
        ErrorKind::InvalidSubcommand => {
            let meant = text(ContextKind::SuggestedSubcommand);
            let name = text(ContextKind::InvalidSubcommand);
            ConfigError::new(name, "is no command", meant_or_help(&meant))
        }
        ErrorKind::MissingRequiredArgument => ConfigError::new(argument, "missing", "see --help"),
        ErrorKind::ArgumentConflict => {
            let other = text(ContextKind::PriorArg);
            let problem = format!("given together with {other}");
            ConfigError::new(
                key,
                problem,
                "give one of them, and each only once where it is not repeatable",
            )
        }
        _ => in_one_sentence(error),
    }
}

fn text_of(value: &ContextValue) -> String {
    match value {
        ContextValue::String(text) => text.clone(),
        ContextValue::Strings(texts) => texts.join(", "),
        other => other.to_string(),
    }
}

fn shortened(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        None => value.to_owned(),
        Some((at, _)) => format!("{}…", &value[..at]),
    }
}

fn meant_or_help(meant: &str) -> String {
    match meant {
        "" => "see --help".to_owned(),
        meant => format!("did you mean {meant}?"),
    }
}

/// Names the flag, the variable or the key of the file, whichever gave the value. `argument` is a flag
/// with what stands for its value, like `--ping-interval <DURATION>`.
fn key_of(argument: &str, arguments: &[OsString], from_file: &FromFile) -> String {
    let flag = argument.split([' ', '=']).next().unwrap_or(argument);
    let Some(name) = flag.strip_prefix("--") else { return flag.to_owned() };
    let stands_in = |argument: &str| {
        argument.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    let variable = variable_of(name);
    if arguments.iter().filter_map(|argument| argument.to_str()).any(stands_in) {
        flag.to_owned()
    } else if std::env::var_os(&variable).is_some() {
        format!("{variable} (as {flag})")
    } else if from_file.arguments.iter().any(|argument| stands_in(argument)) {
        format!("{name} in {} (as {flag})", from_file.path.display())
    } else {
        flag.to_owned()
    }
}

/// What is wrong with a value, and what would be right, from what its parser said.
fn validation(error: &clap::Error) -> (String, String) {
    let Some(source) = error.source() else {
        return ("is not accepted".to_owned(), "see --help".to_owned());
    };
    if let Some(number) = source.downcast_ref::<ParseIntError>() {
        let wrong = match number.kind() {
            IntErrorKind::PosOverflow => "is too large",
            IntErrorKind::NegOverflow => "is too small",
            _ => "is no whole number",
        };
        return (wrong.to_owned(), "write a whole number in digits".to_owned());
    }
    let text = source.to_string();
    // What clap says of numbers with a range: `0 is not in 1..=1000`.
    if let Some((_, range)) = text.split_once(" is not in ") {
        return ("is out of range".to_owned(), in_words(range));
    }
    ("is not accepted".to_owned(), text)
}

/// A range of Rust as people write it.
fn in_words(range: &str) -> String {
    match range.split_once("..=").or_else(|| range.split_once("..")) {
        Some((least, "")) => format!("give at least {least}"),
        // The largest that its type can hold is no limit that anybody chose.
        Some((least, most)) if most.len() >= 19 => format!("give at least {least}"),
        Some((least, most)) => format!("give {least} to {most}"),
        None => format!("give one of {range}"),
    }
}

fn in_one_sentence(error: &clap::Error) -> ConfigError {
    let text = error.to_string();
    let problem = text.trim_start_matches("error: ").lines().next().unwrap_or_default().to_owned();
    ConfigError::new("usage", problem, "see --help")
}
