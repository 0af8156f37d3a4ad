//! Where the sessions of a thread are in the logs of their users.
//!
//! Beside the sessions and not in them: twelve bytes a seat where there is a store, and none where there is not.

use protocol::kept::Place;

/// By how many seats the table grows at least.
const STEP: usize = 1024;

/// A place in three words, so that a seat takes no more.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seat([u32; 3]);

/// A seat of whose log nothing has been read.
const NOWHERE: Seat = Seat([u32::MAX; 3]);

/// The places, by seat.
#[derive(Default)]
pub(crate) struct Places(Vec<Seat>);

impl Places {
    /// Where the session in this seat is, once it has read its log.
    pub(in crate::session) fn get(&self, seat: u32) -> Option<Place> {
        let Seat([low, high, check]) =
            *self.0.get(seat as usize).filter(|seat| **seat != NOWHERE)?;
        Some(Place { number: u64::from(high) << 32 | u64::from(low), check })
    }

    /// Takes note where it is.
    pub(in crate::session) fn set(&mut self, seat: u32, place: Place) {
        let index = seat as usize;
        if index >= self.0.len() {
            let length = (index + 1 + self.0.len() / 8).next_multiple_of(STEP);
            self.0.reserve_exact(length - self.0.len());
            self.0.resize(length, NOWHERE);
        }
        let Place { number, check } = place;
        self.0[index] = Seat([number as u32, (number >> 32) as u32, check]);
    }

    /// The session has left its seat.
    pub(crate) fn clear(&mut self, seat: u32) {
        if let Some(place) = self.0.get_mut(seat as usize) {
            *place = NOWHERE;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_seat_has_a_place_of_its_own_in_twelve_bytes() {
        assert_eq!(size_of::<Seat>(), 12);
        let mut places = Places::default();
        let place = Place { number: 5 << 33 | 7, check: 9 };
        assert_eq!(places.get(2000), None);
        places.clear(2000);
        places.set(2000, place);
        places.set(1, Place::START);
        assert_eq!((places.get(2000), places.get(1)), (Some(place), Some(Place::START)));
        assert_eq!((places.get(0), places.get(2047), places.get(2048)), (None, None, None));
        places.clear(2000);
        assert_eq!(places.get(2000), None);
    }
}
