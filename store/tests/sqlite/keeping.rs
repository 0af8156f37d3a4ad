//! What is kept, read, acknowledged and deleted.

use std::time::Duration;

use protocol::kept::{Following, Gap, Gaps, Place};
use store::{
    contract::{AppendError, From, KeptPush, Origin, Position, Room, Store as _},
    sqlite::{Settings, SqliteStore},
};

use crate::place::{
    ALL, Directory, acknowledge, after, device, everything, keep, push, texts, topic, user, user_id,
};

fn only(gap: Gap) -> Gaps {
    Gaps::NONE.with(gap)
}

#[tokio::test]
async fn a_log_is_read_in_order_and_goes_on_where_a_page_ended() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    assert_eq!(texts(&everything(&store, &log).await), Vec::<String>::new());
    let first = keep(&store, &log, "1").await;
    assert_eq!(first.before, Place::START);
    keep(&store, &topic("a"), "of the topic").await;
    let second = keep(&store, &log, "2").await;
    assert_eq!(second.before, first.place);
    let page = everything(&store, &log).await;
    assert_eq!((texts(&page), page.rest), (vec!["1".to_owned(), "2".into()], 0));
    let next = keep(&store, &log, "3").await;
    assert_eq!(next.seen_from(page.through), Following::Next);
    let room = Room { messages: 1, bytes: 1 << 20 };
    let part = store.read(log.clone(), From::After(page.from), room).await.unwrap();
    assert_eq!((texts(&part), part.rest), (vec!["1".to_owned()], 2));
    assert_eq!(part.through, first.place);
    let rest = after(&store, &log, part.through).await;
    assert_eq!((texts(&rest), rest.gaps), (vec!["2".to_owned(), "3".into()], Gaps::NONE));
    let now = store.read(log, From::Now, ALL).await.unwrap();
    assert_eq!((now.messages.len(), now.from, now.through), (0, rest.through, rest.through));
}

#[tokio::test]
async fn a_page_has_one_message_however_little_room_there_is() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    keep(&store, &log, "long").await;
    keep(&store, &log, "longer").await;
    for room in [Room { messages: 5, bytes: 1 }, Room { messages: 0, bytes: 0 }] {
        let page = store.read(log.clone(), From::Start, room).await.unwrap();
        assert_eq!((texts(&page), page.rest), (vec!["long".to_owned()], 1), "{room:?}");
    }
}

#[tokio::test]
async fn what_all_devices_have_acknowledged_is_deleted() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    let begin = |name| store.begin(user_id("a"), device(name), None, ALL);
    begin("phone").await.unwrap();
    begin("desk").await.unwrap();
    let first = keep(&store, &log, "1").await.place;
    let second = keep(&store, &log, "2").await.place;
    acknowledge(&store, "a", device("phone"), second).await;
    assert_eq!(texts(&everything(&store, &log).await), ["1", "2"]);
    assert_eq!(texts(&begin("phone").await.unwrap()), Vec::<String>::new());
    acknowledge(&store, "a", device("desk"), first).await;
    let page = begin("desk").await.unwrap();
    assert_eq!((texts(&page), page.gaps, page.from), (vec!["2".to_owned()], Gaps::NONE, first));
    let page = after(&store, &log, Place::START).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], only(Gap::Acknowledged)));
    let new = begin("new").await.unwrap();
    assert_eq!((texts(&new), new.gaps), (vec!["2".to_owned()], Gaps::NONE));
    let standing = store.standing(log).await.unwrap();
    assert_eq!((standing.messages, standing.bytes, standing.end), (1, 3, second));
}

#[tokio::test]
async fn acknowledgements_never_go_back_nor_come_from_another_history() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    store.begin(user_id("a"), None, None, ALL).await.unwrap();
    let places = [keep(&store, &log, "1").await.place, keep(&store, &log, "2").await.place];
    let foreign = Place { check: places[0].check ^ 1, ..places[1] };
    let beyond = Place { number: 1000, ..places[1] };
    for place in [places[0], Place::START, foreign, beyond] {
        acknowledge(&store, "a", None, place).await;
        let page = store.begin(user_id("a"), None, None, ALL).await.unwrap();
        assert_eq!((texts(&page), page.from), (vec!["2".to_owned()], places[0]), "{place:?}");
    }
    acknowledge(&store, "a", device("unknown"), places[1]).await;
    acknowledge(&store, "b", None, places[1]).await;
    assert_eq!(texts(&everything(&store, &log).await), ["2"]);
}

