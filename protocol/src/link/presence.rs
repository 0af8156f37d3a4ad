//! Who came and who went: the body of a `Presence` frame.

use bytes::BufMut;

use super::wire::{LinkError, Reader, put_name};

const SNAPSHOT_BEGIN: u8 = 0;
const CAME: u8 = 1;
const WENT: u8 = 2;
const SNAPSHOT_END: u8 = 3;

/// One change of who has a session at a gateway. The changes of one link form a sequence,
/// counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PresenceChange<'a> {
    /// What follows up to [`Self::SnapshotEnd`] names every user of the gateway; changes that
    /// happen meanwhile stand in between, in the order that is true for each user.
    SnapshotBegin,
    /// The user has at least one session.
    Came(&'a str),
    /// The user's last session is gone.
    Went(&'a str),
    /// Users not named since [`Self::SnapshotBegin`] have no session.
    SnapshotEnd,
}

impl PresenceChange<'_> {
    /// Appends the change to the body of a frame.
    pub fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::SnapshotBegin => out.put_u8(SNAPSHOT_BEGIN),
            Self::Came(user) => {
                out.put_u8(CAME);
                put_name(out, user);
            }
            Self::Went(user) => {
                out.put_u8(WENT);
                put_name(out, user);
            }
            Self::SnapshotEnd => out.put_u8(SNAPSHOT_END),
        }
    }
}

/// The changes in the body of a frame, in order. After an error the iterator ends.
#[derive(Debug)]
pub struct PresenceChanges<'a>(Reader<'a>);

impl<'a> PresenceChanges<'a> {
    /// Reads the body of a [`super::Up::Presence`].
    pub fn new(body: &'a [u8]) -> Self {
        Self(Reader(body))
    }

    fn read(&mut self) -> Result<PresenceChange<'a>, LinkError> {
        match self.0.u8()? {
            SNAPSHOT_BEGIN => Ok(PresenceChange::SnapshotBegin),
            CAME => self.0.name().map(PresenceChange::Came),
            WENT => self.0.name().map(PresenceChange::Went),
            SNAPSHOT_END => Ok(PresenceChange::SnapshotEnd),
            unknown => Err(LinkError::UnknownKind(unknown)),
        }
    }
}

impl<'a> Iterator for PresenceChanges<'a> {
    type Item = Result<PresenceChange<'a>, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let change = self.read();
        if change.is_err() {
            self.0 = Reader(&[]);
        }
        Some(change)
    }
}
