//! What is reported of pushes: one outcome for each session that had them.

use protocol::{CloseReason, Transport, link::TargetRef, receipt::Outcome};

use super::thread::{Thread, Who};
use crate::runtime::reactor::Ready;

const USER: TargetRef<'_> = TargetRef::User("u");

/// Outcome, device and reason of the only session of each receipt.
fn reported(thread: &Thread) -> Vec<(Outcome, Option<String>, Option<String>)> {
    let receipts = thread.receipts().into_iter();
    let only = receipts.map(|receipt| {
        assert_eq!((receipt.sessions.len(), receipt.total), (1, 1), "{receipt:?}");
        let detail = receipt.details.into_iter().next();
        let (device, reason) = detail.map_or((None, None), |it| (it.device, it.reason));
        (receipt.sessions[0].1, device, reason)
    });
    only.collect()
}

#[test]
fn a_session_says_what_became_of_a_push_and_which_device_it_is() {
    for device in [None, Some("phone")] {
        let mut thread = Thread::new(&[]);
        let mut client = thread.join(Transport::Tcp, &Who { device, ..Who::default() });
        thread.push_with_receipt(USER, r#"{"n":1}"#);
        assert!(thread.receipts().is_empty(), "nobody has looked at it");
        thread.settle();
        assert_eq!(client.heard().last().map(String::as_str), Some(r#"{"n":1}"#));
        assert_eq!(reported(&thread), [(Outcome::Written, device.map(str::to_owned), None)]);
    }
}

#[test]
fn a_push_that_a_session_does_not_come_to_was_dropped() {
    const PUSHES: usize = 100;
    let mut thread = Thread::new(&[]);
    let client = thread.client(Transport::Tcp);
    let seat = client.seat;
    for _ in 0..PUSHES {
        thread.push_with_receipt(USER, r#"{"n":1}"#);
    }
    drop(client);
    // More than a turn has time for, and in that turn the session finds out that its client left.
    let ready = Ready { readable: true, ended: true, writable: true };
    thread.turn(seat, |session, ctx| session.on_ready(ready, ctx));
    thread.settle();
    let reported = reported(&thread);
    assert_eq!(reported.len(), PUSHES, "one outcome each");
    let last = reported.last().expect("pushes");
    assert_eq!(*last, (Outcome::Dropped, None, Some("client_left".to_owned())));
    assert_eq!(thread.left(), (0, 0, 0));
}

#[test]
fn a_session_that_is_closing_says_why() {
    let mut thread = Thread::new(&[]);
    let client = thread.client(Transport::Tcp);
    thread.push_with_receipt(USER, r#"{"n":1}"#);
    thread.turn(client.seat, |session, _| {
        session.close(CloseReason::Draining);
        false
    });
    assert_eq!(reported(&thread)[0].0, Outcome::Written, "it came to it before");
    let second = thread.client(Transport::Tcp);
    for _ in 0..65 {
        thread.push_with_receipt(USER, r#"{"n":1}"#);
    }
    thread.turn(second.seat, |session, _| {
        session.close(CloseReason::Draining);
        false
    });
    thread.settle();
    let last = reported(&thread).pop().expect("pushes");
    assert_eq!(last, (Outcome::Dropped, None, Some("draining".to_owned())));
}
