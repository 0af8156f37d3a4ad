//! How a link stands: one value, from which follows what operators see, whether pushes are taken,
//! and whether a start still waits for it.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::status::LinkState;

/// Every stage of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[repr(u8)]
pub(super) enum Standing {
    /// The first connection is being made.
    #[default]
    Connecting,
    /// Not connected so far: a try failed, and nothing is to be expected soon.
    Unreached,
    /// Connected at the first try; its users are being reported for the first time.
    FirstSync,
    /// Connected after a loss or a failed try; its users are being reported.
    Syncing,
    /// Connected, and every user of the gateway is known.
    Up,
    /// The connection was lost so recently that pushes are kept.
    Lost,
    /// Lost for so long that nobody is written to any more.
    GivenUp,
}

/// What happens to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    /// The gateway answered the hello.
    Welcomed,
    /// The gateway has named every user it holds.
    Synced,
    /// The connection ended, or could not be made.
    Ended,
    /// Nobody waits for the gateway any longer.
    GivenUp,
}

impl Standing {
    const ALL: [Self; 7] = [
        Self::Connecting,
        Self::Unreached,
        Self::FirstSync,
        Self::Syncing,
        Self::Up,
        Self::Lost,
        Self::GivenUp,
    ];

    /// How the link stands after the event.
    pub(super) fn after(self, event: Event) -> Self {
        use Standing::{Connecting, FirstSync, GivenUp, Lost, Syncing, Unreached, Up};
        match (event, self) {
            (Event::Welcomed, Connecting | FirstSync) => FirstSync,
            (Event::Welcomed, _) => Syncing,
            (Event::Synced, FirstSync | Syncing | Up) => Up,
            (Event::Ended, Connecting | Unreached) => Unreached,
            (Event::Ended, FirstSync | Syncing | Up | Lost) => Lost,
            (Event::GivenUp, FirstSync | Syncing | Up | Lost) => GivenUp,
            // A report from a connection that is over; nothing left to end or to give up.
            (Event::Synced, Connecting | Unreached | Lost | GivenUp)
            | (Event::Ended, GivenUp)
            | (Event::GivenUp, Connecting | Unreached | GivenUp) => self,
        }
    }

    /// The state that operators see.
    pub(super) fn state(self) -> LinkState {
        match self {
            Self::Connecting | Self::Unreached => LinkState::Connecting,
            Self::FirstSync | Self::Syncing => LinkState::Syncing,
            Self::Up => LinkState::Up,
            Self::Lost | Self::GivenUp => LinkState::Lost,
        }
    }

    /// Whether there is a connection.
    pub(super) fn is_connected(self) -> bool {
        matches!(self.state(), LinkState::Syncing | LinkState::Up)
    }

    /// Whether pushes may be handed over: connected, or lost so recently that they are kept.
    pub(super) fn is_open(self) -> bool {
        self.is_connected() || self == Self::Lost
    }

    /// Whether its users are known, or connecting failed once and nothing is to be expected soon.
    pub(super) fn is_settled(self) -> bool {
        !matches!(self, Self::Connecting | Self::FirstSync)
    }
}

/// A copy for those who look without the link's lock.
#[derive(Debug, Default)]
pub(super) struct SharedStanding(AtomicU8);

impl SharedStanding {
    pub(super) fn get(&self) -> Standing {
        Standing::ALL[usize::from(self.0.load(Ordering::Acquire))]
    }

    pub(super) fn set(&self, standing: Standing) {
        self.0.store(standing as u8, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Standing::{Connecting, FirstSync, GivenUp, Lost, Syncing, Unreached, Up},
        *,
    };

    #[test]
    fn every_event_leads_from_every_standing_to_a_known_one() {
        let events = [Event::Welcomed, Event::Synced, Event::Ended, Event::GivenUp];
        let table = [
            (Connecting, [FirstSync, Connecting, Unreached, Connecting]),
            (Unreached, [Syncing, Unreached, Unreached, Unreached]),
            (FirstSync, [FirstSync, Up, Lost, GivenUp]),
            (Syncing, [Syncing, Up, Lost, GivenUp]),
            (Up, [Syncing, Up, Lost, GivenUp]),
            (Lost, [Syncing, Lost, Lost, GivenUp]),
            (GivenUp, [Syncing, GivenUp, GivenUp, GivenUp]),
        ];
        assert_eq!(table.map(|(standing, _)| standing), Standing::ALL);
        for (before, expected) in table {
            assert_eq!(events.map(|event| before.after(event)), expected, "from {before:?}");
        }
    }

    #[test]
    fn state_and_readiness_follow_from_the_standing() {
        let table = [
            (Connecting, LinkState::Connecting, "closed", "awaited"),
            (Unreached, LinkState::Connecting, "closed", "settled"),
            (FirstSync, LinkState::Syncing, "open", "awaited"),
            (Syncing, LinkState::Syncing, "open", "settled"),
            (Up, LinkState::Up, "open", "settled"),
            (Lost, LinkState::Lost, "open", "settled"),
            (GivenUp, LinkState::Lost, "closed", "settled"),
        ];
        for (standing, state, open, settled) in table {
            assert_eq!(standing.state(), state, "{standing:?}");
            assert_eq!(standing.is_open(), open == "open", "{standing:?}");
            assert_eq!(standing.is_settled(), settled == "settled", "{standing:?}");
        }
    }

    #[test]
    fn a_shared_standing_is_the_one_that_was_set() {
        let shared = SharedStanding::default();
        assert_eq!(shared.get(), Standing::default());
        for standing in Standing::ALL {
            shared.set(standing);
            assert_eq!(shared.get(), standing);
        }
    }
}
