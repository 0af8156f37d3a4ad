//! What fields of all records are written by.

use protocol::kept;

/// The version of what is written here. Who takes over reads this one and every earlier one.
pub(crate) const RECORDS: u32 = 1;

/// Whether a field need not be written.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A place in a log: number and check.
pub(crate) type PlaceRecord = (u64, u32);

/// A place as it is written.
pub(crate) fn written(place: kept::Place) -> PlaceRecord {
    (place.number, place.check)
}

/// A place as it was read.
pub(crate) fn read((number, check): PlaceRecord) -> kept::Place {
    kept::Place { number, check }
}
