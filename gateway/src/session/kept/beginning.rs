//! What a client hears when a log begins: its hello for that of its user, `subscribed` for that of a topic.

use protocol::{
    Topic,
    client_frame::START,
    kept::{Cursor, From, Gap, Gaps, Log, Place},
    link::LogPage,
    server_frame::{Named, ServerFrame},
};

use super::{cursors::Cursors, replay::Replay};
use crate::{
    session::state::{Session, Stage},
    uplink::stores::Standing,
};

impl Session {
    /// Has the hello wait for the store where there is one. Else it says at once what is known, and why something is
    /// missing of what the client asks for comes back.
    pub(in crate::session) fn begin_with(&mut self, after: &Cursors) -> Gaps {
        let Some(log) = self.own_log().filter(|_| self.has_log()) else { return Gaps::NONE };
        let from = after.in_own_log(&log).map_or(From::Now, From::After);
        let gap = match self.local().directory.stores.standing() {
            Standing::Here | Standing::Away => {
                self.rare().replays.push(Replay::new(log, from));
                return Gaps::NONE;
            }
            Standing::Absent => Gap::UnknownCursor,
            Standing::Unknown => Gap::StoreAway,
        };
        self.local().directory.stores.strand();
        if from == From::Now {
            return Gaps::NONE;
        }
        self.rare().replays.push(Replay::away(log, from));
        Gaps::NONE.with(gap)
    }

    /// Whether its hello waits for the store.
    pub(in crate::session) fn waits_for_store(&self) -> bool {
        self.stage == Stage::Joining && self.own_replay().is_some_and(Replay::holds_back)
    }

    /// Tells that a log begins, by what the store says of it, if the client does not know.
    pub(super) fn announce(&mut self, log: &Log, page: Option<&LogPage>) {
        let is_new =
            self.replay_of(log).is_some_and(|it| !std::mem::replace(&mut it.announced, true));
        if !is_new {
            return;
        }
        let cursor = page.map(|page| Cursor::new(log, page.from));
        let recovered = page.is_some_and(|page| page.gaps.is_empty());
        let kept = page.map_or(0, |page| page.messages.len() as u64 + page.rest);
        match log {
            Log::User(_) => self.say_hello(cursor, recovered, kept),
            Log::Topic(topic) => {
                cursor.into_iter().for_each(|cursor| self.list_place(cursor));
                let cursor = cursor.map(|cursor| cursor.to_string());
                let (recovered, kept) = (Some(recovered), Some(kept));
                let topic = Named { topic, cursor, recovered, kept };
                self.tell_begun(vec![topic]);
            }
        }
    }

    /// Tells of topics to which it is subscribed from now on.
    pub(in crate::session) fn tell_begun(&mut self, topics: Vec<Named<'_>>) {
        let frame = ServerFrame::Subscribed { topics }.encode();
        match self.wire().has_ids() && self.stage == Stage::Live {
            true => self.send_in_log(&frame, None),
            false => self.send_json(&frame),
        }
    }

    /// Says the hello that has waited for the store, and what had to come behind it.
    fn say_hello(&mut self, cursor: Option<Cursor>, recovered: bool, kept: u64) {
        let hello = self.hello(cursor, recovered, kept);
        self.stage = Stage::Live;
        hello.into_iter().for_each(|hello| self.send_in_log(&hello, cursor));
        let own = self.own_log().and_then(|log| self.replay_of(&log));
        let frames = own.map(|replay| std::mem::take(&mut replay.frames));
        frames.into_iter().flatten().for_each(|frame| self.send_bytes(frame));
    }

    /// The hello of a user's session.
    pub(in crate::session) fn hello(
        &self,
        cursor: Option<Cursor>,
        recovered: bool,
        kept: u64,
    ) -> Option<Vec<u8>> {
        let (session, user) = (self.member.id, self.member.user.as_ref()?.as_str());
        let cursor = cursor.map(|cursor| cursor.to_string());
        let cursor = cursor.as_deref();
        Some(ServerFrame::Hello { session, user, cursor, recovered, kept }.encode())
    }

    /// Begins with the log of a topic that the session is subscribed to now. What can be said of it at once comes back;
    /// the rest is told when the store has answered. `subscribed` says whether it was not before, and how far the
    /// topic's feed was then.
    pub(in crate::session) fn begin_topic<'a>(
        &mut self,
        topic: &'a Topic,
        from: From,
        subscribed: Subscribed,
    ) -> Option<Named<'a>> {
        if !subscribed.is_new && from == From::Now {
            return Some(Named::new(topic));
        }
        let log = Log::Topic(topic.clone());
        self.leave_topic(topic);
        let gap = match self.local().directory.stores.standing() {
            _ if !self.has_log() => return Some(Named::new(topic)),
            Standing::Here => {
                if let Some(place) = subscribed.feed.filter(|_| from == From::Now) {
                    let cursor = Cursor::new(&log, place);
                    self.list_place(cursor);
                    let cursor = Some(cursor.to_string());
                    return Some(Named { cursor, ..Named::new(topic) });
                }
                self.rare().replays.push(Replay::new(log, from));
                return None;
            }
            _ if from == From::Now => return Some(Named::new(topic)),
            Standing::Absent => Gap::UnknownCursor,
            Standing::Away | Standing::Unknown => Gap::StoreAway,
        };
        self.local().directory.stores.strand();
        let (recovered, kept) = (Some(false), Some(0));
        let named = Named { recovered, kept, ..Named::new(topic) };
        self.send_frame(&ServerFrame::Subscribed { topics: vec![named] });
        self.tell_gaps(&log, Gaps::NONE.with(gap));
        self.rare().replays.push(Replay::away(log, from));
        None
    }

    /// Goes on with a topic without knowing where its log is.
    pub(super) fn go_live(&mut self, topic: &Topic) {
        let Some(replay) = self.take_replay(&Log::Topic(topic.clone())) else { return };
        self.send_frame(&ServerFrame::Subscribed { topics: vec![Named::new(topic)] });
        self.release(replay);
    }

    /// The session is not subscribed to a topic any more.
    pub(in crate::session) fn leave_topic(&mut self, topic: &Topic) {
        if self.rare.is_some() {
            self.take_replay(&Log::Topic(topic.clone()));
        }
    }

    /// Whether live pushes of the topic take over where the session has its log. Those of a topic that nobody here has
    /// read begin there.
    pub(super) fn reaches_feed(&self, log: &Log, end: Place) -> bool {
        let Log::Topic(topic) = log else { return true };
        self.local().fan_out.feeds.begin(topic, end).number <= end.number
    }
}

/// A subscription that has begun.
#[derive(Debug, Clone, Copy)]
pub(in crate::session) struct Subscribed {
    /// Whether there was none before.
    pub is_new: bool,
    /// How far the topic's feed was, behind which all its messages come.
    pub feed: Option<Place>,
}

/// From where a client wants a topic, by the cursor it gives.
pub(in crate::session) fn from_of(topic: &Topic, after: Option<&str>) -> From {
    match after {
        None => From::Now,
        Some(START) => From::Start,
        Some(text) => {
            let place = Cursors::new([text]).in_log(&Log::Topic(topic.clone()));
            From::After(place.unwrap_or(Place::UNKNOWN))
        }
    }
}
