//! `holdfast generate`: what is made from the flags, so that it says what they say. For packages, and for who has
//! none.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Command, ValueEnum};
use clap_complete::Shell;
use settings::layers;

use crate::serve::fail;

/// The flags of `holdfast generate`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// What to write
    #[arg(value_name = "WHAT", value_enum)]
    what: What,
    /// The folder that it is written into; made if it is missing
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

/// What can be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// A page for each command: holdfast.1, holdfast-gateway.1, …
    Man,
    /// holdfast.bash, _holdfast for zsh, holdfast.fish
    Completions,
    /// holdfast.toml: every key of the file that --config names, with its default
    Config,
}

/// Writes it; `command` is all of `holdfast`.
pub(crate) fn run(settings: &Settings, command: Command) -> ExitCode {
    match write(settings.what, &settings.folder, command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let folder = settings.folder.display();
            fail(&io::Error::other(format!("cannot write into {folder}: {error}")), false)
        }
    }
}

fn write(what: What, folder: &Path, command: Command) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    match what {
        What::Man => clap_mangen::generate_to(layers::documented(command), folder),
        What::Completions => completions(folder, layers::documented(command)),
        What::Config => fs::write(folder.join("holdfast.toml"), layers::every_key(&command)),
    }
}

fn completions(folder: &Path, mut command: Command) -> io::Result<()> {
    let name = command.get_name().to_owned();
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        clap_complete::generate_to(shell, &mut command, &name, folder)?;
    }
    Ok(())
}
