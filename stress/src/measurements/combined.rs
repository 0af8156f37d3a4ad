//! Several time lines as one.

use super::{
    point::Point,
    timeline::{MOST_POINTS, Timeline},
};

/// The sum of them over time. Gateways and machines that several of them saw count once.
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
    use limits::KernelMemory;

    use super::*;
    use crate::measurements::gateways::Gateways;

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
