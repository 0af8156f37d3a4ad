//! What is asked of an engine.
//!
//! Whatever another engine would have to ask elsewhere is `async`. That is one future for each
//! push, which must not cost an allocation, so neither trait is meant for `dyn`:
//! [`AnyEngine`](super::any::AnyEngine) holds the engine that was chosen.

use std::time::Duration;

use futures::future::BoxFuture;
use protocol::{
    MessageId, UserId,
    kept::{Log, Step},
    link::LinkRequest,
};
use settings::Endpoint;
use store::contract::KeptPayload;

use crate::{
    status::{Answers, GatewayIndex, GatewayIndexes, GatewayStatus, NotReady, OutOfStep},
    validate::To,
};

/// No backend is told to wait longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A way to the gateways.
pub(crate) trait Engine {
    /// What forwards the pushes of one request.
    type Dispatch: Dispatch;

    /// Keeps links to these gateways for as long as it is polled, on a thread of its own.
    fn keep_links(&self, gateways: Vec<Endpoint>) -> BoxFuture<'static, ()>;

    /// Whether pushes can be taken.
    ///
    /// # Errors
    /// Says why not.
    async fn readiness(&self) -> Result<(), NotReady>;

    /// Gateways that may hold users who are not known here, where that lasts.
    fn out_of_step(&self) -> Vec<OutOfStep>;

    /// Begins to forward the pushes of one request, whose body has about this many bytes.
    fn dispatch(&self, expected_bytes: usize, haste: Haste) -> Self::Dispatch;

    /// Asks every gateway that the request concerns, or may concern, at once.
    async fn ask(&self, request: LinkRequest) -> Answers;

    /// Whether a gateway is known to hold a session of the user.
    async fn is_online(&self, user: &UserId) -> bool;

    /// What a gateway is called.
    fn name_of(&self, gateway: GatewayIndex) -> String;

    /// The gateways there are.
    fn gateways(&self) -> Vec<GatewayStatus>;

    /// Waits until the gateways have acknowledged all that was handed over; the caller bounds it.
    async fn drained(&self);
}

/// Forwards the pushes of one request, in order. What was added is handed over at the latest when
/// this is dropped.
pub(crate) trait Dispatch {
    /// Adds a push for every gateway that it concerns, or may concern, and that has room. A push
    /// whose future was dropped before it was ready has not been added.
    ///
    /// # Errors
    /// No gateway, or no room where anybody is known to be. Nobody gets it.
    async fn add(&mut self, push: &NamedPush<'_>) -> Result<Handed, Refused>;

    /// Adds a push that is kept, for every gateway that it concerns, or may concern, and that can be told
    /// now. The others read it: it is never refused.
    async fn tell(&mut self, push: &StoredPush<'_>) -> Handed;

    /// Hands over what was added.
    fn flush(&mut self);
}

/// What a request does where a gateway takes pushes more slowly than they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// It takes what room there is and is refused where there is none.
    Now,
    /// It leaves half of the room to others and waits for its gateways to catch up, each for some
    /// seconds, less if nothing moves at all, before it takes that half, too.
    Patient,
}

/// What became of a push that was taken.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Handed {
    /// The gateways it is on its way to.
    pub gateways: GatewayIndexes,
    /// Those that hold or may hold somebody it is for, and will not get it for lack of room.
    pub no_room: GatewayIndexes,
    /// Those that may hold somebody it is for, and cannot be reached; of a push that is kept, those that
    /// will read it. Only where a receipt is waited for.
    pub away: GatewayIndexes,
    /// Whether somebody it is for is known to be online.
    pub online: bool,
}

/// A push that was checked and named.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedPush<'a> {
    /// Its id.
    pub id: MessageId,
    /// When it was accepted: microseconds since the Unix epoch.
    pub accepted_micros: u64,
    /// Whether a receipt is waited for.
    pub receipt: bool,
    /// Who it is for.
    pub to: &'a To<'a>,
    /// What clients receive.
    pub frame: &'a [u8],
    /// It takes the place of what waits for slow clients under the same key.
    pub collapse_key: Option<&'a str>,
}

/// A push that is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StoredPush<'a> {
    /// Its id.
    pub id: MessageId,
    /// When it was accepted: microseconds since the Unix epoch.
    pub accepted_micros: u64,
    /// Whether a receipt is waited for.
    pub receipt: bool,
    /// In which logs: those of users, or that of one topic.
    pub logs: &'a [Log],
    /// Where in each of them; none where it was before, and need not be told again.
    pub steps: &'a [Option<Step>],
    /// What clients receive.
    pub payload: &'a KeptPayload,
}

/// Why a push is not forwarded now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// There is no gateway to forward to.
    #[error("no gateway is connected")]
    NoGateway,
    /// A gateway does not take pushes as fast as they come.
    #[error("gateway {0} cannot keep up")]
    Full(String),
    /// A gateway has enough to do with pushes to topics and to everybody, for this long too much.
    #[error("gateway {0} is behind with pushes to topics and to all")]
    Behind(String, Duration),
}

impl Refused {
    /// When another try may help.
    pub(crate) fn pause(&self) -> Duration {
        match self {
            Self::NoGateway | Self::Full(_) => Duration::from_secs(1),
            Self::Behind(_, wait) => (*wait).min(LONGEST_PAUSE),
        }
    }
}
