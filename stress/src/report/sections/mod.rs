//! What a report says, by subject: the figures, and the lines that show them.

pub(crate) mod broadcasts;
pub(crate) mod failures;
pub(crate) mod memory;
pub(crate) mod phases;
pub(crate) mod probes;
pub(crate) mod pushes;
pub(crate) mod recalls;
pub(crate) mod received;
pub(crate) mod sessions;
pub(crate) mod storms;
pub(crate) mod verdict;
