//! Reading logs: the store is asked, and what it answers goes to the client as fast as that takes it.

use std::time::Instant;

use actix::{AsyncContext, Handler, Message};
use protocol::{
    Topic,
    kept::{Cursor, From, Gap, Gaps, Log, Place},
    link::{LogPage, StoreAnswer, StoreQuestion},
    server_frame::{ServerFrame, ended_by_cursor},
};

use super::replay::{Phase, Replay};
use crate::session::{
    context::SessionContext,
    state::{Session, Stage},
};

/// The store has answered a session.
#[derive(Message)]
#[rtype(result = "()")]
struct Told {
    log: Log,
    /// To which question.
    question: u64,
    answer: StoreAnswer,
}

/// Where the log of the session's user ends.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct Head(pub Place);

/// The store can be asked again, or for the first time.
#[derive(Message)]
#[rtype(result = "()")]
pub(crate) struct StoreBack;

impl Handler<Told> for Session {
    type Result = ();

    fn handle(&mut self, Told { log, question, answer }: Told, _: &mut SessionContext) {
        // Another one may have taken the place of a replay meanwhile.
        let is_asked = self.replay_of(&log).is_some_and(|replay| replay.question == question);
        if is_asked && self.stage < Stage::Closing {
            self.on_told(&log, answer);
        }
    }
}

impl Handler<Head> for Session {
    type Result = ();

    fn handle(&mut self, Head(end): Head, _: &mut SessionContext) {
        let Some(log) = self.own_log().filter(|_| self.has_log()) else { return };
        if let Some(replay) = self.replay_of(&log) {
            replay.behind = true;
        } else if !self.place().is_some_and(|place| place.has(end)) {
            self.fall_behind();
        }
    }
}

impl Handler<StoreBack> for Session {
    type Result = ();

    fn handle(&mut self, _: StoreBack, _: &mut SessionContext) {
        let Some(log) = self.own_log().filter(|_| self.has_log()) else { return };
        let place = self.place();
        if place.is_none() && self.replay_of(&log).is_none() {
            self.fall_behind();
        }
        for replay in self.rare.iter_mut().flat_map(|rare| &mut rare.replays) {
            if replay.phase == Phase::Away {
                let has_begun = if replay.log == log { place } else { replay.place }.is_some();
                replay.phase = if has_begun { Phase::Read } else { Phase::Begin };
            }
        }
    }
}

impl Session {
    /// Whether something may be kept for it.
    pub(in crate::session) fn has_log(&self) -> bool {
        self.member.gets_all() && self.stage < Stage::Closing
    }

    pub(super) fn place(&self) -> Option<Place> {
        self.local().places.borrow().get(self.member.seat)
    }

    pub(super) fn set_place(&self, place: Place) {
        self.local().places.borrow_mut().set(self.member.seat, place);
    }

    /// Something of the user's log is missing: it has to be read, or the session has not begun.
    pub(super) fn fall_behind(&mut self) {
        let Some(log) = self.own_log() else { return };
        let replay = match self.place() {
            Some(_) => Replay::behind(log),
            // It came while nobody knew of a store.
            None => {
                self.tell_gaps(&log, Gaps::NONE.with(Gap::StoreAway));
                Replay::late(log)
            }
        };
        self.rare().replays.push(replay);
    }

    /// Asks the store for what comes next, where the client can take it: at the end of a turn.
    pub(in crate::session) fn go_on_reading(&mut self, ctx: &SessionContext) {
        let Some(rare) = &self.rare else { return };
        if rare.replays.is_empty() || rare.gates > 0 || self.stage >= Stage::Closing {
            return;
        }
        for which in 0..rare.replays.len() {
            if let Some((log, number, question)) = self.next_question(which) {
                self.ask_store(log, number, question, ctx);
            }
        }
    }

    /// What is to be asked for a replay now, if anything is, which is then taken for asked.
    fn next_question(&mut self, which: usize) -> Option<(Log, u64, StoreQuestion)> {
        let replay = self.rare.as_ref()?.replays.get(which)?;
        let log = replay.log.clone();
        let (question, next) = match replay.phase {
            Phase::Begin => (self.beginning(replay)?, Phase::Beginning),
            Phase::Read if self.stage == Stage::Live && !self.has_outbound() => {
                let from = From::After(self.place_in(replay)?);
                (StoreQuestion::Read { log: log.clone(), from }, Phase::Reading)
            }
            _ => return None,
        };
        let number = self.replay_of(&log)?.asked(next);
        Some((log, number, question))
    }

