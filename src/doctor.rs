//! `holdfast doctor`: how many sessions fit, what stops more, and what has been hit already.

mod table;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Args, value_parser};
use limits::{Assessment, Machine, Question, machine::Depth, remedy, row::Row};
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
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// Set what can be set while things run (as root), and say what cannot
    #[arg(long)]
    fix: bool,
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
    for Fix { limit, detail, .. } in fixes {
        writeln!(output, "{limit}: {detail}")?;
    }
    writeln!(output, "{}", table::Page(assessment))
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
    let fixes: Vec<_> = found.bad().map(|row| fix(row, settings.pid)).collect();
    Ok((look(settings)?, fixes))
}

fn look(settings: &Settings) -> io::Result<Assessment> {
    let question = Question {
        sessions: settings.sessions.into(),
        process: settings.pid,
        with_client: settings.with_client,
    };
    Ok(Assessment::new(question, &Machine::read(settings.pid, Depth::Sockets)?))
}

fn fix(row: &Row, process: Option<u32>) -> Fix {
    let outcome = remedy::apply(row, process);
    let detail = match &outcome {
        Some(Ok(())) => "set, until the next restart".to_owned(),
        Some(Err(error)) => format!("cannot be set ({error}): {}", row.cure),
        None => format!("cannot be set from here: {}", row.cure),
    };
    Fix { limit: row.limit, done: matches!(outcome, Some(Ok(()))), detail }
}