#[tokio::test]
async fn a_session_with_a_cursor_acknowledges_it_if_it_is_believed() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    store.begin(user_id("a"), None, None, ALL).await.unwrap();
    let first = keep(&store, &log, "1").await.place;
    keep(&store, &log, "2").await;
    let begin = |place| store.begin(user_id("a"), None, Some(place), ALL);
    let page = begin(Place { check: first.check ^ 1, ..first }).await.unwrap();
    assert_eq!((texts(&page).len(), page.gaps), (2, only(Gap::UnknownCursor)));
    let page = begin(first).await.unwrap();
    assert_eq!((texts(&page), page.gaps, page.from), (vec!["2".to_owned()], Gaps::NONE, first));
    assert_eq!(texts(&everything(&store, &log).await), ["2"]);
    let page = begin(Place::START).await.unwrap();
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], only(Gap::Acknowledged)));
    let page = begin(Place { number: 99, ..first }).await.unwrap();
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], only(Gap::UnknownCursor)));
}

#[tokio::test]
async fn too_many_devices_push_out_the_one_seen_longest_ago() {
    let directory = Directory::new();
    let settings = Settings { devices_per_user: 2, ..directory.settings() };
    let store = SqliteStore::open(settings).unwrap();
    let log = user("a");
    for name in ["1", "2", "3"] {
        store.begin(user_id("a"), device(name), None, ALL).await.unwrap();
    }
    let place = keep(&store, &log, "x").await.place;
    for name in ["2", "3"] {
        acknowledge(&store, "a", device(name), place).await;
    }
    assert_eq!(texts(&everything(&store, &log).await), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_takes_the_place_of_what_was_kept_under_it() {
    let directory = Directory::new();
    let store = directory.open();
    let log = topic("a");
    let keyed = |text: &str| KeptPush {
        collapse_key: Some("k".into()),
        ..push(&[topic("a"), user("b")], text)
    };
    store.append(keyed("1")).await.unwrap();
    keep(&store, &log, "2").await;
    store.append(keyed("3")).await.unwrap();
    let page = after(&store, &log, Place::START).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned(), "3".into()], Gaps::NONE));
    assert_eq!(texts(&everything(&store, &user("b")).await), ["3"]);
}

#[tokio::test]
async fn beyond_what_a_log_may_hold_the_oldest_go() {
    let directory = Directory::new();
    let settings = Settings { kept_per_user: 2, kept_bytes_per_topic: 10, ..directory.settings() };
    let store = SqliteStore::open(settings).unwrap();
    for text in ["1", "2", "3"] {
        keep(&store, &user("a"), text).await;
    }
    let page = after(&store, &user("a"), Place::START).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned(), "3".into()], only(Gap::Trimmed)));
    assert_eq!(after(&store, &user("a"), page.messages[0].place).await.gaps, Gaps::NONE);
    for text in ["1", "2", "3", "larger than all"] {
        keep(&store, &topic("a"), text).await;
    }
    assert_eq!(texts(&everything(&store, &topic("a")).await), ["larger than all"]);
}

#[tokio::test]
async fn where_there_is_no_room_the_limit_is_named() {
    let directory = Directory::new();
    let settings = Settings { kept_bytes: Some(10), topics_kept: 1, ..directory.settings() };
    let store = SqliteStore::open(settings).unwrap();
    keep(&store, &topic("a"), "1").await;
    let refused = |log| store.append(push(&[log], "1"));
    assert_eq!(refused(topic("b")).await, Err(AppendError::Full("topics_kept")));
    keep(&store, &topic("a"), "2").await;
    keep(&store, &user("a"), "3").await;
    assert_eq!(refused(user("a")).await, Err(AppendError::Full("kept_bytes")));
    assert_eq!(store.forget(topic("a")).await, Ok(2));
    keep(&store, &topic("b"), "4").await;
    assert_eq!(after(&store, &topic("a"), Place::START).await.gaps, only(Gap::Deleted));
}

#[tokio::test]
async fn an_id_is_taken_once_for_what_it_says() {
    let directory = Directory::new();
    let store = directory.open();
    let origin = |content| Some(Origin { scope: u64::MAX, content });
    let push = KeptPush { origin: origin(7), ..push(&[user("b"), user("a")], "1") };
    let first = store.append(push.clone()).await.unwrap();
    assert!(first.steps.iter().all(Option::is_some));
    let again = store.append(push.clone()).await.unwrap();
    assert_eq!(again.steps, [None, None]);
    let other = KeptPush { origin: origin(8), ..push.clone() };
    assert_eq!(store.append(other).await, Err(AppendError::OtherContent));
    let scope = Some(Origin { scope: 1, content: 8 });
    store.append(KeptPush { origin: scope, ..push }).await.unwrap();
    assert_eq!(texts(&everything(&store, &user("a")).await), ["1", "1"]);
}