    fn beginning(&self, replay: &Replay) -> Option<StoreQuestion> {
        let (log, from) = (replay.log.clone(), replay.from);
        let Log::User(user) = log else {
            // Behind the hello.
            let is_told = self.stage == Stage::Live;
            return is_told.then_some(StoreQuestion::Read { log, from });
        };
        let device = self.device();
        let after = match from {
            From::After(place) => Some(place),
            // What is on its way to the store counts as if it were there.
            _ => self.local().directory.acknowledgements.of(&user, device.as_ref()),
        };
        Some(StoreQuestion::Begin { user, device, after })
    }

    fn ask_store(&self, log: Log, number: u64, question: StoreQuestion, ctx: &SessionContext) {
        let address = ctx.address().downgrade();
        let asker = Box::new(move |answer| {
            if let Some(session) = address.upgrade() {
                session.do_send(Told { log, question: number, answer });
            }
        });
        self.local().directory.stores.ask(question, Instant::now(), asker);
    }

    fn on_told(&mut self, log: &Log, answer: StoreAnswer) {
        match (self.replay_of(log).map(|replay| replay.phase), answer) {
            (Some(Phase::Beginning | Phase::Reading), StoreAnswer::Page(page)) => {
                self.announce(log, Some(&page));
                self.tell_gaps(log, page.gaps);
                self.take_page(log, page);
            }
            (Some(Phase::Beginning | Phase::Reading), _) => self.on_away(log),
            _ => {}
        }
    }

    /// The store cannot be asked: what is not kept goes on.
    fn on_away(&mut self, log: &Log) {
        let wants_nothing_older = self.replay_of(log).is_some_and(|it| it.wants_nothing_older());
        if let (Log::Topic(topic), true) = (log, wants_nothing_older) {
            return self.go_live(topic);
        }
        self.announce(log, None);
        let Some(replay) = self.replay_of(log) else { return };
        replay.phase = Phase::Away;
        if !std::mem::replace(&mut replay.told_away, true) {
            self.tell_gaps(log, Gaps::NONE.with(Gap::StoreAway));
        }
        self.local().directory.stores.strand();
        let waiting = self.replay_of(log).map(|replay| {
            // What is kept in the log will be read.
            replay.behind = true;
            replay.release().0
        });
        for push in waiting.into_iter().flatten() {
            if self.lets_through(&push).is_ok() {
                self.send_waited(&push);
            }
        }
    }

    fn take_page(&mut self, log: &Log, page: LogPage) {
        let replayed = page.messages.len() as u64;
        for (place, frame) in page.messages {
            let cursor = Cursor::new(log, place);
            self.send_in_log(&ended_by_cursor(&frame, cursor), Some(cursor));
            if self.stage >= Stage::Closing {
                return;
            }
        }
        self.local().metrics.kept.replayed.inc_by(replayed);
        if matches!(log, Log::User(_)) {
            self.set_place(page.through);
        }
        let is_behind = page.rest > 0 || !self.reaches_feed(log, page.through);
        let Some(replay) = self.replay_of(log) else { return };
        replay.place = Some(page.through);
        replay.replayed += replayed;
        if is_behind || replay.behind {
            replay.phase = Phase::Read;
            return;
        }
        self.tell_recovered(log, page.through);
        self.has_read(log, page.through);
    }

    /// The log was read to its end; what has waited for that follows.
    fn has_read(&mut self, log: &Log, end: Place) {
        let Some(replay) = self.take_replay(log) else { return };
        if matches!(log, Log::Topic(_)) {
            self.rare().replays.push(Replay::ahead(log.clone(), end));
        }
        self.release(replay);
    }

    /// Tells a client that was told that the store could not be asked that it has everything now.
    fn tell_recovered(&mut self, log: &Log, end: Place) {
        let Some(replay) = self.replay_of(log) else { return };
        if std::mem::take(&mut replay.told_away) {
            let (kept, cursor) = (replay.replayed, Cursor::new(log, end).to_string());
            let topic = log.topic().map(Topic::as_str);
            self.send_frame(&ServerFrame::Recovered { cursor: &cursor, kept, topic });
        }
    }

    pub(in crate::session) fn tell_gaps(&mut self, log: &Log, gaps: Gaps) {
        for gap in gaps.iter() {
            let (reason, topic) = (gap.as_str(), log.topic().map(Topic::as_str));
            self.send_frame(&ServerFrame::Gap { reason, topic });
        }
    }

    /// How far it is in the log that is replayed.
    fn place_in(&self, replay: &Replay) -> Option<Place> {
        match replay.log {
            Log::User(_) => self.place(),
            Log::Topic(_) => replay.place,
        }
    }
}
