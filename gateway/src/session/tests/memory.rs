//! What sessions hold of memory, and who goes when it is too much.

use std::time::Duration;

use protocol::{Transport, link::TargetRef, websocket::Opcode};

use super::{
    client::{Client, control},
    thread::{Thread, WITH_A_WAY_UP, Who},
};

const SECOND: Duration = Duration::from_secs(1);

/// The start of a frame of this length, in the bytes of the client's transport.
fn half(client: &Client, length: usize) -> Vec<u8> {
    let mut frame = client.frame(&format!(r#"{{"type":"ping","x":"{}"}}"#, "x".repeat(length)));
    frame.truncate(length);
    frame
}

fn fragment(opcode: Opcode, payload: &[u8]) -> Vec<u8> {
    let mut frame = control(opcode, payload);
    frame[0] &= 0x7f;
    frame
}

#[test]
fn what_has_not_come_whole_is_counted_once() {
    for transport in WITH_A_WAY_UP {
        let mut thread = Thread::new(&["--ping-interval=1h"]);
        let mut client = thread.client(transport);
        let bytes = half(&client, 40_000);
        let (first, second) = bytes.split_at(10_000);
        client.say(first);
        thread.settle();
        assert_eq!(thread.local.ledger.incomplete.used(), first.len());
        client.say(second);
        thread.settle();
        let held = thread.local.ledger.incomplete.used();
        assert!((bytes.len()..=2 * bytes.len()).contains(&held), "{held}");
        drop(client);
        thread.settle();
        assert_eq!(thread.local.ledger.incomplete.used(), 0);
    }
}

#[test]
fn a_message_in_fragments_takes_no_more_than_a_frame() {
    let mut thread = Thread::new(&["--max-frame=64KiB", "--ping-interval=1h"]);
    let mut client = thread.client(Transport::WebSocket);
    client.say(&fragment(Opcode::Text, &[b' '; 40_000]));
    thread.settle();
    let mut last = control(Opcode::Continuation, &[b' '; 25_000]);
    last.pop();
    client.say(&last);
    thread.settle();
    let held = thread.local.ledger.incomplete.used();
    assert!(held < 100 * 1024, "{held}");
    // The other half could not become whole within the limit, so nobody waits for it.
    let mut other = thread.client(Transport::WebSocket);
    other.say(&fragment(Opcode::Text, &[b' '; 40_000]));
    other.say(&control(Opcode::Continuation, &[b' '; 30_000])[..100]);
    thread.settle();
    assert!(other.heard()[0].contains("frame_too_large"));
}

#[test]
fn a_frame_has_its_time_to_come_whole_however_it_trickles() {
    for transport in WITH_A_WAY_UP {
        let mut thread = Thread::new(&["--frame-timeout=10s", "--ping-interval=1h"]);
        let mut client = thread.client(transport);
        let bytes = half(&client, 1000);
        client.say(&bytes[..10]);
        thread.settle();
        for at in 10..19 {
            thread.pass(SECOND);
            client.say(&bytes[at..=at]);
            thread.settle();
        }
        assert!(client.heard().is_empty() && thread.left().0 == 1);
        thread.pass(SECOND * 2);
        assert_eq!(thread.left().0, 0);
        assert!(client.heard()[0].contains("too_slow"));
        assert_eq!(thread.local.ledger.incomplete.used(), 0, "at once");
    }
}

#[test]
fn pings_between_fragments_give_a_message_no_more_time() {
    let mut thread = Thread::new(&["--frame-timeout=10s", "--ping-interval=1h"]);
    let mut client = thread.client(Transport::WebSocket);
    client.say(&fragment(Opcode::Text, b"{"));
    for _ in 0..9 {
        thread.pass(SECOND);
        client.say(&control(Opcode::Ping, b""));
        client.say(&fragment(Opcode::Continuation, b" "));
        thread.settle();
    }
    assert_eq!(thread.left().0, 1);
    thread.pass(SECOND * 2);
    assert!(client.heard().iter().any(|it| it.contains("too_slow")));
}

#[test]
fn each_frame_has_its_own_time() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--frame-timeout=10s", "--ping-interval=1h"]);
        let mut client = thread.client(transport);
        let bytes = client.frame(r#"{"type":"pong"}"#).repeat(20);
        // Never whole frames alone: there is always the start of the next one.
        let length = bytes.len() / 20;
        let mut rest = &bytes[..];
        for _ in 0..19 {
            let (now, later) =
                rest.split_at(length / 2 + if rest.len() == bytes.len() { 0 } else { length / 2 });
            client.say(now);
            rest = later;
            thread.settle();
            thread.pass(SECOND * 7);
        }
        assert!(client.heard().is_empty() && thread.left().0 == 1, "{transport:?}");
    }
}

#[test]
fn a_late_rest_that_was_not_read_yet_counts() {
    let mut thread = Thread::new(&["--frame-timeout=10s", "--ping-interval=1h"]);
    let mut client = thread.client(Transport::Tcp);
    client.say(b"{\"type\":");
    thread.settle();
    thread.pass(SECOND * 9);
    // The thread is busy, and does not come to read it before the time is over.
    client.say(b"\"ping\"}\n");
    thread.pass(SECOND * 2);
    assert_eq!(client.heard(), [r#"{"type":"pong"}"#]);
}

#[test]
fn who_holds_most_of_incomplete_frames_goes() {
    for transport in WITH_A_WAY_UP {
        let mut thread =
            Thread::with_bounds(&["--ping-interval=1h"], |bounds| bounds.incomplete = 100_000);
        let mut small: Vec<_> = (0..10).map(|_| thread.client(transport)).collect();
        for client in &mut small {
            client.say(&half(client, 1000));
        }
        thread.settle();
        let mut large: Vec<_> = (0..2).map(|_| thread.client(transport)).collect();
        let say_half = |client: &mut Client, length| {
            let bytes = half(client, length);
            client.say(&bytes);
        };
        say_half(&mut large[0], 50_000);
        thread.settle();
        say_half(&mut large[1], 30_000);
        thread.settle();
        assert_eq!(thread.left().1, 12);
        // One that has little brings it over the bound, and stays.
        let mut late = thread.client(transport);
        late.say(&half(&late, 15_000));
        thread.settle();
        let heard = large[0].heard();
        assert!(heard[0].contains(r#""reason":"overloaded""#) && heard[0].contains("retry_ms"));
        assert!(large[1].heard().is_empty() && late.heard().is_empty());
        assert!(small.iter_mut().all(|client| client.heard().is_empty()));
        assert!(thread.local.ledger.incomplete.used() <= 100_000);
    }
}

#[test]
fn when_pushes_fill_the_memory_who_reads_slowest_goes_and_not_who_is_addressed_next() {
    for transport in Transport::OF_A_CONNECTION {
        let flags = ["--push-memory=1MiB", "--outbound-limit=10MiB", "--ping-interval=1h"];
        let mut thread = Thread::new(&flags);
        let join = |thread: &mut Thread, user| {
            let who = Who { user: Some(user), ..Who::default() };
            thread.join(transport, &who)
        };
        let (mut slow, mut busy) = (join(&mut thread, "slow"), join(&mut thread, "busy"));
        let push = |number: usize, length: usize| {
            format!(r#"{{"n":{number},"x":"{}"}}"#, "x".repeat(length))
        };
        for number in 0..10 {
            thread.push(TargetRef::User("busy"), &push(number, 1000));
        }
        let mut number = 0;
        while !thread.local.push_memory.is_full() {
            thread.push(TargetRef::User("slow"), &push(number, 10_000));
            thread.settle();
            number += 1;
        }
        // The next one is for somebody else, who is a little behind, too.
        thread.push(TargetRef::User("busy"), &push(10, 1000));
        thread.settle();
        assert_eq!(thread.left().0, 2, "nobody goes for being addressed");
        thread.pass(Duration::from_millis(50));
        assert_eq!(thread.left().0, 1);
        assert!(!thread.local.push_memory.is_full());
        let heard = thread.hear(&mut slow);
        assert!(heard.iter().any(|it| it.contains("too_slow")), "{transport:?}");
        let heard = thread.hear(&mut busy);
        let pushes = heard.iter().filter(|it| it.starts_with(r#"{"n":"#));
        assert_eq!(pushes.count(), 11, "whole and all of them");
    }
}

#[test]
fn who_does_not_read_at_all_gives_back_what_others_need_soon() {
    for transport in Transport::OF_A_CONNECTION {
        let flags = ["--push-memory=1MiB", "--outbound-limit=10MiB", "--ping-interval=1h"];
        let mut thread = Thread::new(&flags);
        // Of each of them the rest of one frame waits, and no more.
        let frame = format!(r#"{{"x":"{}"}}"#, "x".repeat(500_000));
        let deaf = ["one", "two", "three", "four"].map(|user| {
            let client = thread.join(transport, &Who { user: Some(user), ..Who::default() });
            thread.push(TargetRef::User(user), &frame);
            thread.settle();
            client
        });
        assert!(thread.local.push_memory.is_full());
        // No time passes: a push waits for room, and whoever makes room is called again and again.
        thread.make_room();
        assert!(thread.local.push_memory.is_full(), "a moment for their goodbyes");
        thread.make_room();
        assert!(!thread.local.push_memory.is_full(), "{transport:?}");
        thread.make_room();
        assert!(thread.left().0 > 0, "nobody else has to go");
        drop(deaf);
    }
}

#[test]
fn what_queues_take_themselves_is_bounded_too() {
    let flags = ["--outbound-limit=1MiB", "--ping-interval=1h"];
    let mut thread = Thread::with_bounds(&flags, |bounds| bounds.queues = 100_000);
    let mut clients: Vec<_> = (0..4).map(|_| thread.client(Transport::Tcp)).collect();
    // One more than the others, which it alone does not read.
    let extra = Who { user: Some("v"), ..Who::default() };
    let mut worst = thread.join(Transport::Tcp, &extra);
    worst.heard();
    for _ in 0..600 {
        thread.push(TargetRef::User("v"), r#"{"n":"small"}"#);
    }
    thread.settle();
    while thread.left().0 == 2 {
        thread.push(TargetRef::User("u"), r#"{"n":"small"}"#);
        thread.push(TargetRef::User("v"), r#"{"n":"small"}"#);
        thread.settle();
        assert!(thread.local.ledger.queues.used() < 150_000);
    }
    assert!(thread.hear(&mut worst).iter().any(|it| it.contains("too_slow")));
    assert!(clients.iter_mut().all(|client| !client.heard().iter().any(|it| it.contains("bye"))));
}

#[test]
fn while_memory_is_short_those_who_do_not_read_go_one_after_another() {
    let mut thread = Thread::new(&["--ping-interval=1h", "--write-timeout=1h"]);
    let mut clients: Vec<_> = (0..8).map(|_| thread.client(Transport::Tcp)).collect();
    for _ in 0..4 {
        thread.push(TargetRef::User("u"), &format!(r#"{{"x":"{}"}}"#, "x".repeat(20_000)));
    }
    thread.settle();
    // One of them reads, and has nothing to do with it.
    let mut reads = clients.swap_remove(3);
    thread.hear(&mut reads);
    assert!(thread.left().2 > 0);
    thread.local.ledger.set_short(true);
    thread.pass(Duration::from_millis(50));
    let left = thread.left().1;
    assert!((2..8).contains(&left), "some, and not all at once: {left}");
    thread.pass(SECOND);
    assert_eq!(thread.left().1, 1);
    thread.push(TargetRef::User("u"), r#"{"n":1}"#);
    thread.settle();
    assert!(thread.hear(&mut reads).last().unwrap().contains(r#"{"n":1}"#));
}

#[test]
fn topics_are_refused_when_they_have_no_memory_left_and_given_back() {
    let flags = ["--ping-interval=1h", "--topics-per-session=1000"];
    let mut thread = Thread::with_bounds(&flags, |bounds| bounds.topics = 10_000);
    let subscribe = |client: &mut Client, from: usize| {
        let names: Vec<_> = (from..from + 15).map(|number| format!("{number:0100}")).collect();
        client.say_frame(&format!(r#"{{"type":"subscribe","topics":{names:?}}}"#));
    };
    let mut one = thread.client(Transport::Tcp);
    subscribe(&mut one, 0);
    thread.settle();
    assert!(one.heard().iter().all(|it| it.contains(r#""type":"subscribed""#)));
    // A name that is there already takes little more.
    let mut same = thread.client(Transport::Tcp);
    subscribe(&mut same, 0);
    thread.settle();
    assert!(same.heard().iter().all(|it| it.contains(r#""type":"subscribed""#)));
    let mut other = thread.client(Transport::Tcp);
    subscribe(&mut other, 100);
    thread.settle();
    assert!(other.heard().last().unwrap().contains("topics_full"));
    assert!(thread.local.ledger.topics.used() <= 10_000);
    drop((one, same));
    thread.settle();
    subscribe(&mut other, 200);
    other.say_frame(r#"{"type":"unsubscribe","topics":["never"]}"#);
    thread.settle();
    assert!(!other.heard().iter().any(|it| it.contains("topics_full")));
    drop(other);
    thread.settle();
    assert_eq!(thread.local.ledger.topics.used(), 0);
}
