//! How much a client may send: a token bucket of frames and one of bytes, in three words.
//!
//! Both hold what a client may send in a second, and fill evenly as time passes. What is earned is
//! the difference of two whole numbers counted from tick 0, so that nothing is lost by rounding,
//! whatever the rate and however often it is asked.

use crate::{runtime::wheel::TICK, settings::Settings};

/// Ticks in a second.
const TICKS: u64 = 1000 / TICK.as_millis() as u64;
/// What of a client's words is still read behind a close of ours, so that its own close is found
/// behind what was under way (RFC 6455 section 7.1.1).
const BEHIND_CLOSE: u32 = 64 * 1024;

/// What a client may still send now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    bytes: u32,
    /// The tick up to which it was filled.
    filled: u32,
    frames: u16,
    /// Whether what comes is not acted on any more: it cannot be understood, or was too much.
    pub deaf: bool,
}

impl Allowance {
    /// As much as a client may send at once.
    pub(super) fn new(settings: &Settings, now: u32) -> Self {
        let (frames, bytes) = (most_frames(settings), most_bytes(settings));
        Self { bytes, filled: now, frames, deaf: false }
    }

    /// As much as another process has left to the client: frames and bytes.
    pub(super) fn resumed((frames, bytes): (u16, u32), deaf: bool, now: u32) -> Self {
        Self { bytes, filled: now, frames, deaf }
    }

    /// The frames and bytes that the client may send now.
    pub(super) fn left(&self, settings: &Settings, now: u32) -> (u16, u32) {
        let mut filled = *self;
        filled.refill(settings, now);
        (filled.frames, filled.bytes)
    }

    /// Adds what was earned up to a tick.
    pub(super) fn refill(&mut self, settings: &Settings, now: u32) {
        if now <= self.filled {
            return;
        }
        let add = |left: u32, rate: u32, most: u32| {
            let filled = u64::from(left) + earned(rate.into(), self.filled, now);
            u32::try_from(filled).map_or(most, |filled| filled.min(most))
        };
        let most = most_frames(settings);
        let frames = add(self.frames.into(), most.into(), most.into());
        self.frames = u16::try_from(frames).unwrap_or(most);
        self.bytes = add(self.bytes, byte_rate(settings), most_bytes(settings));
        self.filled = now;
    }

    /// Takes a frame; false if none is left.
    pub(super) fn take_frame(&mut self) -> bool {
        let left = self.frames.checked_sub(1);
        self.frames = left.unwrap_or(0);
        left.is_some()
    }

    /// Takes bytes; false if there are fewer left.
    pub(super) fn take_bytes(&mut self, count: usize) -> bool {
        let left = u32::try_from(count).ok().and_then(|count| self.bytes.checked_sub(count));
        self.bytes = left.unwrap_or(0);
        left.is_some()
    }

    /// The tick in which the client last sent something, or came.
    pub(super) fn last_used(&self) -> u32 {
        self.filled
    }

    /// From now on only what a closing client needs is read.
    pub(super) fn close(&mut self) {
        self.bytes = BEHIND_CLOSE;
    }

    /// Whether not a byte more may be read.
    pub(super) fn is_used_up(&self) -> bool {
        self.bytes == 0
    }
}

/// What a rate in a second comes to between two ticks.
fn earned(rate: u64, from: u32, to: u32) -> u64 {
    rate * u64::from(to) / TICKS - rate * u64::from(from) / TICKS
}

/// As many as in a second.
fn most_frames(settings: &Settings) -> u16 {
    u16::try_from(settings.frame_rate).unwrap_or(u16::MAX)
}

fn byte_rate(settings: &Settings) -> u32 {
    u32::try_from(settings.byte_rate()).unwrap_or(u32::MAX)
}

/// A second's worth, and whatever the rate two of the largest frames, with their headers.
fn most_bytes(settings: &Settings) -> u32 {
    let two_frames = u32::try_from(2 * (settings.max_frame + 16)).unwrap_or(u32::MAX);
    byte_rate(settings).max(two_frames)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::settings::tests::settings;

    /// How many frames are let through of a client that sends as many as it can.
    fn taken(allowance: &mut Allowance) -> u32 {
        (0..).take_while(|_| allowance.take_frame()).count() as u32
    }

    #[test]
    fn a_second_brings_the_rate_and_no_pause_brings_more() {
        for rate in [1, 3, 7, 19, 20, 50, 999, 65_535] {
            let settings = settings(&[&format!("--frame-rate={rate}")]);
            let mut allowance = Allowance::new(&settings, 1000);
            assert_eq!(taken(&mut allowance), rate);
            let mut second = |from: u32| -> u32 {
                let ticks = from + 1..=from + TICKS as u32;
                let each = ticks.map(|tick| {
                    allowance.refill(&settings, tick);
                    taken(&mut allowance)
                });
                each.sum()
            };
            assert_eq!((second(1000), second(1020)), (rate, rate), "{rate}");
            allowance.refill(&settings, 1_000_000);
            assert_eq!(taken(&mut allowance), rate, "after an hour");
        }
    }

    #[test]
    fn the_largest_frame_fits_whatever_the_rate() {
        let settings = settings(&["--frame-rate=1", "--max-frame=16MiB"]);
        let mut allowance = Allowance::new(&settings, 0);
        assert!(allowance.take_bytes((16 << 20) + 14));
        assert!(allowance.take_bytes((16 << 20) + 14));
        assert!(!allowance.take_bytes(1 << 10));
        assert!(allowance.is_used_up());
    }

    #[test]
    fn bytes_have_a_rate_of_their_own() {
        let settings = settings(&["--byte-rate=1MiB"]);
        let mut allowance = Allowance::new(&settings, 0);
        assert!(allowance.take_bytes(1 << 20) && !allowance.take_bytes(1));
        allowance.refill(&settings, 10);
        assert!(allowance.take_bytes(1 << 19) && !allowance.take_bytes(1));
    }

    proptest! {
        /// However the asking is spread, no span of time brings more than a second's worth and
        /// what the span itself earns.
        #[test]
        fn no_span_lets_more_through(
            rate in 1_u32..5000, start in 0_u32..100_000, steps in prop::collection::vec((0_u32..50, 0_u32..3000), 1..40)
        ) {
            let settings = settings(&[&format!("--frame-rate={rate}")]);
            let (mut allowance, mut now, mut all) = (Allowance::new(&settings, start), start, 0);
            for (ticks, wanted) in steps {
                now += ticks;
                allowance.refill(&settings, now);
                all += (0..wanted).take_while(|_| allowance.take_frame()).count() as u64;
                prop_assert!(all <= u64::from(rate) + earned(rate.into(), start, now));
            }
        }
    }
}
