//! Pushes that come to a session which has a log, or is reading it.

use protocol::{
    CloseReason, Topic,
    kept::{Following, Gap, Log},
    receipt::Outcome,
    server_frame::ServerFrame,
};

use super::replay::{Phase, Replay};
use crate::{
    delivery::{frame::Kept, message::Push},
    session::state::{Session, Stage},
};

impl Session {
    /// The log of its user.
    pub(in crate::session) fn own_log(&self) -> Option<Log> {
        self.member.user.clone().map(Log::User)
    }

    pub(super) fn own_replay(&self) -> Option<&Replay> {
        let mut replays = self.rare.as_ref()?.replays.iter();
        replays.find(|replay| matches!(replay.log, Log::User(_)))
    }

    pub(super) fn replay_of(&mut self, log: &Log) -> Option<&mut Replay> {
        self.rare.as_mut()?.replays.iter_mut().find(|replay| replay.log == *log)
    }

    /// Takes a replay out of those there are.
    pub(super) fn take_replay(&mut self, log: &Log) -> Option<Replay> {
        let replays = &mut self.rare.as_mut()?.replays;
        let place = replays.iter().position(|replay| replay.log == *log)?;
        Some(replays.swap_remove(place))
    }

    /// Whether it is not known of each push that it may be sent as it comes.
    pub(in crate::session) fn has_replays(&self) -> bool {
        self.rare.as_ref().is_some_and(|rare| !rare.replays.is_empty())
    }

    /// Whether live pushes wait until the session has read what is kept for its user.
    pub(in crate::session) fn holds_back_pushes(&self) -> bool {
        self.own_replay().is_some_and(Replay::holds_back)
    }

    /// Whether a push may be sent now. One that may not waits, will be read, or was sent before; that is what
    /// becomes of it.
    pub(in crate::session) fn lets_through(&mut self, push: &Push) -> Result<(), Outcome> {
        if self.rare.is_none() && push.frame.kept().is_none() || self.stage >= Stage::Closing {
            return Ok(());
        }
        if self.holds_back_pushes()
            && let Some(log) = self.own_log()
        {
            return Err(self.have_wait_for_own(&log, push));
        }
        match push.frame.kept() {
            None => Ok(()),
            Some(kept @ Kept { log: Log::User(_), .. }) => self.lets_own_through(kept, push),
            Some(kept) => self.lets_topic_through(kept, push),
        }
    }

    fn lets_own_through(&mut self, kept: &Kept, push: &Push) -> Result<(), Outcome> {
        if let Some(replay) = self.replay_of(&kept.log) {
            replay.behind = true;
            return Err(Outcome::Queued);
        }
        match self.place().map(|place| kept.step.seen_from(place)) {
            Some(Following::Next) if self.has_room(push.frame.bytes().len()) => {
                self.set_place(kept.step.place);
                Ok(())
            }
            Some(Following::Past) => Err(Outcome::Written),
            Some(Following::Next | Following::Unsure) | None => {
                self.fall_behind();
                Err(self.have_wait(&kept.log, push))
            }
        }
    }

    /// Those of a topic come in order and once; but a session that has read on by itself has some of them.
    fn lets_topic_through(&mut self, kept: &Kept, push: &Push) -> Result<(), Outcome> {
        let Some(replay) = self.replay_of(&kept.log) else { return Ok(()) };
        match replay.phase {
            Phase::Ahead => {
                if replay.place.is_some_and(|place| kept.step.place.number <= place.number) {
                    return Err(Outcome::Written);
                }
                self.take_replay(&kept.log);
                Ok(())
            }
            Phase::Away => {
                replay.behind = true;
                Err(Outcome::Queued)
            }
            _ => Err(self.have_wait(&kept.log, push)),
        }
    }

    /// Has a push wait behind the log of the session's user. One of a topic's log for which there is no room is read
    /// from that.
    fn have_wait_for_own(&mut self, own: &Log, push: &Push) -> Outcome {
        match (self.have_wait(own, push), push.frame.kept()) {
            (Outcome::Dropped, Some(kept)) => {
                self.read_topic_later(own, kept);
                Outcome::Queued
            }
            (outcome, _) => outcome,
        }
    }

    /// Has the log of a topic be read from where the session has it, together with what waits of it for the user's log.
    fn read_topic_later(&mut self, own: &Log, kept: &Kept) {
        let waits = self.replay_of(own).and_then(|replay| replay.before_first_of(&kept.log));
        match self.replay_of(&kept.log) {
            Some(replay) if replay.phase == Phase::Ahead => replay.phase = Phase::Read,
            Some(replay) => replay.behind = true,
            None => {
                let mut replay = Replay::behind(kept.log.clone());
                replay.place = Some(waits.unwrap_or(kept.step.before));
                self.rare().replays.push(replay);
            }
        }
    }

    fn have_wait(&mut self, log: &Log, push: &Push) -> Outcome {
        let (limit, bytes) = (self.local().settings.outbound_limit, push.frame.bytes().len());
        match self.replay_of(log).is_some_and(|it| it.wait(push, bytes, limit)) {
            true => Outcome::Queued,
            false if push.frame.kept().is_some_and(|kept| kept.log == *log) => Outcome::Queued,
            false => Outcome::Dropped,
        }
    }

    /// Has something that the session says itself wait for its hello.
    pub(in crate::session) fn say_behind_hello(&mut self, bytes: Vec<u8>) {
        let limit = self.local().settings.outbound_limit;
        let Some(replay) = self.own_log().and_then(|log| self.replay_of(&log)) else { return };
        if replay.own_bytes() + bytes.len() > limit {
            return self.close(CloseReason::TooSlow);
        }
        replay.frames.push(bytes);
    }

    /// Sends what has waited for a log, as far as nothing is missing.
    pub(super) fn release(&mut self, mut replay: Replay) {
        let (waiting, lost) = replay.release();
        for push in waiting {
            match self.lets_through(&push) {
                Ok(()) => self.send_waited(&push),
                Err(Outcome::Dropped) => self.lose(1),
                Err(_) => {}
            }
        }
        if lost {
            let (reason, topic) = (Gap::Lost.as_str(), replay.log.topic().map(Topic::as_str));
            self.send_frame(&ServerFrame::Gap { reason, topic });
        }
    }
}
