//! Why a link ended.

use std::{io, net::SocketAddr};

use certificates::{Cause, explain_io};
use protocol::link::{LinkError, Offer};

/// What ended a connection, or kept it from being made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error("cannot connect: {0}")]
    Connect(io::Error),
    #[error("the connection broke: {0}")]
    Broken(io::Error),
    #[error("TLS with the gateway: {explained}{}", advice(*cause))]
    Tls { cause: Cause, explained: String },
    #[error("the gateway closed the connection")]
    Closed,
    #[error("the gateway said nothing for too long")]
    Silent,
    #[error("the link secret differs: give gateway and pusher-api the same --link-secret")]
    Unauthorized,
    #[error(
        "the gateway takes only links with a certificate: give --link-tls-cert and --link-tls-key"
    )]
    Uncertified,
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

impl From<io::Error> for Failure {
    /// A gateway that does not believe our certificate says so when we read next.
    fn from(error: io::Error) -> Self {
        match (Cause::of_io(&error), explain_io(&error)) {
            (Some(cause), Some(explained)) => Self::Tls { cause, explained },
            // Inside TLS this is an end without a last word; frames say themselves where they end.
            _ if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Broken(error),
        }
    }
}

/// What an operator could look at.
fn advice(cause: Cause) -> &'static str {
    match cause {
        Cause::UnknownIssuer => "; --link-tls-ca names the authority that has signed it",
        Cause::WrongName => "; it has to be for the host in --gateway",
        Cause::NoCertificate => "; give --link-tls-cert and --link-tls-key",
        Cause::Refused => {
            "; the gateway's --link-tls-ca has to name the authority of our --link-tls-cert"
        }
        Cause::NotTls => "; the gateway needs --link-tls-cert, or --gateway is http://",
        _ => "",
    }
}

impl Failure {
    /// Whether it is one of TLS, and why.
    pub(super) fn of_tls(&self) -> Option<Cause> {
        match self {
            Self::Tls { cause, .. } => Some(*cause),
            Self::Uncertified => Some(Cause::NoCertificate),
            _ => None,
        }
    }

    /// Whether another try soon is pointless.
    pub(super) fn needs_an_operator(&self) -> bool {
        let versions = matches!(self, Self::Versions(_) | Self::NoCommonVersion);
        versions || matches!(self, Self::Unauthorized | Self::Alias(_))
    }
}
