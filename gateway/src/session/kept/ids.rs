//! The ids of events: where a session is in the log of its user and in those of its token's topics, so that a browser
//! that comes back gives all of them back by itself.
//!
//! An id is written behind each event that stands in a log. Sessions without topics of their token have no list: the
//! place in the user's log is known anyway.

use protocol::{
    Topic,
    kept::{Cursor, Log, Place},
};

use crate::session::state::Session;

/// Most topics that an id names.
const MOST_TOPICS: usize = 16;

/// A log, and where the session is in it as far as its client was told.
pub(crate) type Listed = (u64, Option<Place>);

impl Session {
    /// Its ids name these topics from now on.
    pub(in crate::session) fn list_in_ids(&mut self, topics: &[Topic]) {
        if !self.wire().has_ids() || topics.is_empty() {
            return;
        }
        let Some(own) = self.own_log() else { return };
        let topics = topics.iter().take(MOST_TOPICS).map(|topic| Log::Topic(topic.clone()));
        let logs = std::iter::once(own).chain(topics);
        self.rare().ids = logs.map(|log| (log.fingerprint(), None)).collect();
    }

    /// Its client is told of a place in a log.
    pub(in crate::session) fn list_place(&mut self, cursor: Cursor) {
        let listed = self.rare.iter_mut().flat_map(|rare| &mut rare.ids);
        for (_, place) in listed.filter(|(log, _)| *log == cursor.log) {
            *place = Some(cursor.place);
        }
    }

    /// The id of an event that stands at this cursor; nothing if no log has a place.
    pub(in crate::session) fn id_at(&mut self, cursor: Option<Cursor>) -> Vec<u8> {
        cursor.into_iter().for_each(|cursor| self.list_place(cursor));
        let listed = self.rare.as_ref().map_or(&[][..], |rare| &rare.ids);
        let places =
            listed.iter().filter_map(|(log, place)| Some(Cursor { log: *log, place: (*place)? }));
        let mut cursors: Vec<_> = places.collect();
        if listed.is_empty()
            && let Some(log) = self.own_log().map(|log| log.fingerprint())
        {
            let given = cursor.filter(|cursor| cursor.log == log);
            let known = || self.place().map(|place| Cursor { log, place });
            cursors.extend(given.or_else(known));
        }
        let texts: Vec<_> = cursors.into_iter().map(Cursor::encode).collect();
        texts.join(&b","[..])
    }
}
