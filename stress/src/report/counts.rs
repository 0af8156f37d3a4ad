//! From the counts of a run to what is reported of it.

use std::collections::BTreeMap;

use super::{
    Broadcasts, FailureReport, MemoryReport, PhaseReport, ProbeReport, PushReport, Pushed,
    Received, Record, SessionsReport, StormReport,
};
use crate::{
    measurements::{Arrivals, Deliveries, Probed, Spread, Storm, Tally},
    session::{Failure, Failures},
    settings::Phase,
};

/// Deliveries up to this are on time.
const ON_TIME_MICROS: u64 = 200_000;

pub(super) fn sessions(record: &Record) -> SessionsReport {
    let tally = &record.tally;
    let Arrivals { held, connect, span, per_second, .. } = &tally.arrivals;
    let (before, after) = tally.memory;
    let refused = tally.failures.iter().filter(|(failure, _)| is_refusal(failure));
    SessionsReport {
        asked: record.asked,
        held: *held,
        refused: refused.fold(0, |sum, (_, count)| sum.saturating_add(count)),
        held_to_end: tally.held_to_end,
        processes: record.processes,
        ramp_seconds: span.seconds(),
        per_second: rate(*held, span.seconds()),
        best_second: per_second.values().copied().max().unwrap_or_default(),
        client_bytes_per_session: after.saturating_sub(before) as f64 / (*held).max(1) as f64,
        connect: connect.quantiles(),
    }
}

/// Whether the server, or somebody in its place, said no.
fn is_refusal(failure: &Failure) -> bool {
    use nix::errno::Errno;
    match failure {
        Failure::Status(_) | Failure::Close(_) | Failure::Bye(_) => true,
        Failure::Socket(_, errno) => {
            matches!(Errno::from_raw(*errno), Errno::ECONNREFUSED | Errno::ECONNRESET)
        }
        _ => false,
    }
}

pub(super) fn retried(tally: &Tally) -> Failures {
    let mut both = tally.arrivals.retried.clone();
    both.merge(tally.returns.retried.clone());
    both
}

impl PhaseReport {
    pub(super) fn new(
        Deliveries { latency, receipts }: &Deliveries,
        pushed: Option<&Pushed>,
    ) -> Self {
        Self {
            messages: latency.count(),
            per_second: rate(latency.count(), receipts.seconds()),
            latency: latency.quantiles(),
            share_within_200_ms: latency.share_within(ON_TIME_MICROS),
            pushes: pushed.map(PushReport::new),
        }
    }
}

/// Every phase in which something was received or pushed.
pub(super) fn phases(record: &Record) -> BTreeMap<Phase, PhaseReport> {
    let (received, pushed) = (&record.tally.phases, &record.phases);
    let nothing = Deliveries::default();
    let report = |phase: &Phase| {
        let received = received.get(phase).unwrap_or(&nothing);
        (*phase, PhaseReport::new(received, pushed.get(phase)))
    };
    received.keys().chain(pushed.keys()).map(report).collect()
}

impl PushReport {
    pub(super) fn new(Pushed { outcome, expected, arrived }: &Pushed) -> Self {
        Self {
            accepted_per_second: rate(outcome.accepted, outcome.seconds),
            expected: *expected,
            missing: expected
                .map(|expected| expected.cast_signed().wrapping_sub_unsigned(*arrived)),
            outcome: outcome.clone(),
        }
    }
}

impl<'a> StormReport<'a> {
    pub(super) fn new(storm: &'a Storm) -> Self {
        Self { gateway_memory_ratio: storm.gateway_memory_ratio(), storm }
    }
}

impl<'a> ProbeReport<'a> {
    pub(super) fn new(what: &'a str, probed: &'a Probed) -> Self {
        let within = probed.answered.share_within(ON_TIME_MICROS) * probed.answered.count() as f64;
        Self {
            what,
            sent: probed.sent,
            lost: probed.lost.values().fold(0, |sum, count| sum.saturating_add(*count)),
            lost_by: &probed.lost,
            latency: probed.answered.quantiles(),
            share_within_200_ms: (probed.sent > 0).then(|| within / probed.sent as f64),
            unavailable: probed.unavailable.as_deref(),
        }
    }
}

impl MemoryReport {
    pub(super) fn new(record: &Record) -> Self {
        let points = crate::measurements::combine(&record.timelines);
        let known = points.iter().filter(|point| point.has_memory());
        let kernel = known.map(|point| point.kernel.total());
        let seen = || points.iter().filter_map(|point| point.gateways);
        let most = seen().max_by_key(|gateways| gateways.sessions);
        let growth = most.zip(seen().min_by_key(|gateways| gateways.sessions));
        let per_session = growth.filter(|(most, least)| most.sessions > least.sessions);
        Self {
            gateway_sessions: most.map(|gateways| gateways.sessions),
            gateway_bytes: seen().map(|gateways| gateways.memory).max(),
            // Too few sessions do not show beside what a gateway needs anyway.
            gateway_bytes_per_session: per_session.and_then(|(most, least)| {
                let bytes = most.memory.checked_sub(least.memory)? as f64;
                Some(bytes / (most.sessions - least.sessions) as f64)
            }),
            kernel_growth_bytes: kernel.clone().max().unwrap_or_default()
                - kernel.min().unwrap_or_default(),
            client_bytes: points.iter().map(|point| point.client).max().unwrap_or_default(),
        }
    }
}

fn rate(count: u64, seconds: f64) -> f64 {
    if seconds > 0.0 { count as f64 / seconds } else { 0.0 }
}

pub(super) fn failures(
    failures: &Failures,
    limits: &BTreeMap<String, String>,
) -> Vec<FailureReport> {
    let row = |(failure, count): (&crate::session::Failure, u64)| {
        let what = failure.to_string();
        FailureReport { limit: limits.get(&what).cloned(), what, count }
    };
    failures.iter().map(row).collect()
}

pub(super) fn received(tally: &Tally) -> Option<Received> {
    let seconds = tally.receipts.seconds();
    let latency = tally.latency.quantiles();
    (tally.messages + tally.refusals > 0).then(|| Received {
        messages: tally.messages,
        seconds,
        per_second: rate(tally.messages, seconds),
        refusals: tally.refusals,
        latency,
        share_within_200_ms: latency.map(|_| tally.latency.share_within(ON_TIME_MICROS)),
    })
}

pub(super) fn broadcasts<'a>(spreads: impl Iterator<Item = &'a Spread>) -> Option<Broadcasts> {
    let spreads: Vec<_> = spreads.collect();
    let mut seconds: Vec<_> = spreads.iter().map(|spread| spread.span.seconds()).collect();
    seconds.sort_unstable_by(f64::total_cmp);
    Some(Broadcasts {
        count: spreads.len(),
        fewest_clients: spreads.iter().map(|spread| spread.clients).min()?,
        min_seconds: *seconds.first()?,
        median_seconds: seconds[seconds.len() / 2],
        max_seconds: *seconds.last()?,
    })
}
