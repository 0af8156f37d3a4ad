//! `holdfast doctor`: how many sessions fit, what stops more, and what has been hit already.

mod table;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, value_parser};
use limits::{
    Assessment, Machine, Question,
    machine::Depth,
    remedy,
    row::{Row, Scope},
};
use serde::Serialize;
use settings::ConfigError;

use crate::serve::{fail, refuse};

/// The flags of `holdfast doctor`.
#[derive(Debug, Args)]
pub(crate) struct Settings {
    /// How many sessions are wanted
    #[arg(long, value_name = "COUNT", default_value_t = 1_000_000, value_parser = value_parser!(u32).range(1..))]
    sessions: u32,
    /// Look at this process, in its own namespaces and control groups [default: a process that is
    /// started here]
    #[arg(long, value_name = "PID")]
    pid: Option<u32>,
    /// The clients run on the same machine, as with stress on one machine
    #[arg(long)]
    with_client: bool,
    /// The sessions are over TLS, each of which takes 5 KB more of the gateway
    #[arg(long)]
    tls: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Set what can be set while things run (as root), and say what cannot
    #[arg(long)]
    fix: bool,
    /// With --fix: write what was set into this file, too, so that it is set when the machine starts
    /// again, like /etc/sysctl.d/90-holdfast.conf
    #[arg(long, value_name = "FILE", requires = "fix")]
    keep_in: Option<PathBuf>,
}

/// What `--fix` made of one limit.
#[derive(Debug, Serialize)]
struct Fix {
    limit: &'static str,
    done: bool,
    detail: String,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Answer<'a> {
    #[serde(flatten)]
    assessment: &'a Assessment,
    fixes: &'a [Fix],
}

/// Looks, mends if asked to, and says what is so.
pub(crate) fn run(settings: &Settings) -> ExitCode {
    let (assessment, fixes) = match look_and_fix(settings) {
        Ok(found) => found,
        Err(error) => return refuse_process(settings, &error),
    };
    match print(settings, &assessment, &fixes) {
        // Whoever reads may have seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => fail(&error, false),
        _ => ExitCode::from(u8::from(!assessment.good)),
    }
}

fn print(settings: &Settings, assessment: &Assessment, fixes: &[Fix]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    if settings.json {
        serde_json::to_writer_pretty(&mut output, &Answer { assessment, fixes })?;
        return writeln!(output);
    }
    writeln!(output, "{}", table::Page { found: assessment, fixes })
}

fn refuse_process(settings: &Settings, error: &io::Error) -> ExitCode {
    let Some(pid) = settings.pid else { return fail(error, false) };
    let expected = "give the id of a running process, as its user or as root";
    refuse(&ConfigError::new("--pid", format!("cannot look at process {pid}: {error}"), expected))
}

fn look_and_fix(settings: &Settings) -> io::Result<(Assessment, Vec<Fix>)> {
    let found = look(settings)?;
    if !settings.fix {
        return Ok((found, Vec::new()));
    }
    let mut bad: Vec<_> = found.bad().collect();
    bad.sort_by_key(|row| remedy::order(row));
    let mut fixes: Vec<_> = bad.iter().map(|row| fix(row, settings.pid)).collect();
    if let Some(file) = &settings.keep_in {
        let set = bad.iter().zip(&fixes).filter(|(_, fix)| fix.done).map(|(row, _)| *row);
        let kept = keep(set, found.in_first_network, file);
        fixes.push(kept);
    }
    Ok((look(settings)?, fixes))
}

/// Settings of another network namespace end with it, so they are for whoever starts it.
fn keep<'a>(rows: impl Iterator<Item = &'a Row>, is_first: bool, file: &Path) -> Fix {
    let lasting = rows.filter(|row| is_first || row.scope == Scope::Host);
    let (done, detail) = match remedy::keep(lasting, file) {
        Ok(count) => (true, format!("{count} settings are in {}", file.display())),
        Err(error) => (false, format!("cannot write {}: {error}", file.display())),
    };
    Fix { limit: "--keep-in", done, detail }
}

fn look(settings: &Settings) -> io::Result<Assessment> {
    let question = Question {
        sessions: settings.sessions.into(),
        process: settings.pid,
        with_client: settings.with_client,
        over_tls: settings.tls,
    };
    Ok(Assessment::new(question, &Machine::read(settings.pid, Depth::Sockets)?))
}

fn fix(row: &Row, process: Option<u32>) -> Fix {
    let outcome = remedy::apply(row, process);
    let detail = match &outcome {
        Some(Ok(())) => set(row),
        Some(Err(error)) => format!("cannot be set ({error}): {}", row.cure),
        None => format!("cannot be set from here: {}", row.cure),
    };
    Fix { limit: row.limit, done: matches!(outcome, Some(Ok(()))), detail }
}

/// What was set, and how long that holds.
fn set(row: &Row) -> String {
    let lasting = remedy::lasting(row);
    if lasting.is_empty() {
        let needed = row.needed.unwrap_or_default();
        return format!("set to {needed} until the process ends; for the next: {}", row.cure);
    }
    let settings = lasting.iter().map(|(name, value)| format!("{name} = {value}"));
    let settings = settings.collect::<Vec<_>>().join("; ");
    let until = match row.scope {
        Scope::Network => "until the network namespace or the machine starts again",
        _ => "until the machine starts again",
    };
    format!("set {until}, unless a file under /etc/sysctl.d/ says: {settings}")
}
