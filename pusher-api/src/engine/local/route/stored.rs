//! Where a push has to go that is kept.

use protocol::{kept::Log, link::TargetRef};

use super::{OpenGateways, Routes, group, one, subscribed};
use crate::engine::{
    contract::StoredPush,
    local::{presence::Presence, topics::Topics},
};

/// Looks up its gateways, as for a live one. Logs that have had it before are left out.
pub(crate) fn route_stored<'a>(
    push: &StoredPush<'a>,
    presence: &Presence,
    topics: &Topics,
    open: &impl OpenGateways,
) -> Routes<'a> {
    let told = push.logs.iter().zip(push.steps);
    let mut told = told.filter_map(|(log, step)| Some((log, (*step)?)));
    if push.logs.len() > 1 {
        let users = told.map(|(log, step)| (log.name(), (log.name(), step)));
        return group(users, TargetRef::KeptUsers, presence, open);
    }
    match told.next() {
        Some((Log::Topic(topic), step)) => {
            let target = TargetRef::KeptTopic(topic.as_str(), step);
            subscribed(topic.as_str(), &target, topics, open)
        }
        Some((Log::User(user), step)) => {
            let target = TargetRef::KeptUsers(vec![(user.as_str(), step)]);
            one(user.as_str(), &target, presence, open)
        }
        None => Routes::new(),
    }
}
