//! What workers count for each push, frame and read: each thread in a cell of its own, summed when
//! somebody looks.
//!
//! One number for all of them is a line of memory that goes back and forth between processors for
//! every push; docs/decisions/hot-counters.md has what that costs. Nothing here is a session's.

use std::sync::{
    Arc,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use prometheus::{
    Histogram, HistogramOpts, IntCounter, IntCounterVec, Opts,
    core::{Collector, Desc},
    proto::{self, MetricFamily},
};
use protocol::receipt::Outcome;

/// So many threads have a cell that no other has; beyond them they share.
const CELLS: usize = 64;
/// Up to how many microseconds the latencies of a bucket take.
const BOUNDS: [u64; 13] = [
    250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 200_000, 500_000, 1_000_000,
    5_000_000,
];
const OUTCOMES: [Outcome; 3] = [Outcome::Written, Outcome::Queued, Outcome::Dropped];

/// A number in a cell.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Counts so many.
    pub(crate) fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }
}

/// What one thread has counted. Processors fetch lines of 64 bytes in pairs.
#[derive(Default)]
#[repr(align(128))]
pub(crate) struct Cell {
    /// Pushes by outcome.
    pub pushes: [Count; OUTCOMES.len()],
    /// JSON frames from clients.
    pub frames_in: Count,
    /// Frames to clients.
    pub frames_out: Count,
    /// Bytes read from sessions.
    pub bytes_in: Count,
    /// Bytes written to sessions.
    pub bytes_out: Count,
    /// Those above every bound last.
    latencies: [Count; BOUNDS.len() + 1],
    latency_micros: Count,
}

impl Cell {
    /// A push took so long.
    pub(crate) fn latency(&self, micros: u64) {
        self.latencies[BOUNDS.partition_point(|bound| *bound < micros)].add(1);
        self.latency_micros.add(micros);
    }
}

/// The cells, and how their sums are shown.
#[derive(Clone)]
pub(crate) struct Tallies {
    cells: Arc<[Cell]>,
    pushes: IntCounterVec,
    frames_in: IntCounter,
    frames_out: IntCounter,
    bytes_in: IntCounter,
    bytes_out: IntCounter,
    /// For its name; what it shows is summed here.
    latency: Histogram,
}

impl Tallies {
    /// # Errors
    /// A name does not fit the format.
    pub(super) fn new() -> prometheus::Result<Self> {
        let pushes = Opts::new(
            "holdfast_pushes_total",
            "Pushes by what became of them at a session at first",
        );
        let bounds = BOUNDS.map(seconds);
        let latency = HistogramOpts::new(
            "holdfast_push_latency_seconds",
            "From acceptance by pusher-api to the write of the last byte to the socket",
        );
        Ok(Self {
            cells: (0..CELLS).map(|_| Cell::default()).collect(),
            pushes: IntCounterVec::new(pushes, &["outcome"])?,
            frames_in: IntCounter::new("holdfast_frames_in_total", "JSON frames from clients")?,
            frames_out: IntCounter::new("holdfast_frames_out_total", "Frames to clients")?,
            bytes_in: IntCounter::new("holdfast_bytes_in_total", "Bytes read from sessions")?,
            bytes_out: IntCounter::new("holdfast_bytes_out_total", "Bytes written to sessions")?,
            latency: Histogram::with_opts(latency.buckets(bounds.to_vec()))?,
        })
    }

