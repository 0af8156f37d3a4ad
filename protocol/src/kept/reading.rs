//! From where logs are read, and up to where they have been.

use super::place::Place;
use crate::ids::{Device, UserId};

/// From where a log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// From what follows this place.
    After(Place),
    /// From the first message that is still kept.
    Start,
    /// From what comes next: nothing is read, but where that is.
    Now,
}

/// How far a device has a user's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Acknowledged {
    /// Whose.
    pub user: UserId,
    /// Which; none stands for all without one.
    pub device: Option<Device>,
    /// Up to here.
    pub place: Place,
}
