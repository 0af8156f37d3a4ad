//! Where a client was: the cursors that it gives back.

use protocol::kept::{Cursor, Log, Place};

/// Most cursors that are looked at: a user's log and more topics than a list of events names.
const MOST_CURSORS: usize = 64;

/// The cursors with which a client comes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cursors {
    cursors: Vec<Cursor>,
    /// Whether one could not be read: whatever it was, it is not known here.
    is_unknown: bool,
}

impl Cursors {
    /// Takes texts, each with one cursor or several with commas between them.
    pub(crate) fn new<'a, T: AsRef<str> + ?Sized + 'a>(
        texts: impl IntoIterator<Item = &'a T>,
    ) -> Self {
        let mut after = Self::default();
        let texts = texts.into_iter().flat_map(|text| text.as_ref().split(','));
        for text in texts.filter(|text| !text.is_empty()).take(MOST_CURSORS) {
            match Cursor::decode(text) {
                Ok(cursor) => after.cursors.push(cursor),
                Err(_) => after.is_unknown = true,
            }
        }
        after
    }

    /// The place in the log of a user; one that no store believes where what was given could not be read.
    pub(crate) fn in_own_log(&self, log: &Log) -> Option<Place> {
        let unknown = self.is_unknown.then_some(Place::UNKNOWN);
        self.in_log(log).or(unknown)
    }

    /// The newest place that was given of a log.
    pub(crate) fn in_log(&self, log: &Log) -> Option<Place> {
        let fingerprint = log.fingerprint();
        let places = self.cursors.iter().filter(|cursor| cursor.log == fingerprint);
        places.map(|cursor| cursor.place).max_by_key(|place| place.number)
    }
}

#[cfg(test)]
mod tests {
    use protocol::{Topic, UserId};

    use super::*;

    #[test]
    fn each_log_finds_its_newest_cursor() {
        let user = Log::User(UserId::new("u").expect("a name"));
        let topic = Log::Topic(Topic::new("t").expect("a name"));
        let at = |number| Place { number, check: 1 };
        let text = |log, number| Cursor::new(log, at(number)).to_string();
        let list = [text(&user, 3), text(&topic, 9)].join(",");
        let after = Cursors::new([list.as_str(), &text(&user, 5), ""]);
        assert_eq!((after.in_own_log(&user), after.in_log(&topic)), (Some(at(5)), Some(at(9))));
        assert_eq!(Cursors::new([""]).in_own_log(&user), None);
        let strange = Cursors::new(["nonsense"]);
        assert_eq!(
            (strange.in_own_log(&user), strange.in_log(&topic)),
            (Some(Place::UNKNOWN), None)
        );
    }
}
