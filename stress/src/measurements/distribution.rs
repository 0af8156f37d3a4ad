//! Distributions of durations in microseconds that workers hand over and the parent merges.

use base64::{Engine, engine::general_purpose::STANDARD};
use hdrhistogram::{
    Histogram,
    serialization::{Deserializer, Serializer, V2Serializer},
};
use serde::{Deserialize, Serialize, de::Error as _, ser::Error as _};

use super::quantiles::Quantiles;

/// The longest duration told apart from longer ones: an hour.
const LONGEST: u64 = 3_600_000_000;
/// The header of HdrHistogram's V2 format.
const HEADER_BYTES: usize = 40;

/// A histogram with three significant digits; travels as base64 of HdrHistogram's V2 format.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Distribution(Histogram<u32>);

impl Default for Distribution {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, LONGEST, 3).expect("legal bounds"))
    }
}

impl Distribution {
    /// Counts one duration.
    pub(crate) fn record(&mut self, micros: u64) {
        self.0.saturating_record(micros);
    }

    /// Reads the V2 format. Its header says how much memory the rest asks for, so it is checked
    /// first: only what this program writes is taken.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let (header, counts) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or("too short")?;
        let told = u32::from_be_bytes([header[4], header[5], header[6], header[7]]);
        if told as usize != counts.len() {
            return Err(format!("says it has {told} bytes of counts, but has {}", counts.len()));
        }
        // Offset, digits, bounds and ratio follow cookie and length.
        if header[8..] != Self::default().write()?[8..HEADER_BYTES] {
            return Err(format!("is no histogram from 1 to {LONGEST} µs with 3 digits"));
        }
        let found = Deserializer::new().deserialize(&mut &*bytes);
        found.map(Self).map_err(|error| error.to_string())
    }

    fn write(&self) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let written = V2Serializer::new().serialize(&self.0, &mut bytes);
        written.map_err(|error| format!("{error:?}"))?;
        Ok(bytes)
    }

    /// Adds those of another worker.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.0.add(&other.0).expect("all have the same bounds");
    }

    /// What stands in reports; nothing if nothing was recorded.
    pub(crate) fn quantiles(&self) -> Option<Quantiles> {
        (!self.0.is_empty()).then(|| Quantiles {
            p50_ms: self.at(0.5),
            p90_ms: self.at(0.9),
            p99_ms: self.at(0.99),
            p999_ms: self.at(0.999),
            max_ms: self.max(),
        })
    }

    /// How many were recorded.
    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    /// The duration in milliseconds that this share, from 0 to 1, does not exceed.
    pub(crate) fn at(&self, quantile: f64) -> f64 {
        self.0.value_at_quantile(quantile) as f64 / 1000.0
    }

    /// The longest in milliseconds.
    pub(crate) fn max(&self) -> f64 {
        self.0.max() as f64 / 1000.0
    }

    /// How many durations are up to `micros`.
    pub(crate) fn count_within(&self, micros: u64) -> u64 {
        self.0.count_between(0, micros)
    }

    /// The share of durations up to `micros`, from 0 to 1, of so many that were due: those that
    /// never came took longer than any. Where that is not known, of those that were recorded.
    pub(crate) fn share_within(&self, micros: u64, due: Option<u64>) -> f64 {
        let due = due.unwrap_or_default().max(self.0.len()).max(1);
        self.count_within(micros) as f64 / due as f64
    }
}

impl Serialize for Distribution {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let bytes = self.write().map_err(S::Error::custom)?;
        serializer.serialize_str(&STANDARD.encode(bytes))
    }
}

impl<'de> Deserialize<'de> for Distribution {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = STANDARD.decode(text).map_err(D::Error::custom)?;
        Self::read(&bytes).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn merged_after_travelling_is_recorded_in_one_place() {
        let (mut whole, mut merged) = (Distribution::default(), Distribution::default());
        for part in 0..3_u64 {
            let mut worker = Distribution::default();
            for micros in (part * 1000..(part + 1) * 1000).map(|micros| micros * 97 + 1) {
                worker.record(micros);
                whole.record(micros);
            }
            let text = serde_json::to_string(&worker).expect("serializes");
            merged.merge(&serde_json::from_str(&text).expect("deserializes"));
        }
        assert_eq!(merged.quantiles(), whole.quantiles());
        assert_eq!(merged.count_within(200_000), whole.count_within(200_000));
        assert_eq!(merged.share_within(300_000, None), 1.0);
        assert_eq!(merged.share_within(300_000, Some(6000)), 0.5);
        assert_eq!(merged.share_within(300_000, Some(5)), 1.0);
    }

    #[test]
    fn foreign_histograms_are_refused() {
        let mut good = Distribution::default();
        good.record(1000);
        let good = good.write().expect("writes");
        assert!(Distribution::read(&good).is_ok());
        let broken = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] ^= byte;
            Distribution::read(&bytes).expect_err("broken")
        };
        assert!(broken(0, 1).contains("cookie"));
        assert!(broken(4, 0x7f).contains("bytes of counts"));
        assert!(broken(24, 0x40).contains("no histogram from 1"));
        assert!(Distribution::read(&good[..20]).is_err());
    }

    proptest! {
        #[test]
        fn any_counts_are_read_or_refused(counts in proptest::collection::vec(any::<u8>(), 0..60)) {
            let mut bytes = Distribution::default().write().expect("writes")[..HEADER_BYTES].to_vec();
            bytes[4..8].copy_from_slice(&(counts.len() as u32).to_be_bytes());
            bytes.extend_from_slice(&counts);
            if let Ok(mut read) = Distribution::read(&bytes) {
                read.merge(&read.clone());
                let _ = (read.quantiles(), read.share_within(5, None), read.count(), read.at(0.5));
            }
        }
    }

    #[test]
    fn nothing_recorded_is_no_distribution() {
        assert_eq!(Distribution::default().quantiles(), None);
    }
}
