//! What is kept reaches every session once and in order, whatever is late, missing or away.

mod shelf;
mod world;

use proptest::prelude::*;
use protocol::{
    Topic, Transport,
    kept::{Cursor, Log},
};

use self::world::{Event, ROOM, World, event};
use super::thread::{Thread, Who};
use crate::session::Cursors;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]
    #[test]
    fn what_is_kept_comes_once_and_in_order(
        room in prop::sample::select(vec![ROOM, 1200]),
        events in prop::collection::vec(event(), 1..80),
    ) {
        let mut world = World::with_room(room);
        for event in &events {
            world.happen(event);
        }
        world.judge()?;
    }
}

fn frames(heard: &[String]) -> Vec<String> {
    heard.iter().map(|frame| frame.replace(char::is_whitespace, "")).collect()
}

#[test]
fn hello_waits_for_the_store_and_says_what_follows() {
    let mut world = World::new();
    (0..3).for_each(|_| world.happen(&Event::Append(0, 0, false)));
    let who = Who { topics: &["t"], greeting: b"", ..Who::default() };
    let mut client = world.thread.join(Transport::Tcp, &who);
    world.happen(&Event::Live);
    world.thread.settle();
    assert_eq!(client.heard(), <[String; 0]>::default(), "not before the store has answered");
    world.settle_with_answers();
    let heard = frames(&client.heard());
    let kinds: Vec<_> =
        heard.iter().map(|frame| frame.split(',').next().unwrap_or(frame)).collect();
    let push = r#"{"type":"push""#;
    let expected = [r#"{"type":"hello""#, push, push, push, push, r#"{"type":"subscribed""#];
    assert_eq!(kinds, expected, "{heard:?}");
    assert!(heard[0].contains(r#""recovered":true,"kept":3"#), "{heard:?}");
    assert!(heard[4].contains(r#""live":1"#), "{heard:?}");
    assert_eq!(world.thread.metric("holdfast_pushes_replayed_total"), 3);
}

#[test]
fn who_came_before_a_store_was_known_hears_of_it_when_it_is() {
    let mut world = World::new();
    world.thread = Thread::new(&[]);
    world.happen(&Event::Append(0, 0, false));
    let mut client = world.thread.client(Transport::WebSocket);
    world.back();
    world.settle_with_answers();
    let heard = client.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert_eq!(heard[0], r#"{"type":"gap","reason":"store_away"}"#);
    assert!(heard[1].contains(r#""n":1"#) && heard[2].contains(r#""recovered""#), "{heard:?}");
}

#[test]
fn the_id_of_an_event_names_the_users_log_and_those_of_the_tokens_topics() {
    let mut world = World::new();
    let who = Who { topics: &["t"], ..Who::default() };
    let mut client = world.thread.join(Transport::Sse, &who);
    world.settle_with_answers();
    (0..2).for_each(|log| {
        world.happen(&Event::Append(log, 0, true));
        world.happen(&Event::Deliver(0));
        world.happen(&Event::Settle);
    });
    let ids: Vec<_> = client.ids();
    let numbers = |id: &String| {
        let cursors = id.split(',').map(|text| Cursor::decode(text).expect("a cursor"));
        cursors.map(|cursor| cursor.place.number).collect::<Vec<_>>()
    };
    let numbers: Vec<_> = ids.iter().map(numbers).collect();
    assert_eq!(numbers, [vec![0], vec![0, 7], vec![8, 7], vec![8, 9]]);
    let given_back = ids.last().expect("an id").clone();
    let cursors = Cursors::new([given_back.as_str()]);
    let topic = Log::Topic(Topic::new("t").expect("a topic"));
    assert_eq!(cursors.in_log(&topic).map(|place| place.number), Some(9));
}

#[test]
fn a_store_that_is_away_is_said_to_be_and_what_is_kept_follows_later() {
    let mut world = World::new();
    world.happen(&Event::Append(0, 0, false));
    world.happen(&Event::Away);
    let mut client = world.thread.join(Transport::Sse, &Who::default());
    world.happen(&Event::Live);
    world.thread.settle();
    let heard = client.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard[0].contains(r#""recovered":false,"kept":0"#), "{heard:?}");
    assert_eq!(heard[1], r#"{"type":"gap","reason":"store_away"}"#);
    assert!(heard[2].contains(r#""live":1"#), "{heard:?}");
    world.back();
    world.settle_with_answers();
    let heard = client.heard();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert!(heard[0].contains(r#""n":1"#) && heard[1].contains(r#""recovered""#), "{heard:?}");
    assert!(heard[1].ends_with(r#""kept":1}"#), "{heard:?}");
}

#[test]
fn what_is_kept_for_a_topic_needs_no_room_behind_the_log_of_a_user() {
    let mut world = World::with_room(80);
    let who = Who { topics: &["t"], ..Who::default() };
    let mut client = world.thread.join(Transport::WebSocket, &who);
    world.settle_with_answers();
    // From here on it reads what it has missed.
    world.happen(&Event::Append(0, 0, false));
    world.happen(&Event::Append(0, 0, true));
    world.happen(&Event::Deliver(0));
    for _ in 0..5 {
        world.happen(&Event::Append(1, 0, true));
        world.happen(&Event::Deliver(0));
    }
    world.happen(&Event::Live);
    world.happen(&Event::Live);
    world.settle_with_answers();
    let heard = client.heard();
    let kept: Vec<_> = heard.iter().filter(|frame| frame.contains(r#""t":"#)).collect();
    assert_eq!(kept.len(), 5, "{heard:?}");
    assert!(kept.iter().enumerate().all(|(at, it)| it.contains(&format!(r#""t":{}"#, at + 1))));
    let lost = r#"{"type":"gap","reason":"lost"}"#;
    assert_eq!(heard.iter().filter(|frame| *frame == lost).count(), 1, "{heard:?}");
}
