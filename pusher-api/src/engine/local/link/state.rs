//! How a link is doing.

use std::sync::atomic::{AtomicU8, Ordering};

/// The state of a link, as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum LinkState {
    /// Not connected so far.
    Connecting,
    /// Connected; who is there is still being reported.
    Syncing,
    /// Connected, and every user of the gateway is known.
    Up,
    /// Was connected once and is not any more.
    Lost,
}

impl LinkState {
    /// Every state.
    pub(crate) const ALL: [Self; 4] = [Self::Connecting, Self::Syncing, Self::Up, Self::Lost];

    /// The state as it stands in answers and metric labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Up => "up",
            Self::Lost => "lost",
        }
    }
}

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
