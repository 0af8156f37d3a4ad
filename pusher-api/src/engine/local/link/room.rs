//! The bound of a link's queue, counted in bytes by those who fill it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::outbox::Freed;

/// What may wait for a gateway that perhaps holds nobody it is for: this part of the room.
const SHARE_OF_PERHAPS: usize = 4;

/// How sure it is that a gateway holds somebody a push is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Certainty {
    /// It said so, or it is connected and a topic's subscribers are not known.
    Known,
    /// It may, because its link is not in step.
    Perhaps,
}

/// Room for pushes that a gateway has not acknowledged.
#[derive(Debug)]
pub(crate) struct Room {
    bound: usize,
    taken: AtomicUsize,
    /// The part of what is taken that is there for no certain user.
    perhaps: AtomicUsize,
    freed: Notify,
    /// Bytes that were given back so far, with wrap-around: whether anything moves.
    given_back: AtomicUsize,
}

impl Room {
    pub(super) fn new(bound: usize) -> Self {
        let [taken, perhaps, given_back] = [(); 3].map(|()| AtomicUsize::new(0));
        Self { bound, taken, perhaps, freed: Notify::new(), given_back }
    }

    /// Bytes accepted and not acknowledged.
    pub(crate) fn taken(&self) -> usize {
        self.taken.load(Ordering::Acquire)
    }

    /// Takes room for this many bytes, unless the bound would be exceeded. What a gateway only may
    /// hold has a share of it; a single push is let in even where it is larger than that.
    pub(crate) fn reserve(&self, bytes: usize, certainty: Certainty) -> bool {
        match certainty {
            Certainty::Known => take(&self.taken, bytes, self.bound, false),
            Certainty::Perhaps => {
                if !take(&self.perhaps, bytes, self.bound / SHARE_OF_PERHAPS, true) {
                    return false;
                }
                let fits = take(&self.taken, bytes, self.bound, false);
                if !fits {
                    self.perhaps.fetch_sub(bytes, Ordering::AcqRel);
                }
                fits
            }
        }
    }

    /// Gives back what [`Self::reserve`] took.
    pub(crate) fn give_back(&self, bytes: usize, certainty: Certainty) {
        let perhaps = if certainty == Certainty::Perhaps { bytes } else { 0 };
        self.release(Freed { bytes, perhaps, ..Freed::default() });
    }

    /// Gives room back.
    pub(crate) fn release(&self, freed: Freed) {
        if freed.bytes > 0 {
            self.perhaps.fetch_sub(freed.perhaps, Ordering::AcqRel);
            self.taken.fetch_sub(freed.bytes, Ordering::AcqRel);
            self.given_back.fetch_add(freed.bytes, Ordering::Relaxed);
            self.freed.notify_waiters();
        }
    }

    /// Whether more than half is taken: who can wait does so, and leaves the rest to who cannot.
    pub(crate) fn is_tight(&self) -> bool {
        self.taken() > self.bound / 2
    }

    /// Waits until at most half is taken, at most this long, and less where nothing is given back
    /// for the length of a standstill. Returns whether it is so.
    pub(crate) async fn eased_within(&self, patience: Duration, standstill: Duration) -> bool {
        let deadline = Instant::now() + patience;
        loop {
            let before = self.given_back.load(Ordering::Relaxed);
            let step = deadline.min(Instant::now() + standstill);
            if timeout_at(step, self.at_most(self.bound / 2)).await.is_ok() {
                return true;
            }
            let still = self.given_back.load(Ordering::Relaxed) == before;
            if still || Instant::now() >= deadline {
                return false;
            }
        }
    }

    /// Waits until nothing is taken.
    pub(crate) async fn drained(&self) {
        self.at_most(0).await;
    }

    async fn at_most(&self, bytes: usize) {
        while self.taken() > bytes {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            // Registered before looking again, so that room made in between is not missed.
            freed.as_mut().enable();
            if self.taken() <= bytes {
                return;
            }
            freed.await;
        }
    }
}

/// Adds to a count unless that exceeds its bound; `first` lets one in where nothing is counted.
fn take(count: &AtomicUsize, bytes: usize, bound: usize, first: bool) -> bool {
    let fits = |taken: usize| {
        taken.checked_add(bytes).filter(|sum| *sum <= bound || (first && taken == 0))
    };
    count.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).is_ok()
}

#[cfg(test)]
mod tests {
    use super::{Certainty::*, *};

    #[test]
    fn what_is_perhaps_for_nobody_crowds_out_nothing() {
        let room = Room::new(1000);
        assert!(room.reserve(200, Perhaps));
        assert!(!room.reserve(51, Perhaps), "a quarter is its share");
        assert!(room.reserve(50, Perhaps));
        assert!(room.reserve(750, Known));
        assert!(!room.reserve(1, Known));
        room.release(Freed { bytes: 900, perhaps: 150, ..Freed::default() });
        assert_eq!(room.taken(), 100);
        assert!(room.reserve(150, Perhaps), "what was given back is of its share");
        assert!(!room.reserve(1, Perhaps));
    }

    #[test]
    fn one_large_push_is_let_in_and_the_bound_holds_for_it_too() {
        let room = Room::new(1000);
        assert!(room.reserve(900, Perhaps), "larger than the share, and alone");
        assert!(!room.reserve(1, Perhaps));
        room.give_back(900, Perhaps);
        assert_eq!(room.taken(), 0);
        assert!(room.reserve(200, Known));
        assert!(!room.reserve(900, Perhaps));
        assert!(room.reserve(250, Perhaps), "what was refused has given its share back");
        room.give_back(200, Known);
        assert!(!room.reserve(1, Perhaps));
    }

    #[actix_rt::test]
    async fn who_waits_does_so_while_something_moves() {
        tokio::time::pause();
        let room = Room::new(1000);
        assert!(room.reserve(1000, Known));
        let (long, still) = (Duration::from_secs(5), Duration::from_secs(1));
        let begun = Instant::now();
        assert!(!room.eased_within(long, still).await);
        assert_eq!(begun.elapsed().as_secs(), still.as_secs(), "nothing moves");
        let slowly = async {
            for _ in 0..9 {
                tokio::time::sleep(Duration::from_millis(900)).await;
                room.give_back(1, Known);
            }
        };
        let begun = Instant::now();
        let waiting = async {
            let eased = room.eased_within(long, still).await;
            assert_eq!((eased, begun.elapsed().as_secs()), (false, 5), "too slowly");
        };
        futures::join!(waiting, slowly);
        let (eased, ()) = futures::join!(room.eased_within(long, still), async {
            room.give_back(500, Known);
        });
        assert!(eased);
    }

    #[test]
    fn it_is_tight_beyond_the_half() {
        let room = Room::new(1000);
        assert!(room.reserve(500, Known) && !room.is_tight());
        assert!(room.reserve(1, Known) && room.is_tight());
    }
}
