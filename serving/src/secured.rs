//! What a request's connection says of its peer, for handlers that ask.

use crate::stream::Stream;

/// How a request came; stands in its extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secured {
    /// Inside TLS, from a peer that has proved by a certificate who it is.
    Certified,
    /// Inside TLS, from anybody.
    Encrypted,
    /// As it is.
    Plain,
}

impl Secured {
    /// How requests of this connection come.
    pub(crate) fn of(stream: &Stream) -> Self {
        match (stream.is_tls(), stream.has_certificate()) {
            (true, true) => Self::Certified,
            (true, false) => Self::Encrypted,
            (false, _) => Self::Plain,
        }
    }
}
