//! Sessions: how many were opened and held, and how fast.

use std::fmt;

use nix::errno::Errno;
use serde::Serialize;

use crate::{
    measurements::{arrivals::Arrivals, quantiles::Quantiles, tally::Tally},
    report::{numbers::rate, record::Record},
    session::failure::Failure,
};

/// The sessions of a run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct SessionsReport {
    /// How many were asked for.
    pub asked: u64,
    /// How many were opened.
    pub held: u64,
    /// How many the server refused to the end: by status, close code or reset.
    pub refused: u64,
    /// How many were still open in the end.
    pub held_to_end: u64,
    /// Processes that held them.
    pub processes: u64,
    /// From the first connect to the last session held.
    pub ramp_seconds: f64,
    /// Sessions opened per second over the whole ramp.
    pub per_second: f64,
    /// Sessions per second that were asked for; nothing for as fast as possible.
    pub asked_per_second: Option<f64>,
    /// How many were asked in the end for a sign of life.
    pub asked_for_life: u64,
    /// How many gave one.
    pub alive: u64,
    /// Handshakes of TLS, those of sessions that came back among them.
    pub tls_handshakes: u64,
    /// Those of them that went on from an earlier one.
    pub tls_resumed: u64,
    /// Sessions opened in the best second.
    pub best_second: u64,
    /// This client's memory per session, in bytes of RSS.
    pub client_bytes_per_session: f64,
    /// From when a session was due until it was held, with all tries in between.
    pub connect: Option<Quantiles>,
}

impl SessionsReport {
    /// What a record says of them.
    pub(crate) fn new(record: &Record) -> Self {
        let tally = &record.tally;
        let Arrivals { held, connect, span, per_second, .. } = &tally.arrivals;
        let (before, after) = tally.memory;
        let refused = tally.failures.iter().filter(|(failure, _)| is_refusal(failure));
        Self {
            asked: record.asked,
            held: *held,
            refused: refused.fold(0, |sum, (_, count)| sum.saturating_add(count)),
            held_to_end: tally.held_to_end,
            processes: record.processes,
            ramp_seconds: span.seconds(),
            per_second: rate(*held, span.seconds()),
            asked_per_second: record.rate.map(|rate| rate.per_second),
            asked_for_life: tally.asked,
            alive: tally.answered,
            tls_handshakes: of_all(tally, |of| of.encrypted),
            tls_resumed: of_all(tally, |of| of.resumed),
            best_second: per_second.values().copied().max().unwrap_or_default(),
            client_bytes_per_session: after.saturating_sub(before) as f64 / (*held).max(1) as f64,
            connect: connect.quantiles(),
        }
    }
}

/// A count of sessions that came for the first time, and of those that came back.
fn of_all(tally: &Tally, count: impl Fn(&Arrivals) -> u64) -> u64 {
    let Tally { arrivals, returns, recalls, .. } = tally;
    [arrivals, returns, &recalls.returned]
        .into_iter()
        .fold(0, |sum: u64, of| sum.saturating_add(count(of)))
}

/// Whether the server, or somebody in its place, said no.
fn is_refusal(failure: &Failure) -> bool {
    match failure {
        Failure::Status(_) | Failure::Close(_) | Failure::Bye(_) => true,
        Failure::Socket(_, errno) => {
            matches!(Errno::from_raw(*errno), Errno::ECONNREFUSED | Errno::ECONNRESET)
        }
        _ => false,
    }
}

impl fmt::Display for SessionsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, held, held_to_end, processes, refused, .. } = self;
        writeln!(
            f,
            "sessions     {held} of {asked} held, {held_to_end} to the end, by {processes} {}",
            if *processes == 1 { "process" } else { "processes" },
        )?;
        write!(f, "ramp         {:.2} s, {:.0}/s", self.ramp_seconds, self.per_second)?;
        if let Some(asked) = self.asked_per_second {
            write!(f, " ({asked:.0}/s asked for)")?;
        }
        writeln!(f, ", best second {}", self.best_second)?;
        if self.tls_handshakes > 0 {
            let (handshakes, resumed) = (self.tls_handshakes, self.tls_resumed);
            writeln!(f, "tls          {handshakes} handshakes, {resumed} of them resumed")?;
        }
        match self.asked_for_life {
            0 => writeln!(f, "alive        nobody was asked in the end")?,
            asked => writeln!(f, "alive        {} of {asked} answered in the end", self.alive)?,
        }
        if *refused > 0 {
            writeln!(f, "refused      {refused} by the server; --retry N tries again")?;
        }
        if let Some(connect) = &self.connect {
            writeln!(f, "connect      {connect}")?;
        }
        writeln!(f, "client       {:.0} bytes of RSS per session", self.client_bytes_per_session)
    }
}
