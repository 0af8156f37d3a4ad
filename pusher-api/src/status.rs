//! How gateways and their links are, as every engine says it and operators see it.

use protocol::link::LinkAnswer;
use serde::Serialize;
use uuid::Uuid;

/// The state of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LinkState {
    /// Not connected so far.
    Connecting,
    /// Connected; who is there is still being reported.
    Syncing,
    /// Connected, and every user of the gateway is known.
    Up,
    /// Was connected once and is not any more.
    Lost,
}

impl LinkState {
    /// Every state.
    pub(crate) const ALL: [Self; 4] = [Self::Connecting, Self::Syncing, Self::Up, Self::Lost];

    /// The state as it stands in answers and metric labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Up => "up",
            Self::Lost => "lost",
        }
    }
}

/// One gateway, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct GatewayStatus {
    /// What it calls itself.
    pub name: String,
    /// Where it is.
    pub address: String,
    /// `connecting`, `syncing`, `up` or `lost`.
    pub state: LinkState,
    /// Users with at least one session there.
    pub users: u64,
    /// Bytes of pushes it has not acknowledged.
    pub queued_bytes: u64,
    /// Bytes that wait in the gateway for its sessions.
    pub gateway_queued_bytes: u64,
    /// The gateway process; another one after each of its starts.
    pub instance: Option<Uuid>,
}

/// What one gateway answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct GatewayAnswer {
    /// Its name.
    pub gateway: String,
    /// Its answer.
    pub answer: LinkAnswer,
}

/// A gateway that was asked did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("gateway {0} does not answer")]
pub(crate) struct Unanswered(pub String);

/// Why pushes cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotReady {
    /// The names were not looked up so far.
    #[error("the gateways are being looked up")]
    LookingUp,
    /// Some gateways have neither reported their users nor failed to connect.
    #[error("presence is not known yet: waiting for {0}")]
    PresenceUnknown(String),
    /// There is none to forward to.
    #[error("no gateway is connected")]
    NoGateway,
}

impl NotReady {
    /// Every reason, as it stands in metric labels.
    pub(crate) const REASONS: [&str; 3] = ["looking_up", "presence_unknown", "no_gateway"];

    /// The reason as it stands in metric labels.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::LookingUp => "looking_up",
            Self::PresenceUnknown(_) => "presence_unknown",
            Self::NoGateway => "no_gateway",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_labels_name_a_state_alike() {
        for state in LinkState::ALL {
            assert_eq!(serde_json::to_value(state).expect("a text"), state.as_str());
        }
    }
}
