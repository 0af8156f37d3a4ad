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
    /// Another address of a gateway that has a link already.
    Alias,
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
    /// The gateway behind the address has another link.
    Aliased,
}

impl Standing {
    const ALL: [Self; 8] = [
        Self::Connecting,
        Self::Unreached,
        Self::FirstSync,
        Self::Syncing,
        Self::Up,
        Self::Lost,
        Self::GivenUp,
        Self::Alias,
    ];

    /// How the link stands after the event.
    pub(super) fn after(self, event: Event) -> Self {
        use Standing::{Alias, Connecting, FirstSync, GivenUp, Lost, Syncing, Unreached, Up};
        match (event, self) {
            (Event::Welcomed, Connecting | FirstSync) => FirstSync,
            (Event::Welcomed, _) => Syncing,
            (Event::Synced, FirstSync | Syncing | Up) => Up,
            (Event::Aliased, Connecting | Unreached | GivenUp | Alias) => Alias,
            (Event::Ended, Connecting | Unreached | Alias) => Unreached,
            (Event::Ended, FirstSync | Syncing | Up | Lost) => Lost,
            (Event::GivenUp, FirstSync | Syncing | Up | Lost) => GivenUp,
            // A report from a connection that is over; nothing left to end or to give up.
            (Event::Synced, Connecting | Unreached | Lost | GivenUp | Alias)
            | (Event::Ended, GivenUp)
            | (Event::GivenUp, Connecting | Unreached | GivenUp | Alias)
            // What waits for the gateway is given up first.
            | (Event::Aliased, FirstSync | Syncing | Up | Lost) => self,
        }
    }

    /// The state that operators see.
    pub(super) fn state(self) -> LinkState {
        match self {
            Self::Connecting | Self::Unreached => LinkState::Connecting,
            Self::FirstSync | Self::Syncing => LinkState::Syncing,
            Self::Up => LinkState::Up,
            Self::Lost | Self::GivenUp => LinkState::Lost,
            Self::Alias => LinkState::Alias,
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

    /// Whether every user of the gateway is known. While a link is open and not in step, the gateway
    /// may hold anybody: clients come to it that could not be reported.
    pub(super) fn is_in_step(self) -> bool {
        self == Self::Up
    }

    /// Whether the gateway may hold anybody, as far as is known here.
    pub(super) fn is_loose(self) -> bool {
        (self.is_open() && !self.is_in_step()) || self.is_given_up()
    }

    /// Whether there were sessions once that nothing is known of any more.
    pub(super) fn is_given_up(self) -> bool {
        self == Self::GivenUp
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
        Standing::{Alias, Connecting, FirstSync, GivenUp, Lost, Syncing, Unreached, Up},
        *,
    };

    #[test]
    fn every_event_leads_from_every_standing_to_a_known_one() {
        let events = [Event::Welcomed, Event::Synced, Event::Ended, Event::GivenUp, Event::Aliased];
        let table = [
            (Connecting, [FirstSync, Connecting, Unreached, Connecting, Alias]),
            (Unreached, [Syncing, Unreached, Unreached, Unreached, Alias]),
            (FirstSync, [FirstSync, Up, Lost, GivenUp, FirstSync]),
            (Syncing, [Syncing, Up, Lost, GivenUp, Syncing]),
            (Up, [Syncing, Up, Lost, GivenUp, Up]),
            (Lost, [Syncing, Lost, Lost, GivenUp, Lost]),
            (GivenUp, [Syncing, GivenUp, GivenUp, GivenUp, Alias]),
            (Alias, [Syncing, Alias, Unreached, Alias, Alias]),
        ];
        assert_eq!(table.map(|(standing, _)| standing), Standing::ALL);
        for (before, expected) in table {
            assert_eq!(events.map(|event| before.after(event)), expected, "from {before:?}");
        }
    }

    #[test]
    fn state_and_readiness_follow_from_the_standing() {
        let table = [
            (Connecting, LinkState::Connecting, "closed", "unknown", "awaited"),
            (Unreached, LinkState::Connecting, "closed", "unknown", "settled"),
            (FirstSync, LinkState::Syncing, "open", "unknown", "awaited"),
            (Syncing, LinkState::Syncing, "open", "unknown", "settled"),
            (Up, LinkState::Up, "open", "known", "settled"),
            (Lost, LinkState::Lost, "open", "unknown", "settled"),
            (GivenUp, LinkState::Lost, "closed", "unknown", "settled"),
            (Alias, LinkState::Alias, "closed", "unknown", "settled"),
        ];
        for (standing, state, open, users, settled) in table {
            assert_eq!(standing.is_in_step(), users == "known", "{standing:?}");
            assert_eq!(standing.is_given_up(), standing == GivenUp, "{standing:?}");
            let loose = matches!(standing, FirstSync | Syncing | Lost | GivenUp);
            assert_eq!(standing.is_loose(), loose, "{standing:?}");
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
