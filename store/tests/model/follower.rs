//! Somebody who follows a log as a session does.

use protocol::kept::{Place, Step};

use super::operation::Heard;

/// A reader of a log: where it is, and what it has not heard yet.
#[derive(Debug)]
pub(super) struct Follower {
    pub(super) at: Place,
    /// Comes after the next one.
    late: Vec<Step>,
}

impl Follower {
    pub(super) fn at(place: Place) -> Self {
        Self { at: place, late: Vec::new() }
    }

    /// What it hears now, when this was appended.
    pub(super) fn hear(&mut self, step: Step, heard: Heard) -> Vec<Step> {
        match heard {
            Heard::Never => Vec::new(),
            Heard::AfterTheNext => {
                self.late.push(step);
                Vec::new()
            }
            Heard::AtOnce => {
                let mut steps = vec![step];
                steps.append(&mut self.late);
                steps
            }
        }
    }
}
