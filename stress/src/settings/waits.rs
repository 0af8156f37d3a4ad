//! How long requests of long polls wait for something new.

use std::{ops::RangeInclusive, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};
use settings::units::positive_duration;

/// One duration, or any from the first to the last: a new one for each request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    shortest: Duration,
    longest: Duration,
}

impl Waits {
    /// One of them.
    pub(crate) fn any(&self) -> Duration {
        let millis = |duration: Duration| duration.as_millis() as u64;
        let range: RangeInclusive<u64> = millis(self.shortest)..=millis(self.longest);
        Duration::from_millis(fastrand::u64(range))
    }
}

impl FromStr for Waits {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (shortest, longest) = text.split_once('-').unwrap_or((text, text));
        let (shortest, longest) = (positive_duration(shortest)?, positive_duration(longest)?);
        match shortest <= longest {
            true => Ok(Self { shortest, longest }),
            false => Err(format!("{text:?} must go up, like 30s-90s")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_within_their_range() {
        let waits: Waits = "30s-90s".parse().expect("a range");
        let seconds: Vec<_> = (0..1000).map(|_| waits.any().as_secs()).collect();
        assert!(seconds.iter().all(|seconds| (30..=90).contains(seconds)));
        assert!(seconds.iter().any(|it| *it < 50) && seconds.iter().any(|it| *it > 70));
        assert_eq!("2s".parse::<Waits>().expect("one").any(), Duration::from_secs(2));
        for wrong in ["", "5", "0s", "9s-1s", "1s-2"] {
            assert!(wrong.parse::<Waits>().is_err(), "{wrong}");
        }
    }
}
