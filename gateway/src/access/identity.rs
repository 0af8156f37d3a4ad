//! Who an authenticated client is, and what it may do.

use protocol::{Device, Topic, TopicPattern, UserId, claims::Claims};

/// An authenticated client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    /// The `sub` claim.
    pub user: UserId,
    /// The `device` claim, or the name the client gave where its token has none.
    pub device: Option<Device>,
    /// The `topics` claim: subscribed from the start.
    pub topics: Vec<Topic>,
    /// What it may subscribe to by itself, where that depends on its token.
    pub subscribable: Vec<TopicPattern>,
    /// Until when it may stay: seconds since the Unix epoch. `None` only without tokens.
    pub expires: Option<u64>,
}

impl Identity {
    /// A user who may do what the settings allow, for ever.
    pub(crate) fn of(user: UserId) -> Self {
        let (topics, subscribable) = (Vec::new(), Vec::new());
        Self { user, device: None, topics, subscribable, expires: None }
    }
}

impl From<Claims> for Identity {
    fn from(claims: Claims) -> Self {
        let Claims { sub: user, device, topics, subscribe, .. } = claims;
        let own = topics.iter().cloned().map(TopicPattern::from);
        let subscribable = subscribe.into_iter().chain(own).collect();
        Self { user, device, topics, subscribable, expires: None }
    }
}
