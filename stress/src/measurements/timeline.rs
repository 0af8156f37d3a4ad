//! What was seen over time: a bounded number of points, thinned out when a run is long.

use serde::{Deserialize, Serialize};

use super::point::Point;

/// Most points of a time line.
pub(super) const MOST_POINTS: usize = 600;

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

    /// From the first point to the last.
    pub(super) fn span(&self) -> Option<(u64, u64)> {
        let times = self.points.iter().map(|point| point.at);
        times.clone().min().zip(times.max())
    }

    /// The last point up to this time, and whether the run is still on.
    pub(super) fn at(&self, time: u64) -> Option<(&Point, bool)> {
        let next = self.points.partition_point(|point| point.at <= time);
        let point = self.points.get(next.checked_sub(1)?)?;
        let is_on = time <= point.at.saturating_add(self.every.saturating_mul(2));
        Some((point, is_on || next < self.points.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(times: impl IntoIterator<Item = u64>) -> Timeline {
        let mut line = Timeline::new("m".into(), Vec::new(), 10);
        times.into_iter().for_each(|at| {
            line.push(Point { at, probe: Some(at), ..Point::default() });
        });
        line
    }

    #[test]
    fn long_runs_are_thinned_out() {
        let line = line((0..100_000).map(|step| step * 10));
        assert!(line.points.len() < MOST_POINTS, "{}", line.points.len());
        assert!(line.points.len() >= MOST_POINTS / 2 - 1);
        assert!(line.points.windows(2).all(|pair| pair[1].at - pair[0].at >= line.every / 4 * 3));
        assert_eq!(line.points[0].at, 0);
        let slowest = line.points.iter().filter_map(|point| point.probe).max();
        assert!(slowest.expect("probes") >= 999_990 - line.every);
    }

    #[test]
    fn points_that_come_too_soon_are_left_out() {
        assert_eq!(line([0, 5, 10]).points.len(), 2);
    }
}
