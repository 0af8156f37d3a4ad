//! How gateways and their links are, as every engine says it and operators see it.

use std::{fmt, time::Duration};

use protocol::link::LinkAnswer;
use serde::Serialize;
use smallvec::SmallVec;
use uuid::Uuid;

/// Most topics that are remembered, counted once for each gateway that names them. A gateway that would name
/// more is sent pushes to all topics.
pub(crate) const MOST_TOPICS: usize = 1 << 20;

/// A gateway, counted up for the life of the process and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GatewayIndex(pub u32);

/// Some gateways; a push hardly ever concerns more than a few.
pub(crate) type GatewayIndexes = SmallVec<[GatewayIndex; 4]>;

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
    /// Another address of a gateway that is linked already; not used while that link is.
    Alias,
}

impl LinkState {
    /// Every state.
    pub(crate) const ALL: [Self; 5] =
        [Self::Connecting, Self::Syncing, Self::Up, Self::Lost, Self::Alias];

    /// The state as it stands in answers and metric labels.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Connecting => "connecting",
            Self::Syncing => "syncing",
            Self::Up => "up",
            Self::Lost => "lost",
            Self::Alias => "alias",
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
    /// `connecting`, `syncing`, `up`, `lost`, or `alias`: another address of a gateway that is
    /// linked already.
    pub state: LinkState,
    /// Where the gateway is linked, if this is only another address of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias_of: Option<String>,
    /// Users with at least one session there.
    pub users: u64,
    /// Bytes of pushes it has not acknowledged.
    pub queued_bytes: u64,
    /// How long the oldest push has been there that it has not acknowledged.
    #[serde(skip)]
    pub oldest_unacknowledged: Duration,
    /// How long it has to do with pushes to topics and to everybody, as far as it tells.
    #[serde(skip)]
    pub fan_out_behind: Duration,
    /// Topics that it has told of subscribers of, and that are remembered.
    #[serde(skip)]
    pub topics: u64,
    /// Whether it is sent pushes to those topics only.
    #[serde(skip)]
    pub names_topics: bool,
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

/// What the gateways said that a question concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Answers {
    /// The answers.
    pub given: Vec<GatewayAnswer>,
    /// The names of those that said nothing in time, or cannot be asked.
    pub unanswered: Vec<String>,
}

impl Answers {
    /// Whether every gateway has answered.
    pub(crate) fn are_complete(&self) -> bool {
        self.unanswered.is_empty()
    }
}

/// A link whose gateway may hold users that are not known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OutOfStep {
    /// The gateway's name, or its address.
    pub gateway: String,
    /// How the link is doing.
    pub state: LinkState,
    /// For how long it has not been in step.
    pub since: Duration,
}

impl fmt::Display for OutOfStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { gateway, state, since } = self;
        write!(f, "gateway {gateway} has been {} for {} s", state.as_str(), since.as_secs())
    }
}

/// Why pushes cannot be taken, or shall go elsewhere.
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
    /// The process is about to stop; it takes pushes as long as they come.
    #[error("draining")]
    Draining,
    /// Each of them may hold users who are not known here.
    #[error("no gateway is in step: {0}")]
    OutOfStep(String),
}

impl NotReady {
    /// Every reason, as it stands in metric labels.
    pub(crate) const REASONS: [&str; 5] =
        ["looking_up", "presence_unknown", "no_gateway", "draining", "out_of_step"];

    /// The reason as it stands in metric labels.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::LookingUp => "looking_up",
            Self::PresenceUnknown(_) => "presence_unknown",
            Self::NoGateway => "no_gateway",
            Self::Draining => "draining",
            Self::OutOfStep(_) => "out_of_step",
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
