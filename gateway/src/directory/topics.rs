//! Which sessions are subscribed to a topic, over all workers.

use std::collections::HashMap;

use dashmap::DashMap;
use protocol::{SessionId, Topic};

/// Topics and the addresses of their subscribers.
pub(crate) struct Topics<A> {
    subscribers: DashMap<Topic, HashMap<SessionId, A>>,
}

impl<A> Default for Topics<A> {
    fn default() -> Self {
        Self { subscribers: DashMap::default() }
    }
}

impl<A: Clone> Topics<A> {
    /// Subscribes a session; doing it twice changes nothing.
    pub(crate) fn subscribe(&self, topic: &Topic, id: SessionId, address: A) {
        self.subscribers.entry(topic.clone()).or_default().insert(id, address);
    }

    /// Ends a subscription.
    pub(crate) fn unsubscribe(&self, topic: &Topic, id: SessionId) {
        self.subscribers.remove_if_mut(topic.as_str(), |_, sessions| {
            sessions.remove(&id);
            if sessions.capacity() > 64 && sessions.len() < sessions.capacity() / 4 {
                sessions.shrink_to_fit();
            }
            sessions.is_empty()
        });
    }

    /// The sessions subscribed to a topic now.
    pub(crate) fn sessions(&self, topic: &str) -> Vec<A> {
        self.subscribers
            .get(topic)
            .map_or_else(Vec::new, |sessions| sessions.values().cloned().collect())
    }

    /// How many sessions are subscribed to a topic.
    pub(crate) fn count(&self, topic: &str) -> usize {
        self.subscribers.get(topic).map_or(0, |sessions| sessions.len())
    }
}
