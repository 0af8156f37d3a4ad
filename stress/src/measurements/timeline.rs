//! What was seen over time: a bounded number of points, thinned out when a run is long.

use limits::KernelMemory;
use serde::{Deserialize, Serialize};

/// Most points of a time line.
const MOST_POINTS: usize = 600;

/// What one run saw over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Timeline {
    /// The machine the client ran on.
    pub machine: String,
    /// The gateways that were watched.
    pub watched: Vec<String>,
    /// The shortest distance of two points, in microseconds.
    pub every: u64,
    /// The points, in order.
    pub points: Vec<Point>,
}

/// What was seen at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Microseconds since the epoch.
    pub at: u64,
    /// Sessions open, as the client sees it.
    pub open: u64,
    /// Sessions that could not be opened so far.
    pub failed: u64,
    /// Sessions lost so far.
    pub lost: u64,
    /// Messages received so far.
    pub messages: u64,
    /// The client's memory, in bytes of RSS.
    pub client: u64,
    /// The kernel's memory.
    pub kernel: KernelMemory,
    /// What the gateways say together; nothing while one of them has not said anything.
    pub gateways: Option<Gateways>,
    /// The slowest probe since the last point, in microseconds.
    pub probe: Option<u64>,
}

/// What several gateways say together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Gateways {
    /// Open sessions.
    pub sessions: u64,
    /// Memory in bytes of RSS.
    pub memory: u64,
    /// CPU time so far, where they say it.
    pub cpu_seconds: Option<f64>,
}

impl Gateways {
    /// Those and these.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            sessions: self.sessions.saturating_add(other.sessions),
            memory: self.memory.saturating_add(other.memory),
            cpu_seconds: self.cpu_seconds.zip(other.cpu_seconds).map(|(a, b)| a + b),
        }
    }
}

impl Point {
    /// Whether anybody looked at memory then.
    pub(crate) fn has_memory(&self) -> bool {
        self.kernel.total() > 0
    }
}

impl Timeline {
    /// One without points.
    pub(crate) fn new(machine: String, watched: Vec<String>, every: u64) -> Self {
        Self { machine, watched, every: every.max(1), points: Vec::new() }
    }

    /// Adds a point, unless it comes too soon after the last.
    pub(crate) fn push(&mut self, point: Point) {
        // Whoever samples goes by another clock, so a little sooner is fine.
        let least = self.every - self.every / 4;
        if self.points.last().is_some_and(|last| point.at < last.at.saturating_add(least)) {
            return;
        }
        self.points.push(point);
        if self.points.len() >= MOST_POINTS {
            self.thin_out();
        }
    }

    /// Leaves every other point out. The slowest probe of those is kept.
    fn thin_out(&mut self) {
        self.every = self.every.saturating_mul(2);
        let pairs = self.points.chunks(2).map(|pair| {
            let probe = pair.iter().filter_map(|point| point.probe).max();
            Point { probe, ..pair[0] }
        });
        self.points = pairs.collect();
    }

    fn span(&self) -> Option<(u64, u64)> {
        let times = self.points.iter().map(|point| point.at);
        times.clone().min().zip(times.max())
    }

    /// The last point up to this time, and whether the run is still on.
    fn at(&self, time: u64) -> Option<(&Point, bool)> {
        let next = self.points.partition_point(|point| point.at <= time);
        let point = self.points.get(next.checked_sub(1)?)?;
        let is_on = time <= point.at.saturating_add(self.every.saturating_mul(2));
        Some((point, is_on || next < self.points.len()))
    }
}

/// Several time lines as one. Gateways and machines that several of them saw count once.
pub(crate) fn combine(timelines: &[Timeline]) -> Vec<Point> {
    if let [only] = timelines {
        return only.points.clone();
    }
    let spans = timelines.iter().filter_map(Timeline::span);
    let Some((start, end)) = spans.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else {
        return Vec::new();
    };
    let steps = (MOST_POINTS / 2) as u64;
    let length = end - start;
    let time =
        |step: u64| start + (u128::from(length) * u128::from(step) / u128::from(steps)) as u64;
    (0..=steps).map(|step| sum_at(timelines, time(step))).collect()
}

