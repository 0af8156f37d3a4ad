//! Sessions that are asked by requests.

use std::{sync::Arc, time::Duration};

use protocol::{CloseReason, Transport, link::TargetRef};

use super::{
    client::Client,
    thread::{Thread, Who},
};
use crate::session::{Answer, Said};

const USER: TargetRef<'_> = TargetRef::User("u");
const SECOND: Duration = Duration::from_secs(1);

/// A client that has had its hello.
fn begun(thread: &mut Thread) -> Client {
    let client = thread.join(Transport::Poll, &Who::default());
    let answer = client.ask(0, SECOND);
    thread.settle();
    assert!(text(&answer).contains(r#""seen":1,"frames":[{"type":"hello""#));
    client
}

/// The text of an answer; `nothing`, or the code of a problem.
fn text(answer: &Arc<Answer>) -> String {
    match answer.take() {
        None => "none yet".to_owned(),
        Some(Ok(Said::Nothing)) => "nothing".to_owned(),
        Some(Ok(Said::Json(json))) => String::from_utf8(json).expect("text"),
        Some(Ok(Said::Last(json))) => format!("last {}", String::from_utf8(json).expect("text")),
        Some(Err(problem)) => problem.code.expect("a code").to_string(),
    }
}

fn frames(answer: &Arc<Answer>) -> String {
    let text = text(answer);
    let at = text.find(r#""frames":"#).unwrap_or_else(|| panic!("{text}"));
    text[at + 9..text.len() - 1].to_owned()
}

#[test]
fn a_request_waits_as_long_as_it_says_and_the_session_longer() {
    let mut thread = Thread::new(&["--poll-grace=10s"]);
    let client = begun(&mut thread);
    let answer = client.ask(1, 5 * SECOND);
    thread.settle();
    thread.pass(4 * SECOND);
    assert_eq!(text(&answer), "none yet");
    thread.pass(2 * SECOND);
    assert_eq!(text(&answer), "nothing");
    thread.pass(8 * SECOND);
    let answer = client.ask(1, 5 * SECOND);
    thread.settle();
    thread.pass(6 * SECOND);
    assert_eq!(text(&answer), "nothing", "each request begins anew");
    thread.pass(11 * SECOND);
    assert!(!thread.is_here(&client));
    assert_eq!(thread.metric(r#"holdfast_sessions_closed_total{reason="ping_timeout"}"#), 1);
    assert_eq!(thread.left(), (0, 0, 0));
}

#[test]
fn what_comes_together_is_one_answer() {
    let mut thread = Thread::new(&[]);
    let client = begun(&mut thread);
    for n in 1..=3 {
        thread.push(USER, &format!(r#"{{"n":{n}}}"#));
    }
    thread.settle();
    let answer = client.ask(1, SECOND);
    thread.settle();
    assert_eq!(frames(&answer), r#"[{"n":1},{"n":2},{"n":3}]"#);
    let again = client.ask(1, SECOND);
    thread.push(USER, r#"{"n":4}"#);
    thread.settle();
    assert_eq!(frames(&again), r#"[{"n":1},{"n":2},{"n":3}]"#);
    let next = client.ask(2, SECOND);
    thread.settle();
    assert_eq!(frames(&next), r#"[{"n":4}]"#);
}

#[test]
fn what_nobody_takes_is_bounded_and_named() {
    let mut thread = Thread::new(&["--outbound-limit=128KiB"]);
    let client = begun(&mut thread);
    let push = format!(r#"{{"x":"{}"}}"#, "x".repeat(60_000));
    for _ in 0..3 {
        thread.push(USER, &push);
    }
    thread.settle();
    let answer = client.ask(1, SECOND);
    thread.settle();
    let said = text(&answer);
    assert!(said.starts_with("last ") && said.contains(r#""reason":"too_slow""#), "{said:.200}");
    assert_eq!(thread.metric(r#"holdfast_pushes_dropped_total{reason="too_slow"}"#), 3);
    assert!(!thread.is_here(&client), "it comes back as another");
    assert_eq!(text(&client.ask(2, SECOND)), "expired");
}

#[test]
fn who_was_told_to_stay_away_may_hear_that_again() {
    let mut thread = Thread::new(&["--poll-grace=10s"]);
    let client = begun(&mut thread);
    thread.turn(client.seat, |session, _| {
        session.close(CloseReason::Replaced);
        false
    });
    assert_eq!(thread.left().0, 0, "pushes are for its successor");
    for _ in 0..2 {
        let answer = client.ask(1, SECOND);
        thread.settle();
        assert!(text(&answer).contains(r#""reason":"replaced""#));
    }
    let answer = client.ask(2, SECOND);
    thread.settle();
    assert_eq!((text(&answer).as_str(), thread.is_here(&client)), ("expired", false));
}
