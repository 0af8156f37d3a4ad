//! Clients that read slowly, or not at all.

use std::time::Duration;

use proptest::prelude::*;
use protocol::{Transport, link::TargetRef};

use super::thread::Thread;

const USER: TargetRef<'_> = TargetRef::User("u");

/// A push of this many bytes with a number to know it by.
fn push(number: usize, length: usize) -> String {
    format!(r#"{{"n":{number},"x":"{}"}}"#, "x".repeat(length))
}

#[test]
fn a_client_that_takes_nothing_for_too_long_is_given_up() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--write-timeout=5s", "--ping-interval=1h"]);
        let mut client = thread.client(transport);
        for number in 0..20 {
            thread.push(USER, &push(number, 8000));
        }
        thread.settle();
        assert!(thread.left().2 > 0, "some wait");
        thread.pass(Duration::from_secs(4));
        // A little is enough.
        client.take_in(9000);
        thread.settle();
        thread.pass(Duration::from_secs(4));
        assert_eq!(thread.left().0, 1);
        thread.pass(Duration::from_secs(2));
        assert_eq!(thread.left().0, 0);
        // Reading on, it hears whole frames, in order, and then why.
        let heard = thread.hear(&mut client);
        let pushes: Vec<_> = heard.iter().filter(|it| it.starts_with(r#"{"n":"#)).collect();
        for (number, heard) in pushes.iter().enumerate() {
            assert_eq!(**heard, push(number, 8000));
        }
        assert!(pushes.len() < 20, "what waited was dropped");
        assert!(heard[pushes.len()].contains("too_slow"), "{}", heard[pushes.len()]);
        assert_eq!(thread.left().2, 0);
    }
}

#[test]
fn one_byte_more_than_the_limit_is_too_many() {
    let mut thread = Thread::new(&["--outbound-limit=128KiB"]);
    let client = thread.client(Transport::Tcp);
    let mut queued = 0;
    for number in 0.. {
        thread.push(USER, &push(number, 10_000));
        thread.settle();
        let (users, _, waiting) = thread.left();
        if users == 0 {
            break;
        }
        queued = waiting;
    }
    let limit = 128 * 1024;
    assert!(queued <= limit && queued + 10_100 > limit, "{queued}");
    assert!(thread.is_here(&client), "it may still read its goodbye");
}

/// Pushes that were written or queued, those of them that were written in the end, and those that
/// were lost, for this reason.
fn counted(thread: &Thread, reason: &str) -> (u64, u64, u64) {
    let outcome = |name| thread.metric(&format!("holdfast_pushes_total{{outcome={name:?}}}"));
    let taken = outcome("written") + outcome("queued");
    let written = thread.metric("holdfast_push_latency_seconds_count");
    (taken, written, thread.metric(&format!("holdfast_pushes_dropped_total{{reason={reason:?}}}")))
}

#[test]
fn what_is_lost_of_a_queue_is_counted_with_its_reason() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--write-timeout=5s", "--ping-interval=1h"]);
        let mut client = thread.client(transport);
        (0..20).for_each(|number| thread.push(USER, &push(number, 8000)));
        thread.settle();
        let (taken, written, lost) = counted(&thread, "too_slow");
        assert!(taken == 20 && written < 20 && lost == 0, "{written} written");
        client.take_in(30_000);
        thread.settle();
        assert!(counted(&thread, "too_slow").1 > written, "from the queue, too");
        thread.pass(Duration::from_secs(6));
        thread.hear(&mut client);
        let (_, written, lost) = counted(&thread, "too_slow");
        assert!(lost > 0 && written + lost == 20, "{written} written, {lost} lost");
        // Nobody is there any more.
        thread.push(USER, "{}");
        assert_eq!(counted(&thread, "no_session").2, 1);
    }
}

#[test]
fn what_waits_for_a_client_that_goes_is_lost() {
    for (reason, panics) in [("client_left", false), ("panic", true)] {
        let mut thread = Thread::new(&["--ping-interval=1h"]);
        let client = thread.client(Transport::Tcp);
        (0..20).for_each(|number| thread.push(USER, &push(number, 8000)));
        thread.settle();
        match panics {
            true => thread.drop_session(&client),
            false => {
                drop(client);
                thread.settle();
            }
        }
        let (taken, written, lost) = counted(&thread, reason);
        assert!(lost > 0 && written + lost == taken, "{written} and {lost} of {taken}");
    }
}

#[derive(Debug, Clone)]
enum Step {
    Push(usize),
    Read(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (0_usize..20_000).prop_map(Step::Push),
        2 => (0_usize..30_000).prop_map(Step::Read),
        1 => (0_u64..20).prop_map(|tenths| Step::Pass(tenths * 100)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// However it reads, a client gets whole frames in their order, none left out before the last
    /// one, and either all of them or a reason.
    #[test]
    fn frames_arrive_whole_and_in_order_or_the_session_ends(
        steps in prop::collection::vec(step(), 1..60), tcp in any::<bool>()
    ) {
        let transport = if tcp { Transport::Tcp } else { Transport::WebSocket };
        // Time enough to read the goodbye, however late it comes to it.
        let patient = ["--ping-interval=1h", "--close-timeout=1h"];
        let flags = [&["--write-timeout=3s", "--outbound-limit=128KiB"], &patient[..]].concat();
        let mut thread = Thread::new(&flags);
        let mut client = thread.client(transport);
        let mut pushed = Vec::new();
        for step in steps {
            match step {
                Step::Push(length) => {
                    pushed.push(push(pushed.len(), length));
                    thread.push(USER, pushed.last().unwrap());
                }
                Step::Read(most) => client.take_in(most),
                Step::Pass(millis) => thread.pass(Duration::from_millis(millis)),
            }
            thread.settle();
        }
        let closed = thread.left().0 == 0;
        let heard = thread.hear(&mut client);
        let got: Vec<_> = heard.iter().take_while(|it| it.starts_with(r#"{"n":"#)).collect();
        for (got, pushed) in got.iter().zip(&pushed) {
            prop_assert_eq!(*got, pushed);
        }
        match closed {
            true => prop_assert!(heard[got.len()].contains("too_slow"), "{}", heard[got.len()]),
            false => prop_assert_eq!(got.len(), pushed.len()),
        }
        prop_assert_eq!(thread.left().2, 0, "nothing waits any more");
    }
}
