//! The link between a pusher-api and a gateway: one two-way connection of binary frames.
//!
//! pusher-api opens it with an HTTP upgrade at the gateway's operators' port ([`PATH`],
//! [`UPGRADE`]) and sends [`Down`] frames; the gateway answers with [`Up`] frames. A frame on the
//! wire is a 32-bit little-endian length, a byte of kind, and the body. What is frequent has a
//! binary body ([`entries`]: pushes, [`presence`]: who came and went); what is rare is JSON.
//!
//! The two ends need not be of one build. Each says what it speaks, and both hold to the [`terms`]
//! that follow; a frame, a request or a push that only a newer build knows is passed over.
//!
//! ```text
//! pusher-api                                gateway
//!     GET, Upgrade, Holdfast-Link-Offer ────►
//!     ◄───────────── 101, Holdfast-Link-Offer
//!     Hello{sender, offer} ──────────────────►
//!     ◄───────────── Welcome{gateway, instance, last_seq, offer}
//!     ◄───────────── Presence: SnapshotBegin, Came…, SnapshotEnd, then changes as they happen
//!     ◄───────────── Presence: TopicsBegin, Wanted…, TopicsEnd, likewise
//!     Device: Linked, Claimed, … ────────────►   (of other gateways' devices)
//!     ◄───────────── Presence: Chose, Claimed…, in between
//!     PresenceAck{seq} ──────────────────────►   (sessions up to seq may hear so)
//!     GivenUp{users, topics} ────────────────►   (sessions are told of a gap)
//!     Batch{seq, pushes} ────────────────────►
//!     ◄───────────── FanOutWork{behind, …}, BatchAck{seq, queued_bytes}
//!     ◄───────────── Receipt   Answer   Heartbeat
//!     ◄───────────── AskTime{asked}
//!     Time{asked, received, answered} ───────►   (how far the clocks are apart)
//!     ◄───────────── Relay{session, errand}
//!     RelayAnswer ───────────────────────────►   (of another gateway's session)
//!     Store{id} ─────────────────────────────►   (what this pusher-api keeps messages in)
//!     ◄───────────── Store{id}                   (the one that the gateway holds to)
//!     ◄───────────── StoreQuestion{begin, read, acknowledge, changed since}
//!     StoreAnswer ───────────────────────────►
//!     ◄───────────── Load{sessions, room}
//!     Others{gateways, sessions, room} ──────►   (what all others have told)
//! ```

pub mod capability;
pub mod clock;
pub mod device;
pub mod down;
pub mod entries;
pub mod entry;
pub mod given_up;
pub mod layout;
pub mod liveness;
pub mod load;
pub mod offer;
pub mod presence;
pub mod question;
pub mod relay;
pub mod store_answer;
pub mod store_question;
pub mod terms;
pub mod unknown;
pub mod up;

mod flags;
mod frame;
mod wire;

pub use capability::{Capabilities, Capability};
pub use clock::ClockReading;
pub use device::{Claim, DeviceNotice};
pub use down::{Down, batch_header};
pub use entries::PushEntries;
pub use entry::{PushEntry, TargetRef};
pub use given_up::{GivenUp, MAX_NAMES};
pub use layout::EntryLayout;
pub use liveness::{HEARTBEAT, SILENCE};
pub use load::{Load, OtherGateways};
pub use offer::{InvalidOffer, OFFER_HEADER, Offer};
pub use presence::{MAX_TOPICS_TOLD, PresenceChange, PresenceChanges};
pub use question::{LinkAnswer, LinkRequest, SessionInfo};
pub use relay::{Errand, RelayAnswer, Relayed, RelayedProblem};
pub use store_answer::{LogPage, StoreAnswer};
pub use store_question::{MAX_ACKNOWLEDGED, StoreQuestion};
pub use terms::Terms;
pub use unknown::UnknownKinds;
pub use up::{FanOutWork, Up};
pub use wire::LinkError;

/// Where on the operators' port a link is opened.
pub const PATH: &str = "/v1/link";
/// The protocol named in the `Upgrade` header of the request and of the 101.
pub const UPGRADE: &str = "holdfast-link";
/// The newest version that this build speaks. It counts up when frames of every link change; what
/// only some links need is a [`Capability`].
pub const VERSION: u16 = 2;
/// Largest body of one frame, in bytes. A push to 10,000 users of the longest names with the
/// largest payload fits four times.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;
