//! Links that come, confirm, lag and are lost, and who waits for them.

use std::time::Duration;

use uuid::Uuid;

use super::*;

struct Door;

impl Gate for Door {}

const CAME: PresenceChange<'_> = PresenceChange::Came("u");

/// A link of the pusher-api of this number; 0 has not said hello.
fn link(sender: u128) -> Arc<LinkQueue> {
    let link = Arc::<LinkQueue>::default();
    if sender > 0 {
        link.set_sender(Uuid::from_u128(sender));
    }
    link
}

/// A feed to links of these pusher-apis.
fn feed(senders: &[u128]) -> (PresenceFeed, Vec<Arc<LinkQueue>>) {
    let (feed, links) = (PresenceFeed::default(), senders.iter().map(|it| link(*it)));
    let links: Vec<_> = links.collect();
    links.iter().for_each(|link| feed.attach(Arc::clone(link)));
    (feed, links)
}

/// A session comes and waits; what becomes of its hello.
struct Hello(std::sync::Weak<Door>);

impl Hello {
    fn of_who_comes(feed: &PresenceFeed) -> Self {
        feed.publish(CAME);
        let gate = Arc::new(Door);
        let hello = Self(Arc::downgrade(&gate));
        feed.open_when_confirmed(gate);
        hello
    }

    fn is_said(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// When nobody is waited for any longer of those who have come so far.
fn late() -> Instant {
    Instant::now() + Duration::from_secs(2)
}

#[test]
fn a_hello_waits_for_every_link_and_for_none_where_there_is_none() {
    let (feed, _) = feed(&[]);
    assert!(Hello::of_who_comes(&feed).is_said());
    for senders in [&[1][..], &[1, 2], &[1, 2, 3], &[0, 0]] {
        let (feed, links) = self::feed(senders);
        let hello = Hello::of_who_comes(&feed);
        for link in &links {
            assert!(!hello.is_said(), "{senders:?}");
            link.confirm(1);
        }
        assert!(hello.is_said(), "{senders:?}");
    }
}

#[test]
fn what_waits_is_counted_over_all_links_and_so_is_its_bound() {
    let (feed, links) = feed(&[1, 2, 3]);
    assert_eq!((feed.queued(), feed.limit()), (0, 3 * QUEUE_LIMIT));
    feed.publish(CAME);
    let each = links[0].queued();
    assert!(each > 2, "{each} bytes");
    assert_eq!(feed.queued(), 3 * each);
}

#[test]
fn a_pusher_api_that_does_not_confirm_is_waited_for_once() {
    let (feed, links) = feed(&[1, 2, 3]);
    assert_eq!(feed.lagging(), 0);
    let waiting = [Hello::of_who_comes(&feed), Hello::of_who_comes(&feed)];
    links[2].confirm(2);
    assert_eq!(feed.open_late_gates(Instant::now()), 0, "it is not late yet");
    assert!(!waiting.iter().any(Hello::is_said));
    assert_eq!(feed.open_late_gates(late()), 4, "two hellos at two links");
    assert!(waiting.iter().all(Hello::is_said));
    assert_eq!(feed.lagging(), 2);

    let next = Hello::of_who_comes(&feed);
    links[2].confirm(3);
    assert!(next.is_said(), "those that lag are not waited for");
    assert_eq!(feed.open_late_gates(Instant::now()), 2, "which is counted");
    assert_eq!(feed.open_late_gates(late()), 0, "once");

    links[0].confirm(3);
    assert_eq!(feed.lagging(), 1, "one is back");
    assert!(!Hello::of_who_comes(&feed).is_said(), "and waited for again");
}

#[test]
fn late_hellos_and_those_that_do_not_wait_are_counted_together() {
    let (feed, links) = feed(&[1, 2]);
    let first = Hello::of_who_comes(&feed);
    links[1].confirm(1);
    assert_eq!(feed.open_late_gates(late()), 1);
    // One lags by now; three come, for whom the other one lets them wait too long.
    let others = [0; 3].map(|_| Hello::of_who_comes(&feed));
    assert_eq!(feed.open_late_gates(late()), 3 + 3);
    assert!(first.is_said() && others.iter().all(Hello::is_said));
}

#[test]
fn who_waits_for_a_lost_link_waits_until_its_pusher_api_is_back() {
    let (feed, links) = feed(&[1, 2]);
    let waiting = Hello::of_who_comes(&feed);
    links[1].confirm(1);
    feed.detach(&links[0]);
    assert_eq!(feed.limit(), 2 * QUEUE_LIMIT, "it is waited for");
    let later = Hello::of_who_comes(&feed);
    links[1].confirm(2);
    assert!(!waiting.is_said() && !later.is_said());
    // Another pusher-api's link, and one that has not said whose it is, are no answer.
    feed.attach(link(3));
    feed.attach(link(0));
    assert!(!waiting.is_said());
    feed.attach(link(1));
    assert!(waiting.is_said() && later.is_said());
    assert_eq!(feed.limit(), 4 * QUEUE_LIMIT, "the new link is there instead of the lost one");
}

#[test]
fn nobody_waits_for_long_for_a_pusher_api_that_stays_away() {
    let (feed, links) = feed(&[1, 2]);
    feed.detach(&links[0]);
    let waiting = Hello::of_who_comes(&feed);
    links[1].confirm(1);
    feed.open_late_gates(Instant::now());
    assert!(!waiting.is_said());
    assert_eq!(feed.open_late_gates(late()), 1);
    assert!(waiting.is_said());
    assert_eq!(feed.limit(), QUEUE_LIMIT, "it is forgotten");
    let next = Hello::of_who_comes(&feed);
    links[1].confirm(2);
    assert!(next.is_said(), "and the other one is not");
}

#[test]
fn a_link_that_has_not_said_whose_it_is_is_forgotten_at_once() {
    let (feed, links) = feed(&[0, 0]);
    let waiting = Hello::of_who_comes(&feed);
    links[1].confirm(1);
    feed.detach(&links[0]);
    assert!(waiting.is_said(), "nobody can come back in its place");
    assert_eq!(feed.limit(), QUEUE_LIMIT);
    let next = Hello::of_who_comes(&feed);
    assert!(!next.is_said(), "the other one goes on");
    links[1].confirm(2);
    assert!(next.is_said());
}

#[test]
fn a_link_that_was_left_takes_nothing_more() {
    let (feed, links) = feed(&[1, 2]);
    feed.publish(CAME);
    feed.detach(&links[0]);
    assert_eq!(links[0].queued(), 0);
    feed.publish(CAME);
    assert_eq!(feed.queued(), links[1].queued());
    assert!(links[1].queued() > 0);
}