    /// The cell of this thread.
    pub(crate) fn here(&self) -> &Cell {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static OWN: usize = THREADS.fetch_add(1, Ordering::Relaxed) % CELLS);
        &self.cells[OWN.with(|own| *own)]
    }

    /// What all threads have counted.
    pub(crate) fn sum(&self, count: impl Fn(&Cell) -> &Count) -> u64 {
        self.cells.iter().map(|cell| count(cell).0.load(Ordering::Relaxed)).sum()
    }

    fn latencies(&self) -> proto::Histogram {
        let mut below = 0;
        let mut up_to = |bucket: usize| {
            below += self.sum(|cell| &cell.latencies[bucket]);
            below
        };
        let buckets = BOUNDS.iter().enumerate().map(|(bucket, bound)| {
            let mut shown = proto::Bucket::default();
            shown.set_upper_bound(seconds(*bound));
            shown.set_cumulative_count(up_to(bucket));
            shown
        });
        let mut shown = proto::Histogram::default();
        shown.set_bucket(buckets.collect());
        shown.set_sample_count(up_to(BOUNDS.len()));
        shown.set_sample_sum(seconds(self.sum(|cell| &cell.latency_micros)));
        shown
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// Has a counter show this.
fn show(counter: &IntCounter, sum: u64) {
    counter.reset();
    counter.inc_by(sum);
}

impl Collector for Tallies {
    fn desc(&self) -> Vec<&Desc> {
        let Self { pushes, frames_in, frames_out, bytes_in, bytes_out, latency, .. } = self;
        let counters = [frames_in, frames_out, bytes_in, bytes_out];
        let described = counters.iter().flat_map(|counter| counter.desc());
        described.chain(pushes.desc()).chain(latency.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Self { pushes, frames_in, frames_out, bytes_in, bytes_out, latency, .. } = self;
        show(frames_in, self.sum(|cell| &cell.frames_in));
        show(frames_out, self.sum(|cell| &cell.frames_out));
        show(bytes_in, self.sum(|cell| &cell.bytes_in));
        show(bytes_out, self.sum(|cell| &cell.bytes_out));
        for outcome in OUTCOMES {
            let sum = self.sum(|cell| &cell.pushes[outcome as usize]);
            show(&pushes.with_label_values(&[outcome.as_str()]), sum);
        }
        let mut latency = latency.collect();
        for metric in latency.iter_mut().flat_map(MetricFamily::mut_metric) {
            metric.set_histogram(self.latencies());
        }
        let counters = [frames_in, frames_out, bytes_in, bytes_out];
        let counters = counters.iter().flat_map(|counter| counter.collect());
        counters.chain(pushes.collect()).chain(latency).collect()
    }
}

#[cfg(test)]
mod tests {
    use serving::metrics::Registrar;

    use super::*;

    #[test]
    fn what_many_threads_count_is_shown_as_one() {
        let registrar = Registrar::default();
        let tallies = registrar.keep(Tallies::new());
        let shown = |line: &str| {
            let text = String::from_utf8(registrar.text()).expect("text");
            assert!(text.lines().any(|shown| shown == line), "{line} is not in {text}");
        };
        shown("holdfast_pushes_total{outcome=\"dropped\"} 0");
        shown("holdfast_push_latency_seconds_count 0");
        // More than there are cells.
        std::thread::scope(|scope| {
            for _ in 0..2 * CELLS {
                scope.spawn(|| {
                    for _ in 0..10 {
                        tallies.here().pushes[Outcome::Queued as usize].add(1);
                        tallies.here().bytes_out.add(7);
                        tallies.here().latency(300);
                    }
                });
            }
        });
        let count = 20 * CELLS;
        for _ in 0..2 {
            shown(&format!("holdfast_pushes_total{{outcome=\"queued\"}} {count}"));
            shown(&format!("holdfast_bytes_out_total {}", 7 * count));
            shown("holdfast_push_latency_seconds_bucket{le=\"0.00025\"} 0");
            shown(&format!("holdfast_push_latency_seconds_bucket{{le=\"0.0005\"}} {count}"));
            shown(&format!("holdfast_push_latency_seconds_count {count}"));
        }
    }

    /// The library's own histogram of the same latencies shows the same.
    #[test]
    fn latencies_fall_into_the_buckets_that_their_bounds_say() {
        let tallies = Tallies::new().expect("names that fit");
        let around = BOUNDS.iter().flat_map(|bound| [bound - 1, *bound, bound + 1]);
        let mut micros = 0;
        for latency in around.chain([0, 10_000_000]) {
            tallies.here().latency(latency);
            tallies.latency.observe(seconds(latency));
            micros += latency;
        }
        let (ours, theirs) = (tallies.latencies(), tallies.latency.collect());
        let theirs = theirs[0].get_metric()[0].get_histogram();
        assert_eq!(ours.get_bucket(), theirs.get_bucket());
        assert_eq!(ours.get_sample_count(), theirs.get_sample_count());
        assert_eq!(ours.get_sample_sum(), seconds(micros));
    }
}
