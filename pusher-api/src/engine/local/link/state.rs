//! How a link is doing, for all who look at it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::status::LinkState;

/// A state that several threads look at.
#[derive(Debug, Default)]
pub(super) struct SharedState(AtomicU8);

impl SharedState {
    pub(super) fn get(&self) -> LinkState {
        LinkState::ALL[usize::from(self.0.load(Ordering::Acquire))]
    }

    pub(super) fn set(&self, state: LinkState) {
        self.0.store(state as u8, Ordering::Release);
    }
}
