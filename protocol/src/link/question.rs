//! What pusher-api asks of a gateway, and the answers.
//!
//! Both are JSON: an object with one key, the name. A build that does not know the name answers
//! [`LinkAnswer::Unsupported`], or takes the answer for one, and the link goes on.

use serde::{Deserialize, Serialize};

use super::relay::{RelayAnswer, Relayed};
use crate::ids::{Device, SessionId, Topic, UserId};

/// What pusher-api asks of a gateway.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkRequest {
    /// The sessions of a user. Answered with [`LinkAnswer::Sessions`].
    Sessions {
        /// Whose.
        user: UserId,
    },
    /// How many sessions are subscribed to a topic. Answered with [`LinkAnswer::Count`].
    Subscribers {
        /// To which.
        topic: Topic,
    },
    /// Close a user's sessions. Answered with [`LinkAnswer::Count`].
    Disconnect {
        /// Whose.
        user: UserId,
        /// Only that device's.
        device: Option<Device>,
    },
    /// Subscribe a user's sessions to a topic. Answered with [`LinkAnswer::Count`], or, where each
    /// refusal is to be named, with [`LinkAnswer::Subscribed`].
    Subscribe {
        /// Whose.
        user: UserId,
        /// To which.
        topic: Topic,
        /// Whether the sessions that refuse are to be named. Older builds pass over it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        name_refused: bool,
    },
    /// End that subscription. Answered with [`LinkAnswer::Count`].
    Unsubscribe {
        /// Whose.
        user: UserId,
        /// From which.
        topic: Topic,
    },
    /// Something for a session, whose client has asked another gateway. Answered with
    /// [`LinkAnswer::Relayed`]. Only for a gateway with the capability, see [`super::Terms::relays`].
    Relay(Relayed),
}

/// What a gateway answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkAnswer {
    /// The sessions asked for.
    Sessions(Vec<SessionInfo>),
    /// How many sessions it concerned.
    Count(u64),
    /// How many sessions are subscribed now, and which are not and why.
    Subscribed {
        /// Sessions that are.
        sessions: u64,
        /// Sessions that are not, each with the reason.
        refused: Vec<(SessionId, String)>,
    },
    /// What the session has said.
    Relayed(RelayAnswer),
    /// The gateway does not know the request. Only for a pusher-api that knows this answer, see
    /// [`super::Terms::may_answer_unsupported`].
    Unsupported {
        /// What was asked for.
        name: String,
    },
}

/// One session, as presence shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionInfo {
    /// The session.
    pub id: SessionId,
    /// `websocket`, `tcp`, …
    pub transport: String,
    /// The `device` claim.
    pub device: Option<String>,
    /// When it began: seconds since the Unix epoch.
    pub since: u64,
    /// The peer's address and port.
    pub address: String,
}
