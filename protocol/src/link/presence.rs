//! Who came and who went, and which topics somebody is subscribed to: the body of a `Presence` frame.

use bytes::BufMut;
use uuid::Uuid;

use super::{
    device::Claim,
    wire::{LinkError, Reader, put_name},
};

const SNAPSHOT_BEGIN: u8 = 0;
const CAME: u8 = 1;
const WENT: u8 = 2;
const SNAPSHOT_END: u8 = 3;
const TOPICS_BEGIN: u8 = 4;
const WANTED: u8 = 5;
const UNWANTED: u8 = 6;
const TOPICS_END: u8 = 7;
const ALL_TOPICS: u8 = 8;
const CLAIMED: u8 = 9;
const HELD: u8 = 10;
const CHOSE: u8 = 11;
const LEFT: u8 = 12;

/// A gateway with subscribers of more topics than this does not tell which, and is sent all.
pub const MAX_TOPICS_TOLD: usize = 65_536;

/// One change of who has a session at a gateway, or of the topics that it has subscribers of. The
/// changes of one link form a sequence, counted from 1. Those of topics are only for a pusher-api with
/// the capability, see [`super::Terms::tells_topics`], and those from [`Self::Claimed`] on for one with
/// another, see [`super::Terms::claims_devices`].
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
    /// What follows up to [`Self::TopicsEnd`] names every topic with a subscriber at the gateway, with
    /// the changes that happen meanwhile. The gateway is sent pushes to all topics until then.
    TopicsBegin,
    /// The topic has at least one subscriber.
    Wanted(&'a str),
    /// The topic's last subscriber is gone.
    Unwanted(&'a str),
    /// From here on the gateway is sent pushes to topics that were named, and no others.
    TopicsEnd,
    /// There are too many topics to tell which: the gateway is sent all until [`Self::TopicsEnd`].
    AllTopics,
    /// The user has a session of this device.
    Claimed {
        /// Whose.
        user: &'a str,
        /// Which.
        device: &'a str,
        /// Since when.
        claim: Claim,
    },
    /// Of the pusher-apis that are linked to both gateways, this one shall decide which sessions are
    /// newer than those of that gateway process.
    Chose(Uuid),
    /// It shall not any more.
    Left(Uuid),
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
            Self::TopicsBegin => out.put_u8(TOPICS_BEGIN),
            Self::Wanted(topic) => {
                out.put_u8(WANTED);
                put_name(out, topic);
            }
            Self::Unwanted(topic) => {
                out.put_u8(UNWANTED);
                put_name(out, topic);
            }
            Self::TopicsEnd => out.put_u8(TOPICS_END),
            Self::AllTopics => out.put_u8(ALL_TOPICS),
            Self::Claimed { user, device, claim } => {
                out.put_u8(if *claim == Claim::New { CLAIMED } else { HELD });
                put_name(out, user);
                put_name(out, device);
            }
            Self::Chose(peer) => {
                out.put_u8(CHOSE);
                out.put_slice(peer.as_bytes());
            }
            Self::Left(peer) => {
                out.put_u8(LEFT);
                out.put_slice(peer.as_bytes());
            }
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
            TOPICS_BEGIN => Ok(PresenceChange::TopicsBegin),
            WANTED => self.0.name().map(PresenceChange::Wanted),
            UNWANTED => self.0.name().map(PresenceChange::Unwanted),
            TOPICS_END => Ok(PresenceChange::TopicsEnd),
            ALL_TOPICS => Ok(PresenceChange::AllTopics),
            CLAIMED => self.claimed(Claim::New),
            HELD => self.claimed(Claim::Held),
            CHOSE => self.0.uuid().map(PresenceChange::Chose),
            LEFT => self.0.uuid().map(PresenceChange::Left),
            unknown => Err(LinkError::UnknownKind(unknown)),
        }
    }

    fn claimed(&mut self, claim: Claim) -> Result<PresenceChange<'a>, LinkError> {
        Ok(PresenceChange::Claimed { user: self.0.name()?, device: self.0.name()?, claim })
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
