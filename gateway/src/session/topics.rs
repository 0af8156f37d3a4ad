//! What a session is subscribed to, by itself, its token or a backend.

use std::fmt::Write;

use protocol::{Topic, TopicPattern, server_frame::ServerFrame};

use super::{membership::NotSubscribed, state::Session};
use crate::settings::ClientSubscribe;

/// Topics that an error names; a frame may hold more.
const NAMED: usize = 16;

impl Session {
    /// The client asks for topics; it gets those it may have, as far as there is room.
    pub(super) fn on_subscribe(&mut self, topics: &[Topic]) {
        let (mut subscribed, mut forbidden, mut left_out) = (Vec::new(), Vec::new(), None);
        for topic in topics {
            if !self.may_subscribe(topic) {
                forbidden.push(topic);
            } else {
                match self.subscribe(topic) {
                    Ok(()) => subscribed.push(topic),
                    Err(why) => left_out = left_out.or(Some((topic, why))),
                }
            }
        }
        if !subscribed.is_empty() {
            self.send_frame(&ServerFrame::subscribed(&subscribed));
        }
        if !forbidden.is_empty() {
            let detail = format!("this client may not subscribe to {}", listed(&forbidden));
            self.refuse("forbidden", &detail);
        }
        if let Some((topic, why)) = left_out {
            self.refuse_from(topic, why);
        }
    }

    /// The client wants no more of these topics.
    pub(super) fn on_unsubscribe(&mut self, topics: &[Topic]) {
        self.unsubscribe(topics);
        if !topics.is_empty() {
            self.send_frame(&ServerFrame::unsubscribed(topics));
        }
    }

    /// Subscribes to the topics of the token, as far as there is room.
    pub(super) fn subscribe_at_start(&mut self, topics: &[Topic]) {
        let left_out = topics.iter().find_map(|topic| Some((topic, self.subscribe(topic).err()?)));
        if let Some((topic, why)) = left_out {
            self.refuse_from(topic, why);
        }
    }

    /// Says which topic had no room, and with it those behind it.
    fn refuse_from(&mut self, topic: &Topic, why: NotSubscribed) {
        let most = self.local().settings.topics_per_session;
        let topic = topic.as_str();
        let (code, detail) = match why {
            NotSubscribed::TooMany => {
                let may = format!("a session may be subscribed to {most} topics");
                ("too_many_topics", format!("{may}; {topic:?} is one more"))
            }
            NotSubscribed::NoMemory => (
                "topics_full",
                format!("the gateway has no memory left for topics; {topic:?} is one more"),
            ),
        };
        self.refuse(code, &detail);
    }

    /// What the client may subscribe to from now on, where that depends on its token.
    pub(super) fn set_subscribable(&mut self, patterns: Vec<TopicPattern>) {
        if !patterns.is_empty() || self.rare.is_some() {
            self.rare().subscribable = patterns.into_boxed_slice();
        }
    }

    fn may_subscribe(&self, topic: &Topic) -> bool {
        match self.local().settings.keys.client_subscribe() {
            ClientSubscribe::Any => true,
            ClientSubscribe::None => false,
            ClientSubscribe::Token => self
                .rare
                .as_ref()
                .is_some_and(|rare| rare.subscribable.iter().any(|pattern| pattern.matches(topic))),
        }
    }

    /// Subscribes to one topic.
    ///
    /// # Errors
    /// It is not subscribed.
    pub(super) fn subscribe(&mut self, topic: &Topic) -> Result<(), NotSubscribed> {
        self.member.subscribe(topic, self.local().settings.topics_per_session)
    }

    /// Ends subscriptions.
    pub(super) fn unsubscribe(&mut self, topics: &[Topic]) {
        topics.iter().for_each(|topic| self.member.unsubscribe(topic));
    }
}

/// The names of topics in a sentence, a few of them.
fn listed(topics: &[&Topic]) -> String {
    let mut list = String::new();
    for (number, topic) in topics.iter().take(NAMED).enumerate() {
        let comma = if number > 0 { ", " } else { "" };
        let _ = write!(list, "{comma}{:?}", topic.as_str());
    }
    if topics.len() > NAMED {
        let _ = write!(list, " and {} more", topics.len() - NAMED);
    }
    list
}