#[tokio::test]
async fn a_push_to_many_is_kept_for_each_in_the_order_of_pushes() {
    let directory = Directory::new();
    let store = directory.open();
    let logs: Vec<_> = (0..10_000).map(|number| user(&format!("u{number}"))).collect();
    let many = store.append(push(&logs, "1"));
    let one = store.append(push(&logs[9_999..], "2"));
    let (many, one) = futures::join!(many, one);
    let (many, one) = (many.unwrap(), one.unwrap());
    assert_eq!(many.steps.len(), 10_000);
    assert_eq!(many.steps[9_999].unwrap().place, one.steps[0].unwrap().before);
    assert_eq!(texts(&everything(&store, &logs[9_999]).await), ["1", "2"]);
}

#[tokio::test]
async fn what_has_changed_is_told_from_any_position_on() {
    let directory = Directory::new();
    let store = directory.open();
    let now = store.changed_since(None).await.unwrap();
    assert_eq!((now.heads.len(), now.more), (0, false));
    keep(&store, &user("a"), "1").await;
    let place = keep(&store, &topic("a"), "2").await.place;
    let position = store.changed_since(None).await.unwrap().through;
    let last = keep(&store, &user("a"), "3").await.place;
    let changes = store.changed_since(Some(position)).await.unwrap();
    assert_eq!((changes.heads, changes.more), (vec![(user("a"), last)], false));
    assert_eq!(store.changed_since(Some(changes.through)).await.unwrap().heads, []);
    for foreign in [&b"twelve bytes"[..], b"", b"more than twelve"] {
        let foreign = Position(bytes::Bytes::from_static(foreign));
        let all = store.changed_since(Some(foreign)).await.unwrap();
        assert_eq!(all.heads, [(topic("a"), place), (user("a"), last)]);
    }
}

#[tokio::test]
async fn messages_go_when_their_time_is_over() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    let short = KeptPush { ttl: Duration::from_millis(1), ..push(&[user("a")], "short") };
    store.append(short).await.unwrap();
    keep(&store, &log, "long").await;
    let is_gone = || store.counters().expired.load(std::sync::atomic::Ordering::Relaxed) == 1;
    while !is_gone() {
        let page = after(&store, &log, Place::START).await;
        assert!(page.gaps == only(Gap::Expired) || page.messages.len() == 2, "{page:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let page = after(&store, &log, Place::START).await;
    assert_eq!((texts(&page), page.gaps), (vec!["long".to_owned()], only(Gap::Expired)));
    assert_eq!(everything(&store, &log).await.gaps, Gaps::NONE);
}

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_device_that_does_not_come_back_holds_nothing_any_more() {
    let directory = Directory::new();
    let store = directory.open();
    let log = user("a");
    for name in ["phone", "desk"] {
        store.begin(user_id("a"), device(name), None, ALL).await.unwrap();
    }
    let long = KeptPush { ttl: 60 * DAY, ..push(&[user("a")], "1") };
    let place = store.append(long).await.unwrap().steps[0].unwrap().place;
    acknowledge(&store, "a", device("desk"), place).await;
    store.advance(27 * DAY);
    store.begin(user_id("a"), device("desk"), None, ALL).await.unwrap();
    assert_eq!(texts(&everything(&store, &log).await), ["1"]);
    store.advance(2 * DAY);
    while !everything(&store, &log).await.messages.is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(after(&store, &log, Place::START).await.gaps, only(Gap::Acknowledged));
}

#[tokio::test]
async fn what_a_log_no_longer_knows_of_is_an_unknown_cursor() {
    let directory = Directory::new();
    let store = directory.open();
    let log = topic("a");
    keep(&store, &log, "1").await;
    assert_eq!(store.forget(topic("a")).await, Ok(1));
    let place = keep(&store, &user("b"), "x").await.place;
    store.advance(27 * DAY);
    assert_eq!(after(&store, &log, Place::START).await.gaps, only(Gap::Deleted));
    store.advance(2 * DAY);
    while after(&store, &log, Place::START).await.gaps != only(Gap::UnknownCursor) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(after(&store, &log, place).await.gaps, Gaps::NONE);
    let again = keep(&store, &log, "2").await;
    assert_eq!(again.before, Place::START);
    let page = after(&store, &log, Place::START).await;
    assert_eq!((texts(&page), page.gaps), (vec!["2".to_owned()], only(Gap::UnknownCursor)));
    assert_eq!(after(&store, &log, again.place).await.gaps, Gaps::NONE);
}
