//! What a session is subscribed to, by itself, its token or a backend.

use std::fmt::Write;

use protocol::{
    Topic, TopicPattern,
    client_frame::Wanted,
    kept::{From, Log},
    server_frame::ServerFrame,
};

use super::{
    context::SessionContext,
    inbound::Refusal,
    kept::{Cursors, Subscribed, from_of},
    mailbox::Subscription,
    membership::NotSubscribed,
    state::Session,
};
use crate::settings::ClientSubscribe;

/// Topics that an error names; a frame may hold more.
const NAMED: usize = 16;

impl Session {
    /// The client asks for topics; it gets those it may have, as far as there is room.
    /// What it does not get is returned.
    pub(super) fn on_subscribe(&mut self, topics: &[Wanted], ctx: &SessionContext) -> Vec<Refusal> {
        let (mut subscribed, mut forbidden, mut left_out) = (Vec::new(), Vec::new(), None);
        for Wanted { topic, after } in topics {
            if !self.may_subscribe(topic) {
                forbidden.push(topic);
            } else {
                match self.subscribe(topic) {
                    Ok(begun) => subscribed.push((topic, from_of(topic, after.as_deref()), begun)),
                    Err(why) => left_out = left_out.or(Some((topic, why))),
                }
            }
        }
        if !subscribed.is_empty() {
            self.wait_behind_gate(ctx);
            self.tell_subscribed(subscribed);
        }
        let not_its = (!forbidden.is_empty()).then(|| {
            let detail = format!("this client may not subscribe to {}", listed(&forbidden));
            Refusal { code: "forbidden", detail }
        });
        let no_room = left_out.map(|(topic, why)| self.refused_from(topic, why));
        not_its.into_iter().chain(no_room).collect()
    }

    /// The client wants no more of these topics.
    pub(super) fn on_unsubscribe(&mut self, topics: &[Topic]) {
        for topic in topics {
            self.member.unsubscribe(topic);
            self.leave_topic(topic);
        }
        if !topics.is_empty() {
            self.send_frame(&ServerFrame::unsubscribed(topics));
        }
    }

    /// Subscribes to the topics of the token, as far as there is room, and says so behind the hello.
    /// What is kept of them is replayed where the client comes with a cursor.
    pub(super) fn subscribe_at_start(&mut self, topics: &[Topic], after: &Cursors) {
        self.list_in_ids(topics);
        let mut subscribed = Vec::with_capacity(topics.len());
        let left_out = topics.iter().find_map(|topic| match self.subscribe(topic) {
            Ok(begun) => {
                let place = after.in_log(&Log::Topic(topic.clone()));
                let from = place.map_or(From::Now, From::After);
                subscribed.extend(begun.is_new.then_some((topic, from, begun)));
                None
            }
            Err(why) => Some((topic, why)),
        });
        if !subscribed.is_empty() {
            self.tell_subscribed(subscribed);
        }
        let no_room = left_out.map(|(topic, why)| self.refused_from(topic, why));
        self.tell(no_room.as_slice());
    }

    /// Tells what it is subscribed to, each once it is known where its log begins.
    fn tell_subscribed(&mut self, topics: Vec<(&Topic, From, Subscribed)>) {
        let begun = topics.into_iter();
        let begun = begun.map(|(topic, from, begun)| self.begin_topic(topic, from, begun));
        let topics: Vec<_> = begun.collect::<Vec<_>>().into_iter().flatten().collect();
        if !topics.is_empty() {
            self.tell_begun(topics);
        }
    }

    /// A backend subscribes the session, which hears of it where that is new.
    pub(super) fn subscribe_for_backend(
        &mut self,
        topic: &Topic,
        ctx: &SessionContext,
    ) -> Subscription {
        match self.subscribe(topic) {
            Ok(begun) => {
                if begun.is_new {
                    self.wait_behind_gate(ctx);
                    self.tell_subscribed(vec![(topic, From::Now, begun)]);
                }
                Subscription::Changed
            }
            Err(_) => Subscription::TooMany,
        }
    }

    /// A backend ends a subscription, behind the fan-outs up to this number. The session hears of it
    /// if there was one.
    pub(super) fn unsubscribe_for_backend(&mut self, topic: &Topic, after: u64) -> Subscription {
        self.catch_up(after);
        if self.member.unsubscribe(topic) {
            self.leave_topic(topic);
            self.send_frame(&ServerFrame::unsubscribed(std::slice::from_ref(topic)));
        }
        Subscription::Changed
    }

    /// Which topic had no room, and with it those behind it.
    fn refused_from(&self, topic: &Topic, why: NotSubscribed) -> Refusal {
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
        Refusal { code, detail }
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
    fn subscribe(&mut self, topic: &Topic) -> Result<Subscribed, NotSubscribed> {
        let most = self.local().settings.topics_per_session;
        let subscribe = || self.member.subscribe(topic, most);
        let (is_new, feed) = self.local().fan_out.feeds.while_still(topic, subscribe);
        Ok(Subscribed { is_new: is_new?, feed })
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
