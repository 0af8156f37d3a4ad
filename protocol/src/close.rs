//! Why sessions end: one table of close code, reason and whether the client should come back.
//!
//! The code goes into the WebSocket close frame (RFC 6455 section 7.4); the reason stands in the
//! `bye` frame of every transport and in the metrics.

/// Why the gateway ends a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client said goodbye, or its socket closed.
    ClientLeft,
    /// The gateway stops at once.
    GoingAway,
    /// The peer answered no ping and sent nothing else for a whole ping interval.
    PingTimeout,
    /// The peer broke the framing rules of its transport.
    ProtocolError,
    /// A kind of frame the session has no use for (binary WebSocket messages).
    Unsupported,
    /// A frame that is not JSON, or text that is not UTF-8.
    InvalidFrame,
    /// The token was missing, wrong, or for somebody else.
    Unauthorized,
    /// A backend closed the user's sessions.
    Disconnected,
    /// A frame above the configured limit.
    FrameTooLarge,
    /// No complete handshake within the deadline.
    HandshakeTimeout,
    /// The gateway is being drained; another one has room.
    Draining,
    /// The client reads more slowly than it is sent to.
    TooSlow,
    /// The gateway has no room for another session.
    Overloaded,
    /// The user has as many sessions as it may.
    TooManySessions,
    /// The token's `exp` has passed and no `refresh` came.
    TokenExpired,
    /// A newer session of the same user and device took over.
    Replaced,
    /// More frames than the configured rate.
    TooManyFrames,
}

impl CloseReason {
    /// Every reason, in the order of the table.
    pub const ALL: [Self; 17] = [
        Self::ClientLeft,
        Self::GoingAway,
        Self::PingTimeout,
        Self::ProtocolError,
        Self::Unsupported,
        Self::InvalidFrame,
        Self::Unauthorized,
        Self::Disconnected,
        Self::FrameTooLarge,
        Self::HandshakeTimeout,
        Self::Draining,
        Self::TooSlow,
        Self::Overloaded,
        Self::TooManySessions,
        Self::TokenExpired,
        Self::Replaced,
        Self::TooManyFrames,
    ];

    /// Close code, reason text, and whether a client should reconnect.
    const fn row(self) -> (u16, &'static str, bool) {
        match self {
            Self::ClientLeft => (1000, "client_left", false),
            Self::GoingAway => (1001, "going_away", true),
            Self::PingTimeout => (1001, "ping_timeout", true),
            Self::ProtocolError => (1002, "protocol_error", false),
            Self::Unsupported => (1003, "unsupported", false),
            Self::InvalidFrame => (1007, "invalid_frame", false),
            Self::Unauthorized => (1008, "unauthorized", false),
            Self::Disconnected => (1008, "disconnected", false),
            Self::FrameTooLarge => (1009, "frame_too_large", false),
            Self::HandshakeTimeout => (1008, "handshake_timeout", true),
            Self::Draining => (1012, "draining", true),
            Self::TooSlow => (1013, "too_slow", true),
            Self::Overloaded => (1013, "overloaded", true),
            Self::TooManySessions => (1013, "too_many_sessions", true),
            Self::TokenExpired => (4401, "token_expired", false),
            Self::Replaced => (4409, "replaced", false),
            Self::TooManyFrames => (4429, "too_many_frames", true),
        }
    }

    /// The WebSocket close code.
    pub const fn code(self) -> u16 {
        self.row().0
    }

    /// The reason as it stands in `bye` frames and metric labels.
    pub const fn as_str(self) -> &'static str {
        self.row().1
    }

    /// Whether the client should try again without changing anything.
    pub const fn reconnect(self) -> bool {
        self.row().2
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::is_sendable_close_code;

    #[test]
    fn codes_may_be_sent_on_the_wire() {
        for reason in CloseReason::ALL {
            let code = reason.code();
            assert!(
                is_sendable_close_code(code),
                "{reason:?} has code {code}, which RFC 6455 reserves"
            );
        }
    }

    #[test]
    fn reasons_are_distinct() {
        let mut texts: Vec<_> = CloseReason::ALL.iter().map(|reason| reason.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), CloseReason::ALL.len());
    }
}
