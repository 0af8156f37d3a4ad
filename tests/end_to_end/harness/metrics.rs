//! Prometheus text, as far as tests look at it.

use std::collections::HashMap;

/// Every sample by its name with labels, as it stands in the text.
pub(crate) struct Metrics(HashMap<String, f64>);

impl Metrics {
    /// Reads the text.
    pub(crate) fn parse(text: &str) -> Self {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        let samples = samples.filter_map(|line| line.rsplit_once(' '));
        Self(samples.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect())
    }

    /// Whether there is a sample of this name with labels.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The sample of this name, or the sum over all labels of a name without them; 0 if unknown.
    pub(crate) fn get(&self, name: &str) -> f64 {
        let labelled = format!("{name}{{");
        let fits = |sample: &str| sample == name || sample.starts_with(&labelled);
        self.0.iter().filter(|(sample, _)| fits(sample)).map(|(_, value)| value).sum()
    }
}
