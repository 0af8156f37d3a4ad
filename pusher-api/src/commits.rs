//! How long the store's transactions take, as a histogram: the store counts them by itself.

use std::sync::Arc;

use parking_lot::Mutex;
use prometheus::{
    core::{Collector, Desc},
    proto::{Bucket, Histogram, Metric, MetricFamily, MetricType},
};
use store::sqlite::COMMIT_SECONDS;

const NAME: &str = "holdfast_store_commit_duration_seconds";
const HELP: &str = "Time until a transaction of the store was on the disk";
const CLASSES: usize = COMMIT_SECONDS.len() + 1;

/// The histogram, with what it was told last.
#[derive(Clone)]
pub(crate) struct Commits {
    desc: Desc,
    told: Arc<Mutex<([u64; CLASSES], u64)>>,
}

impl Commits {
    /// Of none so far.
    ///
    /// # Errors
    /// The name does not fit the format.
    pub(crate) fn new() -> prometheus::Result<Self> {
        let desc = Desc::new(NAME.to_owned(), HELP.to_owned(), Vec::new(), Default::default())?;
        Ok(Self { desc, told: Arc::default() })
    }

    /// So many in each class, which took so many microseconds together.
    pub(crate) fn set(&self, classes: [u64; CLASSES], micros: u64) {
        *self.told.lock() = (classes, micros);
    }
}

impl Collector for Commits {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let (classes, micros) = *self.told.lock();
        let mut count = 0;
        let mut buckets = Vec::with_capacity(CLASSES);
        for (in_class, bound) in classes.iter().zip(COMMIT_SECONDS) {
            count += in_class;
            let mut bucket = Bucket::default();
            bucket.set_cumulative_count(count);
            bucket.set_upper_bound(bound);
            buckets.push(bucket);
        }
        let mut histogram = Histogram::default();
        histogram.set_sample_count(classes.iter().sum());
        histogram.set_sample_sum(micros as f64 / 1e6);
        histogram.set_bucket(buckets);
        let mut metric = Metric::default();
        metric.set_histogram(histogram);
        let mut family = MetricFamily::default();
        family.set_name(NAME.to_owned());
        family.set_help(HELP.to_owned());
        family.set_field_type(MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use serving::metrics::Registrar;

    use super::*;

    #[test]
    fn classes_are_shown_as_they_add_up() {
        let registrar = Registrar::default();
        let commits = registrar.keep(Commits::new());
        let mut classes = [0; CLASSES];
        (classes[0], classes[2], classes[CLASSES - 1]) = (3, 1, 1);
        commits.set(classes, 2_500_000);
        let text = String::from_utf8(registrar.text()).expect("text");
        for line in [
            "_bucket{le=\"0.001\"} 3",
            "_bucket{le=\"0.002\"} 3",
            "_bucket{le=\"0.005\"} 4",
            "_bucket{le=\"5\"} 4",
            "_bucket{le=\"+Inf\"} 5",
            "_sum 2.5",
            "_count 5",
        ] {
            assert!(text.contains(&format!("{NAME}{line}\n")), "{line} in {text}");
        }
    }
}
