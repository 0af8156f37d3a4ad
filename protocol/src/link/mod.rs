//! The link between a pusher-api and a gateway: one two-way connection of binary frames.
//!
//! pusher-api opens it with an HTTP upgrade at the gateway's operators' port ([`PATH`],
//! [`UPGRADE`]) and sends [`Down`] frames; the gateway answers with [`Up`] frames. A frame on the
//! wire is a 32-bit little-endian length, a byte of kind, and the body. What is frequent has a
//! binary body ([`entry`]: pushes, [`presence`]: who came and went); what is rare is JSON.
//!
//! ```text
//! pusher-api                                gateway
//!     Hello{sender} ─────────────────────────►
//!     ◄───────────── Welcome{gateway, instance, last_seq}
//!     ◄───────────── Presence: SnapshotBegin, Came…, SnapshotEnd, then changes as they happen
//!     PresenceAck{seq} ──────────────────────►   (sessions up to seq may say hello)
//!     Batch{seq, pushes} ────────────────────►
//!     ◄───────────── BatchAck{seq, queued_bytes}   Receipt   Answer   Heartbeat
//! ```

pub mod down;
pub mod entry;
pub mod presence;
pub mod question;
pub mod up;

mod frame;
mod wire;

pub use down::{Down, batch_header};
pub use entry::{PushEntries, PushEntry, TargetRef};
pub use presence::{PresenceChange, PresenceChanges};
pub use question::{LinkAnswer, LinkRequest, SessionInfo};
pub use up::Up;
pub use wire::LinkError;

/// Where on the operators' port a link is opened.
pub const PATH: &str = "/v1/link";
/// The protocol named in the `Upgrade` header of the request and of the 101.
pub const UPGRADE: &str = "holdfast-link";
/// Version of the frames; both ends must have the same.
pub const VERSION: u16 = 1;
/// Largest body of one frame, in bytes. A push to 10,000 users of the longest names with the
/// largest payload fits four times.
pub const MAX_FRAME_BYTES: usize = 8 * 1024 * 1024;
