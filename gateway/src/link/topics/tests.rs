//! Topics named to a pusher-api, which takes down what it hears.

use std::collections::BTreeSet;

use bytes::BytesMut;
use futures::FutureExt;
use protocol::{
    Topic,
    link::{Capabilities, Offer, PresenceChanges, Up, VERSION},
};

use super::*;
use crate::link::tests::{gateway, terms};

fn topic(number: usize) -> Topic {
    Topic::new(&format!("t{number}")).expect("a topic")
}

fn subscribe(gateway: &Gateway, number: usize) {
    let (topics, presence) = (&gateway.directory.topics, &gateway.directory.presence);
    topics.subscribed(&topic(number), 0, presence);
}

fn unsubscribe(gateway: &Gateway, number: usize) {
    let (topics, presence) = (&gateway.directory.topics, &gateway.directory.presence);
    topics.unsubscribed(&topic(number), 0, presence);
}

/// What a pusher-api knows of the topics of a gateway.
#[derive(Default)]
struct Listener {
    named: BTreeSet<String>,
    /// Whether it sends no others.
    is_complete: bool,
    /// How often it was.
    lists: usize,
}

impl Listener {
    fn hear(&mut self, link: &LinkQueue) {
        while let Some(Some(bytes)) = link.next().now_or_never() {
            let mut bytes = BytesMut::from(&bytes[..]);
            while let Some(frame) = Up::decode(&mut bytes).expect("frames") {
                let Up::Presence { changes, .. } = frame else { continue };
                PresenceChanges::new(&changes).for_each(|it| self.note(it.expect("a change")));
            }
        }
    }

    fn note(&mut self, change: PresenceChange<'_>) {
        match change {
            PresenceChange::TopicsBegin => *self = Self { lists: self.lists, ..Self::default() },
            PresenceChange::Wanted(topic) => drop(self.named.insert(topic.to_owned())),
            PresenceChange::Unwanted(topic) => drop(self.named.remove(topic)),
            PresenceChange::TopicsEnd => (self.is_complete, self.lists) = (true, self.lists + 1),
            PresenceChange::AllTopics => self.is_complete = false,
            other => panic!("{other:?}"),
        }
    }

    /// Hears what comes until it is content.
    async fn until(&mut self, link: &LinkQueue, is_content: impl Fn(&Self) -> bool) {
        while !is_content(self) {
            sleep(Duration::from_millis(1)).await;
            self.hear(link);
        }
    }

    fn knows(&self, topics: impl Iterator<Item = usize>) -> bool {
        let topics: BTreeSet<_> = topics.map(|number| topic(number).to_string()).collect();
        self.is_complete && self.named == topics
    }
}

/// Does something while a link is told of topics.
async fn beside(
    gateway: &Arc<Gateway>,
    link: &Arc<LinkQueue>,
    terms: Terms,
    scenario: impl Future<Output = ()>,
) {
    tokio::select! {
        () = scenario => {}
        never = keep_told(gateway, link, terms) => match never {},
    }
}

fn linked(gateway: &Gateway) -> Arc<LinkQueue> {
    let link = Arc::<LinkQueue>::default();
    gateway.directory.presence.attach(Arc::clone(&link));
    link
}

#[actix_rt::test]
async fn topics_are_named_and_what_changes_is_told() {
    let gateway = gateway(&[]);
    (0..3000).for_each(|number| subscribe(&gateway, number));
    let (link, mut listener) = (linked(&gateway), Listener::default());
    subscribe(&gateway, 3000);
    listener.hear(&link);
    assert!(listener.named.is_empty(), "not before the list begins");
    beside(&gateway, &link, terms(), listener.until(&link, |it| it.knows(0..3001))).await;
    subscribe(&gateway, 0);
    unsubscribe(&gateway, 0);
    listener.hear(&link);
    assert!(listener.knows(0..3001), "one of two subscribers is left");
    (0..2000).for_each(|number| unsubscribe(&gateway, number));
    subscribe(&gateway, 5000);
    listener.hear(&link);
    assert!(listener.knows((2000..3001).chain([5000])));
}

#[actix_rt::test]
async fn a_list_is_true_whatever_changes_while_it_is_named() {
    let gateway = gateway(&[]);
    (0..4000).for_each(|number| subscribe(&gateway, number));
    let (link, mut listener) = (linked(&gateway), Listener::default());
    let change = {
        let gateway = Arc::clone(&gateway);
        move || {
            for number in 0..4000 {
                unsubscribe(&gateway, number);
                subscribe(&gateway, number + 4000);
                if number % 2 == 0 {
                    subscribe(&gateway, number);
                }
            }
        }
    };
    let changing = std::thread::spawn(change);
    let is_so = |it: &Listener| it.knows((0..4000).step_by(2).chain(4000..8000));
    beside(&gateway, &link, terms(), listener.until(&link, is_so)).await;
    changing.join().expect("no panic");
}

#[actix_rt::test]
async fn too_many_topics_are_told_as_such_and_named_again_when_they_are_few() {
    let gateway = gateway(&[]);
    let (link, mut listener) = (linked(&gateway), Listener::default());
    (0..MAX_TOPICS_TOLD).for_each(|number| subscribe(&gateway, number));
    let scenario = async {
        listener.until(&link, |it| it.knows(0..MAX_TOPICS_TOLD)).await;
        subscribe(&gateway, MAX_TOPICS_TOLD);
        listener.hear(&link);
        assert!(!listener.is_complete, "one more than may be");
        (0..1000).for_each(|number| subscribe(&gateway, MAX_TOPICS_TOLD + 1 + number));
        unsubscribe(&gateway, 0);
        listener.hear(&link);
        assert_eq!(listener.named.len(), MAX_TOPICS_TOLD, "nothing is told of those any more");
        (1..MAX_TOPICS_TOLD).for_each(|number| unsubscribe(&gateway, number));
        listener.until(&link, |it| it.knows(MAX_TOPICS_TOLD..MAX_TOPICS_TOLD + 1001)).await;
        assert_eq!(listener.lists, 2);
    };
    beside(&gateway, &link, terms(), scenario).await;
}

#[test]
fn who_was_told_of_too_many_is_told_again_of_half_as_many() {
    let half = MAX_TOPICS_TOLD / 2;
    let cases = [(0, true, true), (half, true, true), (half + 1, true, false)];
    let more = [(MAX_TOPICS_TOLD, true, false), (MAX_TOPICS_TOLD + 1, false, false)];
    for (known, first, again) in cases.into_iter().chain(more) {
        assert_eq!((are_few(known, false), are_few(known, true)), (first, again), "{known}");
    }
}

#[actix_rt::test]
async fn a_pusher_api_that_cannot_take_topics_is_told_nothing() {
    let gateway = gateway(&[]);
    let (link, mut listener) = (linked(&gateway), Listener::default());
    subscribe(&gateway, 1);
    let old = Offer::new(1, VERSION, Capabilities::NONE).expect("an offer");
    let terms = Offer::OURS.agree(old).expect("in common");
    assert!(keep_told(&gateway, &link, terms).now_or_never().is_none());
    subscribe(&gateway, 2);
    listener.hear(&link);
    assert!(listener.named.is_empty() && !link.tells_topics());
}
