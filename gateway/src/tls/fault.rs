//! What goes wrong between us and a client that should speak TLS.

use std::io;

use certificates::rustls;

/// Why nothing more can be understood of a connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    /// It did not begin with a handshake: most likely somebody speaks plain HTTP.
    #[error("it does not speak TLS")]
    Plain,
    /// A record, or what comes before the handshake's end, is longer than it may be.
    #[error("what it says is too long")]
    TooLarge,
    /// Too many records in a row have said nothing, or a message about keys came in pieces.
    #[error("it says too much about the connection itself")]
    Idle,
    /// Against the rules of TLS, or what it offers does not fit.
    #[error("{0}")]
    Broken(#[from] rustls::Error),
    /// Nothing can be written any more, or not yet.
    #[error("nothing can be written now")]
    Unwritable,
}

impl Fault {
    /// The label of the handshake metric.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::TooLarge => "too_large",
            Self::Broken(rustls::Error::AlertReceived(_)) => "refused_by_client",
            Self::Idle | Self::Broken(_) | Self::Unwritable => "failed",
        }
    }
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}
