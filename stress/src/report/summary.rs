//! The report as a page for people.

use std::fmt;

use super::{
    FailureReport, MemoryReport, PhaseReport, ProbeReport, PushReport, Received, Report,
    SessionsReport, StormReport,
};
use crate::measurements::Moment;

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interrupted = if self.interrupted { ", interrupted" } else { "" };
        writeln!(f, "stress {}{interrupted}", self.scenario)?;
        self.sessions.fmt(f)?;
        show_failures(f, "not opened", &self.failures)?;
        show_failures(f, "tried again", &self.retried)?;
        show_failures(f, "lost", &self.losses)?;
        self.memory.fmt(f)?;
        self.storms.iter().try_for_each(|storm| storm.fmt(f))?;
        if let Some(pushes) = &self.pushes {
            pushes.fmt(f)?;
        }
        if let Some(received) = &self.received {
            received.fmt(f)?;
        }
        self.phases.iter().try_for_each(|(phase, it)| show_phase(f, phase.as_str(), it))?;
        self.probes.iter().try_for_each(|probe| probe.fmt(f))?;
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

fn show_phase(f: &mut fmt::Formatter<'_>, phase: &str, it: &PhaseReport) -> fmt::Result {
    let PhaseReport { messages, per_second, latency, share_within_200_ms, .. } = it;
    let Some(latency) = latency else { return Ok(()) };
    let share = share_within_200_ms * 100.0;
    writeln!(
        f,
        "  {phase:<10} {messages} messages, {per_second:.0}/s; {latency}; {share:.3} % within 200 ms"
    )
}

impl fmt::Display for SessionsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, held, held_to_end, processes, refused, .. } = self;
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
        if *refused > 0 {
            writeln!(f, "refused      {refused} by the server; --retry N tries again")?;
        }
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
        match expected.zip(*missing) {
            Some((expected, missing)) => writeln!(f, "expected     {expected}, missing {missing}"),
            None => Ok(()),
        }
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

impl fmt::Display for MemoryReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kernel = mebibytes(self.kernel_growth_bytes);
        if let (Some(sessions), Some(bytes)) = (self.gateway_sessions, self.gateway_bytes) {
            write!(
                f,
                "gateways     up to {sessions} sessions, {:.1} MiB of RSS",
                mebibytes(bytes)
            )?;
            match self.gateway_bytes_per_session {
                Some(each) => writeln!(f, ", {each:.0} bytes more for each")?,
                None => writeln!(f)?,
            }
        }
        writeln!(
            f,
            "kernel       {kernel:.1} MiB between its least and its most (slab and sockets)"
        )
    }
}

impl fmt::Display for StormReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = |seconds: Option<f64>| match seconds {
            Some(seconds) => format!("in {seconds:.2} s"),
            None => "not seen".to_owned(),
        };
        let storm = self.storm;
        writeln!(
            f,
            "storm        {} dropped: closed {}, gone from the gateways {}, all back {}",
            storm.drop,
            seconds(storm.closed_seconds),
            seconds(storm.gone_seconds),
            seconds(storm.reopen_seconds),
        )?;
        for reading in &storm.memory {
            let (moment, kernel) = (reading.moment.as_str(), mebibytes(reading.kernel.total()));
            write!(f, "  {moment:<17} ")?;
            if let Some(gateways) = reading.gateways {
                write!(f, "gateways {:.1} MiB, ", mebibytes(gateways))?;
            }
            writeln!(f, "kernel {kernel:.1} MiB, client {:.1} MiB", mebibytes(reading.client))?;
        }
        if let (Some(ratio), Some(_)) = (self.gateway_memory_ratio, storm.reading(Moment::Settled))
        {
            writeln!(f, "  gateways' memory a while later: {ratio:.3} of that before they came")?;
        }
        Ok(())
    }
}

impl fmt::Display for ProbeReport<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, sent, lost, .. } = self;
        if let Some(why) = self.unavailable {
            return writeln!(f, "probe        {what}: none ({why})");
        }
        write!(f, "probe        {what}: {sent} sent, {lost} lost")?;
        if let (Some(latency), Some(share)) = (&self.latency, self.share_within_200_ms) {
            write!(f, "; {latency}; {:.3} % within 200 ms", share * 100.0)?;
        }
        writeln!(f)?;
        self.lost_by.iter().try_for_each(|(why, count)| writeln!(f, "  lost       {count} × {why}"))
    }
}

fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