fn sum_at(timelines: &[Timeline], time: u64) -> Point {
    let mut sum = Point { at: time, ..Point::default() };
    let (mut machines, mut watched): (Vec<&str>, Vec<&[String]>) = Default::default();
    for timeline in timelines {
        let Some((point, is_on)) = timeline.at(time) else { continue };
        sum.failed = sum.failed.saturating_add(point.failed);
        sum.lost = sum.lost.saturating_add(point.lost);
        sum.messages = sum.messages.saturating_add(point.messages);
        if !is_on {
            continue;
        }
        sum.open = sum.open.saturating_add(point.open);
        sum.client = sum.client.saturating_add(point.client);
        sum.probe = sum.probe.max(point.probe);
        if !machines.contains(&timeline.machine.as_str()) {
            machines.push(&timeline.machine);
            sum.kernel.slab_bytes = sum.kernel.slab_bytes.saturating_add(point.kernel.slab_bytes);
            sum.kernel.socket_bytes =
                sum.kernel.socket_bytes.saturating_add(point.kernel.socket_bytes);
        }
        if let Some(gateways) = point.gateways.filter(|_| !watched.contains(&&*timeline.watched)) {
            watched.push(&timeline.watched);
            sum.gateways = Some(sum.gateways.map_or(gateways, |sum| sum.plus(gateways)));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(
        machine: &str,
        watched: &str,
        points: impl IntoIterator<Item = (u64, u64)>,
    ) -> Timeline {
        let mut line = Timeline::new(machine.into(), vec![watched.into()], 10);
        for (at, open) in points {
            let gateways = Some(Gateways { sessions: open, memory: 7, cpu_seconds: None });
            let kernel = KernelMemory { slab_bytes: 5, socket_bytes: 1 };
            line.push(Point { at, open, kernel, gateways, probe: Some(at), ..Point::default() });
        }
        line
    }

    #[test]
    fn long_runs_are_thinned_out() {
        let line = line("m", "g", (0..100_000).map(|step| (step * 10, step)));
        assert!(line.points.len() < MOST_POINTS, "{}", line.points.len());
        assert!(line.points.len() >= MOST_POINTS / 2 - 1);
        assert!(line.points.windows(2).all(|pair| pair[1].at - pair[0].at >= line.every / 4 * 3));
        assert_eq!(line.points[0].at, 0);
        let slowest = line.points.iter().filter_map(|point| point.probe).max();
        assert!(slowest.expect("probes") >= 999_990 - line.every);
    }

    #[test]
    fn points_that_come_too_soon_are_left_out() {
        assert_eq!(line("m", "g", [(0, 1), (5, 2), (10, 3)]).points.len(), 2);
    }

    #[test]
    fn hosts_add_up_and_what_they_share_counts_once() {
        let points = (0..100).map(|step| (step * 10, 4));
        let lines = [
            line("m", "g", points.clone()),
            line("m", "g", points.clone()),
            line("n", "h", points),
        ];
        let middle = combine(&lines)[150];
        assert_eq!(middle.open, 12);
        assert_eq!(middle.gateways.expect("gateways").sessions, 8);
        assert_eq!(middle.kernel.total(), 12);
    }

    #[test]
    fn runs_after_one_another_do_not_add_up() {
        let lines = [
            line("m", "g", (0..100).map(|step| (step * 10, 4))),
            line("m", "g", (1000..1100).map(|step| (step * 10, 5))),
        ];
        let combined = combine(&lines);
        assert_eq!(combined.iter().map(|point| point.open).max(), Some(5));
        assert_eq!(combined[150].open, 0);
        assert_eq!(combine(&[]), []);
    }
}
