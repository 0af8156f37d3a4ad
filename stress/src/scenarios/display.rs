//! Progress on stderr: a bar on a terminal, a line a second elsewhere.

use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressStyle};

use crate::fleet::wire::Progress;

const LINE_EVERY: Duration = Duration::from_secs(1);

/// Shows where a run stands.
pub(super) struct Display {
    sessions: u64,
    bar: Option<ProgressBar>,
    shown: Instant,
    before: Progress,
}

impl Display {
    /// For a run with so many sessions.
    pub(super) fn new(sessions: u64) -> Self {
        let template = "{bar:30} {pos}/{len} held  {msg}";
        let bar = stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template(template);
            ProgressBar::new(sessions).with_style(style.expect("a legal template"))
        });
        Self { sessions, bar, shown: Instant::now(), before: Progress::default() }
    }

    /// Shows progress, if it is time to.
    pub(super) fn update(&mut self, doing: &str, progress: Progress) {
        let since = self.shown.elapsed();
        if since < LINE_EVERY {
            return;
        }
        let per_second = |now: u64, before: u64| {
            (now.saturating_sub(before) as f64 / since.as_secs_f64()).round()
        };
        let Progress { open, failed, lost, messages, away, .. } = progress;
        let away = if away > 0 { format!("{away} away  ") } else { String::new() };
        let details = format!(
            "{failed} failed  {lost} lost  {away}{messages} messages  {doing} (+{}/s held, +{}/s messages)",
            per_second(open, self.before.open),
            per_second(messages, self.before.messages),
        );
        match &self.bar {
            Some(bar) => {
                bar.set_position(open);
                bar.set_message(details);
            }
            None => eprintln!("{open}/{} held  {details}", self.sessions),
        }
        (self.shown, self.before) = (Instant::now(), progress);
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
