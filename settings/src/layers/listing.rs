//! What is said of all flags at once: a file that shows every key, and the command as its help shows it.

use clap::{Arg, ArgAction, Command};
use toml::Value;

use super::{environment, file};

/// Where lines of the file end.
const COLUMNS: usize = 100;

const HEADER: &str = "\
Every key of the file that --config names: commented out, with its default. A key is a flag \
without its dashes.

A table is for the command of its name; what stands above all tables is for every command that reads the file. \
The command line goes before the environment (HOLDFAST_ and the key in upper snake case), and that \
before the file. Durations are written like \"30s\", sizes like \"64KiB\". Where <…> stands for the value, there is \
no default, or the text says which.";

/// Every key that a file for the commands of `root` may have, in TOML: a table for each command that takes a
/// file, each key commented out behind what it means.
pub fn every_key(root: &Command) -> String {
    let mut text = comment(HEADER);
    add_tables(root, &[root.get_name()], &mut text);
    text
}

/// The command with what its help says of each flag: its variable and its key.
pub fn documented(root: Command) -> Command {
    environment::with_variables(root, true)
}

/// `names` lead from the root to the command.
fn add_tables(command: &Command, names: &[&str], text: &mut String) {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        let names = [names, &[inner.get_name()]].concat();
        if file::is_taken_by(inner) {
            let about = inner.get_about().map(ToString::to_string).unwrap_or_default();
            let title = comment(&format!("{}: {about}", names.join(" ")));
            *text += &format!("\n{title}[{}]\n", names[1..].join("."));
            file::keys(inner).filter(|arg| !arg.is_hide_set()).for_each(|arg| *text += &entry(arg));
        }
        add_tables(inner, &names, text);
    }
}

/// What a key means, and the key.
fn entry(arg: &Arg) -> String {
    let mut meaning = arg.get_help().map(ToString::to_string).unwrap_or_default();
    let choices = arg.get_possible_values();
    if !is_switch(arg) && !choices.is_empty() {
        let names: Vec<_> = choices.iter().map(|choice| choice.get_name()).collect();
        meaning += &format!(" (one of {})", names.join(", "));
    }
    let key = arg.get_long().unwrap_or_default();
    format!("\n{}#{key} = {}\n", comment(&meaning), value(arg))
}

fn is_switch(arg: &Arg) -> bool {
    matches!(arg.get_action(), ArgAction::SetTrue)
}

/// The default, or what stands for a value.
fn value(arg: &Arg) -> String {
    if is_switch(arg) {
        return false.to_string();
    }
    let defaults = arg.get_default_values().iter().map(|value| literal(&value.to_string_lossy()));
    let mut values: Vec<_> = defaults.collect();
    if values.is_empty() {
        let name = arg.get_value_names().and_then(<[_]>::first).map_or("VALUE", |name| name);
        values.push(literal(&format!("<{name}>")));
    }
    match arg.get_action() {
        ArgAction::Append => format!("[{}]", values.join(", ")),
        _ => values.concat(),
    }
}

fn literal(text: &str) -> String {
    match text.parse::<i64>() {
        Ok(number) => number.to_string(),
        Err(_) => Value::String(text.to_owned()).to_string(),
    }
}

/// Lines that begin with `# `, broken between words.
fn comment(text: &str) -> String {
    let mut lines = String::new();
    for paragraph in text.lines() {
        let mut line = "#".to_owned();
        for word in paragraph.split_whitespace() {
            if line.chars().count() + 1 + word.chars().count() > COLUMNS {
                lines += &format!("{line}\n");
                "#".clone_into(&mut line);
            }
            line += &format!(" {word}");
        }
        lines += &format!("{line}\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;
    use crate::logging::CommonArgs;

    #[derive(Parser)]
    #[command(name = "program")]
    enum Program {
        /// Serves
        Serve {
            #[command(flatten)]
            common: CommonArgs,
            /// Where to listen
            #[arg(long, default_value = "127.0.0.1:80")]
            listen: Vec<String>,
            /// How many, a number that is explained in so many words that they do not fit into one line of
            /// the file and go on in the next
            #[arg(long, default_value_t = 7)]
            many: u32,
            /// Whether to echo
            #[arg(long)]
            echo: bool,
            /// A file
            #[arg(long, value_name = "FILE")]
            key_file: Vec<String>,
        },
        /// Takes no file
        Ask {
            /// What
            #[arg(long)]
            what: String,
        },
        #[command(hide = true)]
        Hidden {
            #[command(flatten)]
            common: CommonArgs,
        },
    }

    #[test]
    fn every_key_stands_there_with_its_default() {
        let text = every_key(&Program::command());
        for line in [
            "[serve]",
            "# Where to listen",
            "#listen = [\"127.0.0.1:80\"]",
            "#many = 7",
            "#echo = false",
            "#key-file = [\"<FILE>\"]",
            "#log-format = \"text\"",
            "# How log lines look (one of text, json)",
        ] {
            assert_eq!(text.lines().filter(|found| *found == line).count(), 1, "{line}\n{text}");
        }
        for none in ["config =", "what =", "help", "[ask]", "[hidden]"] {
            assert!(!text.contains(none), "{none}\n{text}");
        }
        assert!(text.lines().all(|line| line.chars().count() <= COLUMNS), "{text}");
        assert!(text.parse::<toml::Table>().is_ok(), "{text}");
    }

    #[test]
    fn help_names_the_variable_and_the_key() {
        let mut command = documented(Program::command());
        let serve = command.find_subcommand_mut("serve").expect("a command");
        let help = serve.render_long_help().to_string();
        for name in ["--key-file", "HOLDFAST_KEY_FILE", "[key: key-file]"] {
            assert!(help.contains(name), "{name}\n{help}");
        }
    }
}
