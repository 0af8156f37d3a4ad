//! What is asked of a store.
//!
//! Each [`Log`] stands alone: nothing here needs an order, or a transaction, across two of them. So a store may be
//! a file with one writer as well as many servers that each hold some of the logs.
//!
//! A log's messages have [`Place`]s whose numbers rise. What is deleted leaves a floor behind for its reason, the
//! highest number that was deleted for it; floors outlive what they speak of by 28 days. So a reader behind a place
//! hears whether something is missing, and why. What has expired is not given, not counted, and makes room before
//! anything else has to; what a later message of its collapse key has replaced is not missing.

use std::{future::Future, time::Duration};

use bytes::Bytes;
pub use protocol::kept::{Acknowledged, From};
use protocol::{
    Device, MessageId, UserId,
    kept::{Gaps, Log, Place, Step},
};
use uuid::Uuid;

/// A store, as those who keep and those who read see it. Cheap to clone; may be used by many at once.
pub trait Store: Clone + Send + Sync + 'static {
    /// Which store this is: the same for all who share it, another one for every other.
    fn id(&self) -> Uuid;

    /// Keeps a message in each log that it is for, and comes back when it is as safe as this store makes things.
    /// What one task appends, in the order in which the futures are first polled, has that order in each log.
    ///
    /// A push with an [`Origin`] that was taken within [`ID_REMEMBERED`] is not kept again: logs that have it are
    /// `None` in the answer. Where it was kept for some of its logs only, because the store failed in between, the
    /// rest is kept now.
    fn append(&self, push: KeptPush) -> impl Future<Output = Result<Appended, AppendError>> + Send;

    /// Begins a session of a user's device, which is the user's from now on until it has not begun one for
    /// `device_kept`; one without a device is of the device that all such share. `after` acknowledges as
    /// [`Self::acknowledge`] does, and is where reading begins. Without it, reading begins behind what the device
    /// has acknowledged, and for a device that was not the user's before with everything that is kept: of what was
    /// deleted before that, nothing is missing for it, and the page's beginning is taken for acknowledged. With an
    /// `after` that is not believed, reading begins as without it, and the page's gap is
    /// [`UnknownCursor`](protocol::kept::Gap::UnknownCursor).
    fn begin(
        &self,
        user: UserId,
        device: Option<Device>,
        after: Option<Place>,
        room: Room,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Reads a log. A place that is not believed, because it is of another history or beyond the present, is read as
    /// [`From::Start`], and the page's gap is [`UnknownCursor`](protocol::kept::Gap::UnknownCursor).
    fn read(
        &self,
        log: Log,
        from: From,
        room: Room,
    ) -> impl Future<Output = Result<Page, StoreError>> + Send;

    /// Takes note of what devices have, each up to a place in its user's log: never back, and never beyond the
    /// log's end. A place that is not believed is passed over, and so is a device that is not the user's. What every
    /// device of the user has is deleted.
    fn acknowledge(
        &self,
        acknowledged: Vec<Acknowledged>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// The logs that were appended to behind this position, in any order, and perhaps others; `None` is now. A
    /// position of another history is taken for the beginning of everything that is kept.
    fn changed_since(
        &self,
        position: Option<Position>,
    ) -> impl Future<Output = Result<Changes, StoreError>> + Send;

    /// Deletes what is kept in a log, and says how many messages those were.
    fn forget(&self, log: Log) -> impl Future<Output = Result<u64, StoreError>> + Send;

    /// What is kept in a log.
    fn standing(&self, log: Log) -> impl Future<Output = Result<Standing, StoreError>> + Send;
}

/// How long the id of a push is remembered.
pub const ID_REMEMBERED: Duration = Duration::from_secs(5 * 60);
/// How long floors outlive what they speak of.
pub const FLOORS_KEPT: Duration = Duration::from_secs(28 * 24 * 60 * 60);

/// The longest position.
pub const POSITION_BYTES: usize = 16 * 1024;

/// A push to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPush {
    /// Its id.
    pub id: MessageId,
    /// Whose id it is and what it was given to, if the backend chose it.
    pub origin: Option<Origin>,
    /// The users it is for, each once, or one topic.
    pub logs: Vec<Log>,
    /// What clients are given.
    pub payload: KeptPayload,
    /// It takes the place of what is kept under the same key in the same log.
    pub collapse_key: Option<Box<str>>,
    /// For how long it is kept.
    pub ttl: Duration,
}

/// What makes the same id the same push.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Origin {
    /// Ids of one API key are apart from those of others. The same in every process.
    pub scope: u64,
    /// A hash of everything that the push says. The same in every process.
    pub content: u64,
}

/// A payload, as the backend wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeptPayload {
    /// One JSON value on a single line.
    Json(Bytes),
    /// Standard base64 of a binary payload.
    Base64(Bytes),
}

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// For each log, in their order, where the message stands; `None` where it was kept before.
    pub steps: Vec<Option<Step>>,
}

/// How much is read in one go. At least one message is, if there is any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Most messages.
    pub messages: usize,
    /// Most bytes of payloads.
    pub bytes: usize,
}

/// A part of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// Where it begins: the place that was asked for, or, where that is not believed or was left to the store, another.
    pub from: Place,
    /// Why messages behind the place that was asked for are missing.
    pub gaps: Gaps,
    /// Those that follow it, in order.
    pub messages: Vec<KeptMessage>,
    /// Where it ends: at its last message if there are more, and else at the end of the log.
    pub through: Place,
    /// How many there are behind it.
    pub rest: u64,
}

/// A message in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptMessage {
    /// Where.
    pub place: Place,
    /// Its id.
    pub id: MessageId,
    /// What clients are given.
    pub payload: KeptPayload,
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// Logs, and where they end.
    pub heads: Vec<(Log, Place)>,
    /// The position that this goes up to.
    pub through: Position,
    /// Whether there is more behind it.
    pub more: bool,
}

/// A position among the changes of a store, in the store's own writing: one place where it counts everything by one
/// number, and one for each of its parts where they count apart. At most [`POSITION_BYTES`] long.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Position(pub Bytes);

/// What is kept in a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How many messages.
    pub messages: u64,
    /// Bytes of their payloads.
    pub bytes: u64,
    /// When the oldest was accepted: milliseconds since the Unix epoch.
    pub oldest_ms: Option<u64>,
    /// Where the log ends.
    pub end: Place,
}

/// Why a store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be asked now; nothing is lost by that.
    #[error("the store cannot be asked: {0}")]
    Away(String),
}

/// Why a push was not kept, or perhaps not in all its logs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// It may have been kept in some of its logs, perhaps in all.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no room, by the setting of this name. It may have been kept in some of its logs.
    #[error("the store is full: {0}")]
    Full(&'static str),
    /// The id was used for another push within [`ID_REMEMBERED`].
    #[error("the id was used for another push within the last 5 minutes")]
    OtherContent,
}
