//! Which plots a report has.

use std::collections::BTreeMap;

use super::{
    axes::{count, milliseconds, percentile},
    plot::{Line, Plot, Scale},
};
use crate::{
    measurements::{combined::combine, distribution::Distribution, point::Point, recalls::Recalls},
    report::{findings::Report, numbers::trimmed},
};

/// Fewer points than these are not worth a finer curve.
const CURVE_STEP: f64 = 0.05;
/// Seconds of a run that are drawn one by one.
const MOST_SECONDS: u64 = 3600;
/// The last percentile drawn is 99.999.
const LAST_DECADE: f64 = 5.0;

/// Every plot that has data.
pub(super) fn of(report: &Report<'_>) -> Vec<Plot> {
    let record = report.record;
    let tally = &record.tally;
    let points = combine(&record.timelines);
    let pushes = match tally.phases.is_empty() {
        true => vec![("all messages".to_owned(), &tally.latency)],
        false => {
            let named = tally.phases.iter();
            named.map(|(phase, it)| (phase.as_str().to_owned(), &it.latency)).collect()
        }
    };
    let probes = record.probes.iter().map(|(what, it)| (what.clone(), &it.answered));
    let mut plots = vec![
        sessions(&points),
        returns(&tally.recalls),
        memory(&points),
        percentiles(
            "Time to open a session, by percentile",
            vec![
                ("opened".to_owned(), &tally.arrivals.connect),
                ("opened again".to_owned(), &tally.returns.connect),
                ("came back when asked to".to_owned(), &tally.recalls.returned.connect),
            ],
        ),
        percentiles("Push latency from due to received, by percentile", pushes),
        percentiles("Probe latency, by percentile", probes.collect()),
        slowest_probes(&points),
    ];
    plots.retain(|plot| !plot.is_empty());
    plots
}

/// A line's name, and its value at a point if there is one.
type Series<'a> = (&'a str, &'a dyn Fn(&Point) -> Option<f64>);

fn over_time(
    title: &'static str,
    show_y: fn(f64) -> String,
    points: &[Point],
    lines: &[Series<'_>],
) -> Plot {
    let start = points.first().map_or(0, |point| point.at);
    let seconds = |point: &Point| point.at.saturating_sub(start) as f64 / 1e6;
    let line = |(name, value): &Series<'_>| Line {
        name: (*name).to_owned(),
        points: points.iter().map(|it| (seconds(it), value(it).unwrap_or(f64::NAN))).collect(),
    };
    let is_drawn = |line: &Line| line.points.iter().any(|(_, value)| !value.is_nan());
    Plot {
        title,
        across: "seconds",
        scale: Scale::Linear,
        show_x: trimmed,
        show_y,
        lines: lines.iter().map(line).filter(is_drawn).collect(),
    }
}

fn sessions(points: &[Point]) -> Plot {
    over_time(
        "Sessions",
        count,
        points,
        &[
            ("open, as the client sees it", &|it| Some(it.open as f64)),
            ("held, as the gateways say", &|it| it.gateways.map(|it| it.sessions as f64)),
            ("not opened or lost", &|it| Some(it.failed as f64 + it.lost as f64)),
        ],
    )
}

/// How many were asked to come back, and did, in each second.
fn returns(recalls: &Recalls) -> Plot {
    let (asked, back) = (&recalls.per_second, &recalls.returned.per_second);
    let seconds = || asked.keys().chain(back.keys()).copied();
    let (first, last) = (seconds().min().unwrap_or(1), seconds().max().unwrap_or_default());
    // A report may say anything, and a plot has only so many points.
    let step = usize::try_from(last.saturating_sub(first) / MOST_SECONDS).unwrap_or(usize::MAX);
    let line = |name: &str, counts: &BTreeMap<u64, u64>| Line {
        name: name.to_owned(),
        points: (first..=last)
            .step_by(step.saturating_add(1))
            .map(|it| ((it - first) as f64, counts.get(&it).copied().unwrap_or_default() as f64))
            .collect(),
    };
    Plot {
        title: "Sessions asked to come back, and those that did, a second",
        across: "seconds",
        scale: Scale::Linear,
        show_x: trimmed,
        show_y: count,
        lines: vec![line("asked", asked), line("came back", back)],
    }
}

fn memory(points: &[Point]) -> Plot {
    // Between runs one after another nobody looked at memory.
    let known = points.iter().filter(|point| point.has_memory());
    let least = known.map(|point| point.kernel.total()).min().unwrap_or_default();
    let growth = |point: &Point| point.kernel.total().saturating_sub(least);
    let gateways = |point: &Point| point.gateways.map_or(0, |it| it.memory);
    let most = points.iter().map(|it| growth(it).max(gateways(it)).max(it.client)).max();
    // The unit that gives the axis round numbers.
    let (unit, show): (f64, fn(f64) -> String) = match most.unwrap_or_default() >> 31 {
        0 => (1024.0 * 1024.0, |value| format!("{} MiB", trimmed(value))),
        _ => (1024.0 * 1024.0 * 1024.0, |value| format!("{} GiB", trimmed(value))),
    };
    over_time(
        "Memory",
        show,
        points,
        &[
            ("gateways (RSS)", &|it| it.gateways.map(|it| it.memory as f64 / unit)),
            ("kernel (slab and sockets), growth", &|it| {
                it.has_memory().then_some(growth(it) as f64 / unit)
            }),
            ("this client (RSS)", &|it| (it.client > 0).then_some(it.client as f64 / unit)),
        ],
    )
}

fn slowest_probes(points: &[Point]) -> Plot {
    let slowest = |it: &Point| it.probe.map(|micros| micros as f64 / 1000.0);
    over_time("Slowest probe", milliseconds, points, &[("slowest of every kind", &slowest)])
}

fn percentiles(title: &'static str, series: Vec<(String, &Distribution)>) -> Plot {
    let drawn = series.into_iter().filter(|(_, distribution)| distribution.count() > 0);
    let lines = drawn.map(|(name, distribution)| Line { name, points: curve(distribution) });
    Plot {
        title,
        across: "percentile",
        scale: Scale::Logarithmic,
        show_x: percentile,
        show_y: milliseconds,
        lines: lines.collect(),
    }
}

/// Latency over the number of nines, as far as there are enough values for it.
fn curve(distribution: &Distribution) -> Vec<(f64, f64)> {
    let last = (distribution.count() as f64).log10().clamp(1.0, LAST_DECADE);
    let steps = (last / CURVE_STEP) as u32;
    let quantile = |nines: f64| 1.0 - 10_f64.powf(-nines);
    (0..=steps)
        .map(|step| f64::from(step) * CURVE_STEP)
        .map(|nines| (nines, distribution.at(quantile(nines)).max(0.001)))
        .collect()
}
