//! Logs of which a session has not everything, on their way to another process. What the store was asked is asked
//! there once more.

use std::collections::HashMap;

use protocol::kept::From;

use super::replay::{Phase, Replay};
use crate::{
    delivery::frame::SharedFrame,
    handover::{
        giver::Frames,
        records::{Bytes, FromRecord, PhaseRecord, ReplayRecord, read, written},
    },
    session::queue::{named, unnamed},
};

impl Replay {
    /// As it is given to another process.
    pub(in crate::session) fn record(&self, frames: &mut Frames) -> ReplayRecord {
        ReplayRecord {
            log: (&self.log).into(),
            phase: match self.phase {
                Phase::Begin | Phase::Beginning => PhaseRecord::Begin,
                Phase::Read | Phase::Reading => PhaseRecord::Read,
                Phase::Away => PhaseRecord::Away,
                Phase::Ahead => PhaseRecord::Ahead,
            },
            from: match self.from {
                From::After(place) => FromRecord::After(written(place)),
                From::Start => FromRecord::Start,
                From::Now => FromRecord::Now,
            },
            place: self.place.map(written),
            frames: self.frames.iter().cloned().map(Bytes).collect(),
            is_announced: self.announced,
            is_told_away: self.told_away,
            replayed: self.replayed,
            is_behind: self.behind,
            waiting: self
                .waiting
                .iter()
                .map(|push| named(&push.frame, push.accepted, frames))
                .collect(),
            has_lost: self.lost,
        }
    }

    /// The one that another process has given.
    pub(in crate::session) fn resumed(
        record: ReplayRecord,
        frames: &HashMap<u64, SharedFrame>,
    ) -> Self {
        let from = match record.from {
            FromRecord::After(place) => From::After(read(place)),
            FromRecord::Start => From::Start,
            FromRecord::Now => From::Now,
        };
        let mut replay = Self::new(record.log.into(), from);
        replay.phase = match record.phase {
            PhaseRecord::Begin => Phase::Begin,
            PhaseRecord::Read => Phase::Read,
            PhaseRecord::Away => Phase::Away,
            PhaseRecord::Ahead => Phase::Ahead,
        };
        replay.place = record.place.map(read);
        replay.frames = record.frames.into_iter().map(|bytes| bytes.0).collect();
        replay.announced = record.is_announced;
        replay.told_away = record.is_told_away;
        replay.replayed = record.replayed;
        replay.behind = record.is_behind;
        let waiting = record.waiting.into_iter().filter_map(|it| unnamed(it, frames));
        replay.waiting = waiting.collect();
        replay.bytes = replay.waiting.iter().map(|push| push.frame.bytes().len()).sum();
        replay.lost = record.has_lost;
        replay
    }

    /// Lets go of receipts that were promised for what waits: they say that it waits.
    pub(in crate::session) fn let_go_of_receipts(&mut self) {
        self.waiting.iter_mut().for_each(|push| push.receipt = None);
    }

    /// Whether the store has to be asked for it.
    pub(in crate::session) fn is_to_be_called_back(&self) -> bool {
        self.phase == Phase::Away
    }
}
