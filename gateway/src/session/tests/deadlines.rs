//! What sessions do when time passes.

use std::time::Duration;

use proptest::prelude::*;
use protocol::{Transport, UserId, claims::Claims, websocket::Opcode};
use tokens::Signer;

use super::{
    client::{Client, control},
    thread::{Thread, Who},
};
use crate::{
    runtime::wheel::{NEVER, TICK},
    session::Said,
};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_silent_client_is_pinged_and_given_up() {
    for (transport, ping, last) in [
        (Transport::WebSocket, "[Ping ]", "[close 1001 ping_timeout]"),
        (Transport::Tcp, r#"{"type":"ping"}"#, "[end]"),
    ] {
        let mut thread = Thread::new(&["--ping-interval=10s", "--close-timeout=2s"]);
        let mut client = thread.client(transport);
        thread.pass(SECOND * 10);
        assert_eq!(client.heard(), [ping]);
        thread.pass(SECOND * 9);
        assert!(client.heard().is_empty(), "it has its whole interval");
        thread.pass(SECOND);
        let heard = client.heard();
        assert_eq!(heard[1..], [last]);
        assert!(heard[0].contains("ping_timeout") && heard[0].contains("retry_ms"), "{heard:?}");
        assert_eq!(thread.left(), (0, 0, 0), "nobody can push to it any more");
        assert!(thread.is_here(&client), "it may still close");
        thread.pass(SECOND * 3);
        assert!(!thread.is_here(&client));
        assert_eq!(client.heard(), ["[end]"]);
    }
}

#[test]
fn whatever_a_client_sends_shows_that_it_is_there() {
    let frames = [
        (Transport::WebSocket, control(Opcode::Pong, b"")),
        (Transport::WebSocket, control(Opcode::Ping, b"")),
        (Transport::WebSocket, control(Opcode::Text, br#"{"type":"pong"}"#)),
        (Transport::WebSocket, control(Opcode::Text, b"{")[..1].to_vec()),
        (Transport::Tcp, b"{\"type\":\"pong\"}\n".to_vec()),
        (Transport::Tcp, b"\n".to_vec()),
        (Transport::Tcp, b" ".to_vec()),
    ];
    for (transport, frame) in frames {
        let mut thread = Thread::new(&["--ping-interval=10s"]);
        let mut client = thread.client(transport);
        thread.pass(SECOND * 15);
        client.say(&frame);
        thread.settle();
        thread.pass(SECOND * 10);
        let heard = client.heard();
        assert!(thread.is_here(&client) && heard.iter().all(|it| !it.contains("bye")), "{heard:?}");
        thread.pass(SECOND * 11);
        let heard = client.heard();
        assert!(heard.iter().any(|it| it.contains("ping_timeout")), "{heard:?}");
    }
}

#[test]
fn a_late_answer_that_was_not_read_yet_counts() {
    let mut thread = Thread::new(&["--ping-interval=10s"]);
    let mut client = thread.client(Transport::WebSocket);
    thread.pass(SECOND * 10);
    // The thread is busy, and does not come to read it before the time is over.
    client.say(&control(Opcode::Pong, b""));
    thread.pass(SECOND * 10);
    assert!(client.heard().iter().all(|it| it == "[Ping ]"));
}

#[test]
fn a_user_is_not_locked_out_by_sessions_that_are_gone() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--sessions-per-user=3", "--ping-interval=1h"]);
        let mut dead = [thread.client(transport), thread.client(transport)];
        // Who has answered once has to.
        dead.iter_mut().for_each(|client| client.say_frame(r#"{"type":"pong"}"#));
        let mut alive = thread.client(transport);
        assert!(thread.try_join(transport, &Who::default()).is_none());
        thread.settle();
        // Asking again changes nothing about the time they have.
        thread.pass(SECOND * 2);
        assert_eq!(alive.heard().len(), 1, "it is asked whether it is there");
        alive.say_frame(r#"{"type":"pong"}"#);
        assert!(thread.try_join(transport, &Who::default()).is_none());
        thread.settle();
        alive.say_frame(r#"{"type":"pong"}"#);
        thread.pass(SECOND * 2);
        let mut newer = thread.try_join(transport, &Who::default()).expect("room");
        assert!(newer.heard()[0].contains("hello"));
        assert_eq!(thread.left().1, 2);
        thread.pass(SECOND * 30);
        assert!(!alive.heard().iter().any(|it| it.contains("bye")), "{transport:?}");
    }
}

#[test]
fn a_token_ends_and_a_new_one_prolongs_the_session() {
    const SECRET: &str = "secret";
    for transport in Transport::OF_A_CONNECTION {
        let flags = ["--jwt-secret=secret", "--ping-interval=1h", "--sse-age=1h"];
        let mut thread = Thread::new(&flags);
        let start = thread.local.clock.epoch_seconds(0);
        let who = Who { expires: Some(start + 30), ..Who::default() };
        let mut client = thread.join(transport, &who);
        thread.pass(SECOND * 20);
        // The gateway checks it by the true time, which does not pass here.
        let claims = Claims::new(UserId::new("u").unwrap(), start + 1000);
        let token = Signer::secret(SECRET.as_bytes()).sign(&claims).unwrap();
        client.say_frame(&format!(r#"{{"type":"refresh","token":"{token}"}}"#));
        thread.settle();
        thread.pass(SECOND * 900);
        let heard = client.heard();
        assert!(heard.len() == 2 && heard[1].contains("refreshed"), "{heard:?}");
        thread.pass(SECOND * 90);
        let heard = client.heard();
        assert!(heard[0].contains("token_expired") && !heard[0].contains("retry_ms"), "{heard:?}");
    }
}

#[test]
fn a_token_ends_by_the_present_wall_clock() {
    let joined = |thread: &mut Thread, seconds| {
        let expires = Some(thread.local.clock.epoch_seconds(0) + seconds);
        let mut client = thread.join(Transport::Tcp, &Who { expires, ..Who::default() });
        assert_eq!(client.heard().len(), 1, "the hello");
        client
    };
    // Set forward by an hour: who had as long has none left, and who had more has the rest.
    let mut thread = Thread::new(&["--ping-interval=24h"]);
    let (mut hour, mut more) = (joined(&mut thread, 3600), joined(&mut thread, 3700));
    thread.pass(SECOND * 10);
    thread.set_wall_clock(3600);
    thread.pass(SECOND);
    assert!(hour.heard()[0].contains("token_expired"));
    thread.pass(SECOND * 88);
    assert!(more.heard().is_empty());
    thread.pass(SECOND * 2);
    assert!(more.heard()[0].contains("token_expired"));
    // Set back by an hour: it ends an hour later, and not before.
    let mut thread = Thread::new(&["--ping-interval=24h"]);
    let mut client = joined(&mut thread, 60);
    thread.pass(SECOND * 59);
    thread.set_wall_clock(-3600);
    thread.pass(SECOND * 3600);
    assert!(client.heard().is_empty());
    thread.pass(SECOND * 2);
    assert!(client.heard()[0].contains("token_expired"));
}

#[test]
fn a_token_for_somebody_else_is_refused() {
    let mut thread = Thread::new(&["--jwt-secret=secret", "--ping-interval=1h"]);
    let start = thread.local.clock.epoch_seconds(0);
    let who = Who { expires: Some(start + 30), ..Who::default() };
    let mut client = thread.join(Transport::Tcp, &who);
    client.heard();
    let claims = Claims::new(UserId::new("other").unwrap(), start + 1000);
    let token = Signer::secret(b"secret").sign(&claims).unwrap();
    client.say_frame(&format!(r#"{{"type":"refresh","token":"{token}"}}"#));
    thread.settle();
    assert!(client.heard()[0].contains("unauthorized"));
    thread.pass(SECOND * 31);
    assert!(client.heard()[0].contains("token_expired"));
}

const USERS: [&str; 3] = ["a", "b", "c"];

/// A session of each user, and the tick in which its token ends.
struct Ends {
    thread: Thread,
    sessions: [(Client, u32); 3],
}

impl Ends {
    fn new() -> Self {
        let mut thread = Thread::new(&["--ping-interval=24h"]);
        let sessions = USERS.map(|user| {
            let who = Who { user: Some(user), ..Who::default() };
            (thread.join(Transport::Tcp, &who), NEVER)
        });
        Self { thread, sessions }
    }

    /// Gives a session, unless it is over, so many seconds from now.
    fn set(&mut self, number: usize, seconds: u64) {
        let (now, (client, end)) = (self.thread.local.tick(), &mut self.sessions[number]);
        if *end <= now {
            return;
        }
        let expires = self.thread.local.clock.epoch_seconds(now) + seconds;
        self.thread.turn(client.seat, |session, _| {
            session.set_expiry(Some(expires));
            false
        });
        let expires = u32::try_from(expires).unwrap();
        *end = self.thread.local.tick_at(expires).max(now + 1);
    }

    /// Lets ticks pass, in each of which those are here whose end has not come.
    fn pass(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.thread.pass(TICK);
            let (now, registry) = (self.thread.local.tick(), &self.thread.local.directory.registry);
            for (user, (_, end)) in USERS.iter().zip(&self.sessions) {
                let is_here = !registry.sessions(user).is_empty();
                assert_eq!(is_here, now < *end, "{user} at {now}, ends at {end}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Whatever the time, however often the end is moved, and however far it is: it comes in its
    /// tick. The wheel comes round every 25.6 s.
    #[test]
    fn sessions_end_in_the_tick_in_which_they_have_to(
        steps in prop::collection::vec((0_usize..3, 0_u64..80, 0_u32..400), 1..12)
    ) {
        let mut ends = Ends::new();
        for (number, seconds, ticks) in steps {
            ends.set(number, seconds);
            ends.pass(ticks);
        }
        ends.pass(1700);
    }
}

#[test]
fn who_need_not_answer_stays_for_a_time_and_is_held_to_its_word_once_it_has_answered() {
    let flags = ["--ping-interval=10s", "--sse-age=60s"];
    let mut thread = Thread::new(&flags);
    let [mut silent, mut once, mut well] = [(); 3].map(|()| thread.client(Transport::Sse));
    for client in [&mut once, &mut well] {
        client.say_frame(r#"{"type":"pong"}"#);
    }
    for _ in 0..50 {
        thread.pass(SECOND);
        well.say_frame(r#"{"type":"pong"}"#);
        thread.settle();
    }
    let pings = silent.heard();
    assert!(pings.len() >= 4 && pings.iter().all(|it| it == r#"{"type":"ping"}"#), "{pings:?}");
    assert!(once.heard().iter().any(|it| it.contains("ping_timeout")));
    for _ in 0..50 {
        thread.pass(SECOND);
        well.say_frame(r#"{"type":"pong"}"#);
        thread.settle();
    }
    let end = silent.heard();
    assert!(end.iter().any(|it| it.contains("draining") && it.contains("retry_ms")), "{end:?}");
    assert!(!well.heard().iter().any(|it| it.contains("bye")));
}

#[test]
fn what_is_posted_is_taken_up_to_what_is_refused() {
    let mut thread = Thread::new(&["--ping-interval=1h", "--client-subscribe=none"]);
    let mut client = thread.client(Transport::Sse);
    client.say_frame("{\"type\":\"ping\"}\n{\"type\":\"pong\"}");
    thread.settle();
    assert_eq!(client.answer.take(), Some(Ok(Said::Nothing)));
    assert_eq!(client.heard(), [r#"{"type":"pong"}"#]);
    let cases = [
        (
            "{\"type\":\"ping\"}\n\n{\"type\":\"subscribe\",\"topics\":[\"t\"]}\n{\"type\":\"ping\"}",
            403,
            3,
            1,
        ),
        ("{\"type\":\"ping\"}\nnonsense", 400, 2, 1),
        (r#"{"type":"dance"}"#, 400, 1, 0),
        (r#"{"type":"refresh","token":"t"}"#, 401, 1, 0),
    ];
    for (frames, status, line, answered) in cases {
        client.say_frame(frames);
        thread.settle();
        let problem = client.answer.take().expect("an answer").expect_err("refused");
        assert_eq!(problem.status, status, "{frames}");
        assert!(problem.detail.starts_with(&format!("line {line}: ")), "{problem:?}");
        assert_eq!(client.heard().len(), answered, "{frames}");
    }
    let flood = "{\"type\":\"pong\"}\n".repeat(100);
    (0..3).for_each(|_| client.say_frame(&flood));
    thread.settle();
    assert_eq!(client.answer.take().map(|it| it.map_err(|problem| problem.status)), Some(Err(404)));
    assert!(client.heard()[0].contains("too_many_frames"));
}
