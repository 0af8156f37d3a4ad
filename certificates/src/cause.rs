//! Why a handshake failed, in a word for metrics and a sentence for people.

use std::{fmt, io};

use rustls::{AlertDescription, CertificateError, Error};

/// Why a handshake failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// Nobody who is believed has signed the peer's certificate.
    UnknownIssuer,
    /// The peer's certificate has expired.
    Expired,
    /// The peer's certificate is not valid yet.
    NotYetValid,
    /// The peer's certificate is for another name.
    WrongName,
    /// Something else is wrong with the peer's certificate.
    BadCertificate,
    /// One side asks for a certificate, and the other showed none.
    NoCertificate,
    /// The peer does not believe our certificate.
    Refused,
    /// No version or cipher suite in common.
    Incompatible,
    /// What the peer sends is not TLS.
    NotTls,
    /// Anything else.
    Other,
}

impl Cause {
    /// Every cause.
    pub const ALL: [Self; 10] = [
        Self::UnknownIssuer,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::BadCertificate,
        Self::NoCertificate,
        Self::Refused,
        Self::Incompatible,
        Self::NotTls,
        Self::Other,
    ];

    /// What an error of TLS comes to.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::AlertReceived(alert) => Self::of_alert(*alert),
            Error::NoCertificatesPresented => Self::NoCertificate,
            Error::PeerIncompatible(_) | Error::NoApplicationProtocol => Self::Incompatible,
            Error::InvalidMessage(_) => Self::NotTls,
            _ => Self::Other,
        }
    }

    /// The same of an error that was met while reading or writing; nothing where it is none of TLS.
    pub fn of_io(error: &io::Error) -> Option<Self> {
        tls_error(error).map(Self::of)
    }

    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as E;
        match error {
            E::UnknownIssuer => Self::UnknownIssuer,
            E::Expired | E::ExpiredContext { .. } => Self::Expired,
            E::NotValidYet | E::NotValidYetContext { .. } => Self::NotYetValid,
            E::NotValidForName | E::NotValidForNameContext { .. } => Self::WrongName,
            _ => Self::BadCertificate,
        }
    }

    /// What the peer says when it gives up (RFC 8446 section 6.2).
    fn of_alert(alert: AlertDescription) -> Self {
        use AlertDescription as A;
        match alert {
            A::CertificateRequired | A::NoCertificate => Self::NoCertificate,
            A::UnknownCA
            | A::BadCertificate
            | A::CertificateExpired
            | A::CertificateRevoked
            | A::CertificateUnknown
            | A::UnsupportedCertificate
            | A::AccessDenied
            | A::DecryptError => Self::Refused,
            A::ProtocolVersion
            | A::HandshakeFailure
            | A::InsufficientSecurity
            | A::NoApplicationProtocol => Self::Incompatible,
            _ => Self::Other,
        }
    }

    /// As it stands in metric labels.
    pub const fn label(self) -> &'static str {
        match self {
            Self::UnknownIssuer => "unknown_issuer",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongName => "wrong_name",
            Self::BadCertificate => "bad_certificate",
            Self::NoCertificate => "no_certificate",
            Self::Refused => "refused",
            Self::Incompatible => "incompatible",
            Self::NotTls => "not_tls",
            Self::Other => "other",
        }
    }

    /// Whether it will be the same again until somebody changes something.
    pub const fn is_lasting(self) -> bool {
        !matches!(self, Self::Expired | Self::NotYetValid | Self::Other)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownIssuer => "nobody who is believed here has signed its certificate",
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::WrongName => "its certificate is for another name",
            Self::BadCertificate => "its certificate cannot be taken",
            Self::NoCertificate => "a certificate is asked for, and none was shown",
            Self::Refused => "it does not believe the certificate that was shown",
            Self::Incompatible => "no version or cipher suite of TLS in common",
            Self::NotTls => "it does not speak TLS",
            Self::Other => "the handshake failed",
        })
    }
}

/// The cause with what TLS says of it, in a sentence.
pub fn explain(error: &Error) -> String {
    format!("{} ({error})", Cause::of(error))
}

/// The same of an error that was met while reading or writing.
pub fn explain_io(error: &io::Error) -> Option<String> {
    tls_error(error).map(explain)
}

fn tls_error(error: &io::Error) -> Option<&Error> {
    error.get_ref().and_then(|inner| inner.downcast_ref::<Error>())
}

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;

    use super::*;

    #[test]
    fn errors_have_causes() {
        let certificate = Error::InvalidCertificate;
        for (error, expected) in [
            (certificate(CertificateError::UnknownIssuer), Cause::UnknownIssuer),
            (certificate(CertificateError::Expired), Cause::Expired),
            (certificate(CertificateError::NotValidYet), Cause::NotYetValid),
            (certificate(CertificateError::NotValidForName), Cause::WrongName),
            (certificate(CertificateError::Revoked), Cause::BadCertificate),
            (Error::NoCertificatesPresented, Cause::NoCertificate),
            (Error::AlertReceived(AlertDescription::CertificateRequired), Cause::NoCertificate),
            (Error::AlertReceived(AlertDescription::UnknownCA), Cause::Refused),
            (Error::AlertReceived(AlertDescription::ProtocolVersion), Cause::Incompatible),
            (Error::InvalidMessage(InvalidMessage::InvalidContentType), Cause::NotTls),
            (Error::DecryptError, Cause::Other),
        ] {
            let told = explain(&error);
            let carried = io::Error::new(io::ErrorKind::InvalidData, error);
            assert_eq!(Cause::of_io(&carried), Some(expected), "{carried}");
            assert!(told.starts_with(&expected.to_string()), "{told}");
        }
        assert_eq!(Cause::of_io(&io::ErrorKind::TimedOut.into()), None);
    }

    #[test]
    fn every_cause_has_a_label_of_its_own() {
        let labels: std::collections::BTreeSet<_> = Cause::ALL.map(Cause::label).into();
        assert_eq!(labels.len(), Cause::ALL.len());
    }
}
