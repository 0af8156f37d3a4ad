//! The text of `/metrics`, however often it is asked for.

use std::time::{Duration, Instant};

use actix_web::web::Bytes;
use parking_lot::Mutex;

/// Texts that are made anew in a row, and in a second.
const FRESH: u32 = 20;

/// Makes the text anew for whoever asks, one at a time; where more than 20 a second ask, it hands
/// out the last one, which is less than a tenth of a second old.
#[derive(Default)]
pub struct Exposition(Mutex<Made>);

#[derive(Default)]
struct Made {
    text: Bytes,
    fresh: Allowance,
}

/// How many texts may be made now.
struct Allowance {
    left: u32,
    since: Option<Instant>,
}

impl Default for Allowance {
    fn default() -> Self {
        Self { left: FRESH, since: None }
    }
}

impl Allowance {
    fn take(&mut self, now: Instant) -> bool {
        let each = Duration::from_secs(1) / FRESH;
        let since = *self.since.get_or_insert(now);
        let earned = now.saturating_duration_since(since).as_nanos() / each.as_nanos();
        if earned > 0 {
            let earned = u32::try_from(earned).unwrap_or(u32::MAX);
            self.left = self.left.saturating_add(earned).min(FRESH);
            self.since = Some(if earned > FRESH { now } else { since + each * earned });
        }
        let some = self.left > 0;
        self.left = self.left.saturating_sub(1);
        some
    }
}

impl Exposition {
    /// The text.
    pub fn text(&self, make: impl FnOnce() -> Vec<u8>) -> Bytes {
        let mut made = self.0.lock();
        if made.fresh.take(Instant::now()) || made.text.is_empty() {
            made.text = make().into();
        }
        made.text.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twenty_a_second_are_fresh() {
        let begun = Instant::now();
        let mut allowance = Allowance::default();
        let taken = (0..100).filter(|_| allowance.take(begun)).count();
        assert_eq!(taken, 20);
        let later = begun + Duration::from_millis(100);
        assert_eq!((0..100).filter(|_| allowance.take(later)).count(), 2);
        let much_later = begun + Duration::from_secs(3600);
        assert_eq!((0..100).filter(|_| allowance.take(much_later)).count(), 20);
    }

    #[test]
    fn whoever_asks_seldom_sees_what_is_so() {
        let exposition = Exposition::default();
        for number in 0..20_u8 {
            assert_eq!(exposition.text(|| vec![b'a' + number])[0], b'a' + number);
        }
    }
}
