//! Why a link ended.

use std::net::SocketAddr;

use protocol::link::{LinkError, Offer};

/// What ended a connection, or kept it from being made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot connect: {0}")]
    Connect(std::io::Error),
    #[error("the connection broke: {0}")]
    Broken(#[from] std::io::Error),
    #[error("the gateway closed the connection")]
    Closed,
    #[error("the gateway said nothing for too long")]
    Silent,
    #[error("the link secret differs: give gateway and pusher-api the same --link-secret")]
    Unauthorized,
    #[error("the gateway answered the upgrade with status {0}")]
    Refused(u16),
    #[error("the answer to the upgrade is no HTTP/1.1 response")]
    NotHttp,
    #[error("no version of the link in common: the gateway speaks {0}, this process {ours}", ours = Offer::OURS)]
    Versions(Offer),
    #[error("no version of the link in common, says the gateway; this process speaks {ours}", ours = Offer::OURS)]
    NoCommonVersion,
    #[error("expected a welcome as the first frame")]
    NoWelcome,
    #[error("the same gateway is linked at {0} already; this address is used if that link is lost")]
    Alias(SocketAddr),
    #[error("frames cannot be read: {0}")]
    Frames(#[from] LinkError),
}

impl Failure {
    /// Whether another try soon is pointless.
    pub(super) fn needs_an_operator(&self) -> bool {
        let versions = matches!(self, Self::Versions(_) | Self::NoCommonVersion);
        versions || matches!(self, Self::Unauthorized | Self::Alias(_))
    }
}
