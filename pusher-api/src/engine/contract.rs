//! What is asked of an engine.
//!
//! Whatever another engine would have to ask elsewhere is `async`. That is one future for each
//! push, which must not cost an allocation, so neither trait is meant for `dyn`:
//! [`AnyEngine`](super::any::AnyEngine) holds the engine that was chosen.

use futures::future::BoxFuture;
use protocol::{MessageId, link::LinkRequest};
use settings::Endpoint;

use crate::{
    status::{GatewayAnswer, GatewayStatus, NotReady, Unanswered},
    validate::To,
};

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

    /// Begins to forward the pushes of one request, whose body has about this many bytes.
    fn dispatch(&self, expected_bytes: usize) -> Self::Dispatch;

    /// Asks every gateway that the request concerns.
    ///
    /// # Errors
    /// Names one that did not answer.
    async fn ask(&self, request: LinkRequest) -> Result<Vec<GatewayAnswer>, Unanswered>;

    /// The gateways there are.
    fn gateways(&self) -> Vec<GatewayStatus>;

    /// Waits until the gateways have acknowledged all that was handed over; the caller bounds it.
    async fn drained(&self);
}

/// Forwards the pushes of one request, in order. What was added is handed over at the latest when
/// this is dropped.
pub(crate) trait Dispatch {
    /// Adds a push for every gateway that it concerns, or for none; returns how many these are.
    /// A push whose future was dropped before it was ready has not been added.
    ///
    /// # Errors
    /// No gateway, or no room at one of them.
    async fn add(&mut self, push: &NamedPush<'_>) -> Result<usize, Refused>;

    /// Hands over what was added.
    fn flush(&mut self);

    /// Waits until no gateway is far behind; the caller bounds it.
    async fn eased(&self);
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
}
