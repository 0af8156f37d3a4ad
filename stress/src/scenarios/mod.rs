//! What is done with the sessions. Every scenario opens them first and reports in the end.

mod idle;
mod push;

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use ::settings::ConfigError;

use crate::{
    display::Display, fleet::Fleet, plan, report::Report, settings::Sessions, tally::Tally,
    wire::Progress,
};

pub(crate) use {idle::idle, push::push};

/// How often a waiting scenario looks around.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Flags that are wrong, alone or together.
    #[error(transparent)]
    Settings(#[from] ConfigError),
    /// The machine has no room for the client itself.
    #[error("the load client cannot run: {0}")]
    Machine(#[from] io::Error),
}

/// A run: its sessions, and what is shown meanwhile.
struct Run {
    scenario: &'static str,
    asked: u64,
    json: Option<PathBuf>,
    fleet: Fleet,
    display: Display,
    /// Set by Ctrl-C; everything that waits or sends looks at it.
    interrupted: Arc<AtomicBool>,
}

impl Run {
    fn start(scenario: &'static str, sessions: &Sessions) -> Result<Self, Trouble> {
        let assignments = plan::assignments(sessions, crate::raise_descriptor_limit())?;
        check_directory(sessions)?;
        let interrupted = Arc::new(AtomicBool::new(false));
        for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
            signal_hook::flag::register(signal, Arc::clone(&interrupted))?;
        }
        let asked = u64::from(sessions.sessions);
        Ok(Self {
            scenario,
            asked,
            json: sessions.json.clone(),
            fleet: Fleet::start(assignments)?,
            display: Display::new(asked),
            interrupted,
        })
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Waits until every session is open or has failed.
    fn ramp(&mut self) {
        self.wait("opening", |fleet| fleet.is_settled());
    }

    fn hold(&mut self, period: Duration) {
        let end = Instant::now() + period;
        self.wait("holding", |_| Instant::now() >= end);
    }

    /// Waits until it is done, or until Ctrl-C.
    fn wait(&mut self, doing: &str, mut is_done: impl FnMut(&Fleet) -> bool) {
        while !is_done(&self.fleet) && !self.is_interrupted() {
            self.fleet.listen(Instant::now() + LOOK_EVERY);
            self.display.update(doing, self.fleet.progress());
        }
    }

    fn progress(&self) -> Progress {
        self.fleet.progress()
    }

    /// Closes everything and reports; whether all went well.
    fn finish(self, complete: impl FnOnce(Report, &Tally) -> Report) -> Result<bool, Trouble> {
        let interrupted = self.is_interrupted();
        let processes = self.fleet.size();
        let tally = self.fleet.finish();
        drop(self.display);
        let mut report = Report::new(self.scenario, self.asked, processes, &tally);
        report.interrupted = interrupted;
        let report = complete(report, &tally);
        println!("{report}");
        if let Some(file) = &self.json {
            report.write_json(file)?;
        }
        Ok(report.is_success())
    }
}

/// Rather now than after an hour: there has to be a directory for the report.
fn check_directory(sessions: &Sessions) -> Result<(), ConfigError> {
    let Some(file) = &sessions.json else { return Ok(()) };
    let parent = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    if file.file_name().is_some() && parent.is_none_or(|parent| parent.is_dir()) {
        return Ok(());
    }
    let problem = format!("there is no directory for {}", file.display());
    Err(ConfigError::new("--json", problem, "name a file in a directory that exists"))
}
