//! How far this client has what is kept: the newest cursor of each log, and what it has heard.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    slice,
};

use client::Kind;
use serde::Deserialize;
use serde_json::{Value, json};

/// Most kept messages that are remembered so that they are not told twice.
const MOST_HEARD: usize = 10_000;
/// Most cursors that a gateway looks at.
const MOST_GIVEN: usize = 64;

/// What frames say of places.
#[derive(Deserialize)]
struct Fields {
    id: Option<String>,
    cursor: Option<String>,
    topic: Option<String>,
    #[serde(default)]
    topics: Vec<Subscribed>,
}

#[derive(Deserialize)]
struct Subscribed {
    topic: String,
    cursor: Option<String>,
}

/// Where a topic begins that was not heard before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Begin {
    /// With what is pushed from now on.
    #[default]
    Live,
    /// With everything that is kept of it.
    Start,
    /// Behind this cursor.
    After(String),
}

/// A topic that is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Subscription {
    pub(super) topic: String,
    pub(super) begin: Begin,
}

/// The newest cursors.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Whether what is heard is acknowledged.
    acknowledges: bool,
    /// Where it began, until there is something newer.
    given: Vec<String>,
    own: Option<String>,
    topics: BTreeMap<String, String>,
    heard: HashSet<String>,
    order: VecDeque<String>,
}

/// What is to be done with a frame.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// Whether it was told before.
    pub is_known: bool,
    /// What is to be acknowledged.
    pub acknowledge: Option<String>,
}

impl Places {
    /// Begins with these cursors.
    pub(super) fn new(given: Vec<String>, acknowledges: bool) -> Self {
        Self { given, acknowledges, ..Self::default() }
    }

    /// Takes note of what a frame says.
    pub(super) fn hear(&mut self, kind: Kind, frame: &[u8]) -> Heard {
        let mut heard = Heard::default();
        let Ok(fields) = serde_json::from_slice::<Fields>(frame) else { return heard };
        for Subscribed { topic, cursor } in fields.topics {
            cursor.into_iter().for_each(|cursor| drop(self.topics.insert(topic.clone(), cursor)));
        }
        let Some(cursor) = fields.cursor else { return heard };
        match (kind, fields.topic) {
            (Kind::Hello, _) => self.own = Some(cursor),
            (Kind::Message, None) => {
                heard.is_known = !self.is_new(fields.id);
                heard.acknowledge = self.acknowledges.then(|| cursor.clone());
                self.own = Some(cursor);
            }
            (Kind::Message, Some(topic)) => drop(self.topics.insert(topic, cursor)),
            _ => {}
        }
        heard
    }

    /// Whether a kept message was not heard before.
    fn is_new(&mut self, id: Option<String>) -> bool {
        let Some(id) = id else { return true };
        if !self.heard.insert(id.clone()) {
            return false;
        }
        self.order.push_back(id);
        if self.order.len() > MOST_HEARD
            && let Some(oldest) = self.order.pop_front()
        {
            self.heard.remove(&oldest);
        }
        true
    }

    /// What it comes back with. The place in the user's log acknowledges, so it is given only by who does; others are
    /// sent again what they have not acknowledged. Topics that it does not ask for itself are those of its token, or a
    /// backend's: only so they go on where it is in them.
    pub(super) fn after(&self, asked: &[Subscription]) -> Vec<String> {
        let own = match &self.own {
            Some(own) if self.acknowledges => slice::from_ref(own),
            Some(_) => &[],
            None => &self.given,
        };
        let is_asked = |topic: &String| asked.iter().any(|it| it.topic == *topic);
        let others = self.topics.iter().filter(|(topic, _)| !is_asked(topic));
        own.iter().chain(others.map(|(_, cursor)| cursor)).take(MOST_GIVEN).cloned().collect()
    }

    /// The frame that subscribes to these topics from where it is, or else from where they are to begin.
    pub(super) fn subscribe(&self, topics: &[Subscription]) -> Value {
        let topics = topics.iter().map(|Subscription { topic, begin }| {
            let known = self.topics.get(topic).map(String::as_str);
            let given = match begin {
                Begin::Live => None,
                Begin::Start => Some("start"),
                Begin::After(cursor) => Some(cursor.as_str()),
            };
            match known.or(given) {
                Some(after) => json!({ "topic": topic, "after": after }),
                None => json!(topic),
            }
        });
        json!({ "type": "subscribe", "topics": topics.collect::<Vec<_>>() })
    }

    /// A topic is not subscribed to any more.
    pub(super) fn forget(&mut self, topic: &str) {
        self.topics.remove(topic);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn push(id: &str, cursor: &str) -> Vec<u8> {
        json!({ "type": "push", "id": id, "data": 1, "cursor": cursor }).to_string().into_bytes()
    }

    #[test]
    fn who_acknowledges_comes_back_with_its_place_and_others_hear_nothing_twice() {
        let mut places = Places::new(vec!["given".into()], true);
        assert_eq!(places.after(&[]), ["given"]);
        let acknowledge = Some("C1".to_owned());
        assert_eq!(
            places.hear(Kind::Message, &push("a", "C1")),
            Heard { is_known: false, acknowledge }
        );
        assert_eq!(places.after(&[]), ["C1"]);
        let mut silent = Places::new(Vec::new(), false);
        assert_eq!(silent.hear(Kind::Message, &push("a", "C1")), Heard::default());
        assert!(silent.after(&[]).is_empty());
        assert!(silent.hear(Kind::Message, &push("a", "C1")).is_known);
        assert_eq!(silent.hear(Kind::Message, br#"{"type":"push","data":1}"#), Heard::default());
    }

    #[test]
    fn topics_go_on_where_they_were() {
        let mut places = Places::default();
        let topics = |begin: Begin| {
            ["a", "b"].map(|topic| Subscription { topic: topic.into(), begin: begin.clone() })
        };
        let subscribed = br#"{"type":"subscribed","topics":[{"topic":"a","cursor":"C1"}]}"#;
        places.hear(Kind::Other, subscribed);
        let wanted = |places: &Places, begin| places.subscribe(&topics(begin))["topics"].clone();
        assert_eq!(wanted(&places, Begin::Live), json!([{ "topic": "a", "after": "C1" }, "b"]));
        places.hear(Kind::Message, br#"{"type":"push","id":"x","topic":"a","cursor":"C2"}"#);
        let started = json!([{ "topic": "a", "after": "C2" }, { "topic": "b", "after": "start" }]);
        assert_eq!(wanted(&places, Begin::Start), started);
        // Who asks for it says there from where.
        assert!(places.after(&topics(Begin::Live)).is_empty());
        assert_eq!(places.after(&topics(Begin::Live)[1..]), ["C2"]);
        places.forget("a");
        let given = wanted(&places, Begin::After("C3".into()));
        assert_eq!(given[0], json!({ "topic": "a", "after": "C3" }));
    }
}
