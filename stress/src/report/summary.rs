//! The report as a page for people.

use std::fmt;

use super::{FailureReport, PushReport, Received, Report, SessionsReport};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interrupted = if self.interrupted { ", interrupted" } else { "" };
        writeln!(f, "stress {}{interrupted}", self.scenario)?;
        self.sessions.fmt(f)?;
        show_failures(f, "not opened", &self.failures)?;
        show_failures(f, "lost", &self.losses)?;
        if let Some(pushes) = &self.pushes {
            pushes.fmt(f)?;
        }
        if let Some(received) = &self.received {
            received.fmt(f)?;
        }
        if let Some(all) = &self.broadcasts {
            writeln!(
                f,
                "broadcasts   {}, to {} clients or more; first to last client: min {:.3} s, median \
                 {:.3} s, max {:.3} s",
                all.count, all.fewest_clients, all.min_seconds, all.median_seconds, all.max_seconds,
            )?;
        }
        write!(f, "result       {}", if self.is_success() { "all well" } else { "failed" })
    }
}

impl fmt::Display for SessionsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, held, held_to_end, processes, .. } = self;
        writeln!(
            f,
            "sessions     {held} of {asked} held, {held_to_end} to the end, by {processes} {}",
            if *processes == 1 { "process" } else { "processes" },
        )?;
        writeln!(
            f,
            "ramp         {:.2} s, {:.0}/s, best second {}",
            self.ramp_seconds, self.per_second, self.best_second,
        )?;
        if let Some(connect) = &self.connect {
            writeln!(f, "connect      {connect}")?;
        }
        writeln!(f, "client       {:.0} bytes of RSS per session", self.client_bytes_per_session)
    }
}

fn show_failures(
    f: &mut fmt::Formatter<'_>,
    title: &str,
    failures: &[FailureReport],
) -> fmt::Result {
    for FailureReport { what, count, limit } in failures {
        write!(f, "{title:<12} {count} × {what}")?;
        match limit {
            Some(limit) => writeln!(f, " ({limit})")?,
            None => writeln!(f)?,
        }
    }
    Ok(())
}

impl fmt::Display for PushReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { outcome, expected, missing, accepted_per_second } = self;
        writeln!(
            f,
            "pushed       {} offered, {} accepted in {:.2} s, {accepted_per_second:.0}/s",
            outcome.offered, outcome.accepted, outcome.seconds,
        )?;
        for (why, count) in &outcome.refused {
            writeln!(f, "refused      {count} × {why}")?;
        }
        writeln!(f, "expected     {expected}, missing {missing}")
    }
}

impl fmt::Display for Received {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { messages, seconds, per_second, refusals, .. } = self;
        writeln!(f, "received     {messages} in {seconds:.2} s, {per_second:.0}/s")?;
        if *refusals > 0 {
            writeln!(f, "errors       {refusals} error frames")?;
        }
        if let (Some(latency), Some(share)) = (&self.latency, self.share_within_200_ms) {
            writeln!(f, "latency      {latency}; {:.3} % within 200 ms", share * 100.0)?;
        }
        Ok(())
    }
}
