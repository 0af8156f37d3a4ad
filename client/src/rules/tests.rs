//! Sessions as tables of bytes and effects, and under any chopping of the bytes.

use proptest::prelude::*;

use super::*;

const HELLO: &str = r#"{"type":"hello","session":"1","user":"u1","recovered":true}"#;
const PUSH: &str = r#"{"type":"push","id":"x","data":{"t":1,"n":2}}"#;
const ANSWER: &str = "HTTP/1.1 101 Yes\r\nSec-WebSocket-Accept: proof\r\n\r\n";
const STREAM: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n";

fn rules(needs_hello: bool) -> Rules {
    Rules { needs_hello, echo_once: false, posts_pongs: false, accept: "proof".into() }
}

fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        length @ 0..126 => frame.push(length as u8),
        length => {
            frame.push(126);
            frame.extend((length as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// What happened, as text; masks differ from run to run, so replies show only their opcode.
fn play(transport: Transport, rules: &Rules, chunks: &[&[u8]]) -> (Vec<String>, Session) {
    let mut session = Session::new(transport);
    let mut seen = Vec::new();
    let mut effects = |effect: Effect<'_>| {
        seen.push(match effect {
            Effect::Held => "held".into(),
            Effect::Frame(Kind::Message, message) => format!("message of {}", message.len()),
            Effect::Frame(kind, _) => format!("{kind:?}").to_lowercase(),
            Effect::Alive => "alive".into(),
            Effect::Reply(bytes) => format!("reply {:x}", bytes[0]),
            Effect::Again(None) => "again".into(),
            Effect::Again(Some(session)) => format!("again for {session}"),
            Effect::Ended(failure) => failure.to_string(),
        });
    };
    session.on_connected(rules, &mut effects);
    for chunk in chunks {
        let mut is_to_ask = false;
        session.on_bytes(chunk, rules, &mut |effect| {
            is_to_ask |= matches!(effect, Effect::Again(_));
            effects(effect);
        });
        if is_to_ask && session.state() != State::Closed {
            session.ask_again();
        }
    }
    (seen, session)
}

#[test]
fn websocket_sessions() {
    let hello = frame(0x81, HELLO.as_bytes());
    let push = frame(0x81, PUSH.as_bytes());
    let opened = [ANSWER.as_bytes(), &hello].concat();
    let with = |more: &[&[u8]]| [opened.clone(), more.concat()].concat();
    let cases = [
        (ANSWER.as_bytes().to_vec(), vec![]),
        (b"HTTP/1.1 503 No\r\n\r\n".to_vec(), vec!["HTTP status 503"]),
        (opened.clone(), vec!["hello", "held"]),
        (with(&[&push, &push]), vec!["hello", "held", "message of 45", "message of 45"]),
        (with(&[&frame(0x89, b"x")]), vec!["hello", "held", "reply 8a"]),
        (with(&[&frame(0x8a, b"x")]), vec!["hello", "held"]),
        (
            with(&[&frame(0x88, &[3, 244])]),
            vec!["hello", "held", "reply 88", "WebSocket close code 1012"],
        ),
        (
            with(&[&frame(0x88, &[]), &push]),
            vec!["hello", "held", "reply 88", "WebSocket close code 1005"],
        ),
        (
            with(&[&frame(0x01, b"ab"), &frame(0x89, b""), &frame(0x80, b"c")]),
            vec!["hello", "held", "reply 8a", "message of 3"],
        ),
        (
            with(&[&frame(0x80, b"c")]),
            vec!["hello", "held", "the server sent a continuation of nothing"],
        ),
        (with(&[&frame(0x81, br#"{"type":"error"}"#)]), vec!["hello", "held", "error"]),
        (with(&[&frame(0x81, br#"{"type":"bye"}"#)]), vec!["hello", "held", "bye"]),
        (with(&[&frame(0x81, br#"{"type":"ping"}"#)]), vec!["hello", "held", "ping", "reply 81"]),
    ];
    for (bytes, expected) in cases {
        let (seen, _) = play(Transport::WebSocket, &rules(true), &[&bytes]);
        assert_eq!(seen, expected, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn tcp_sessions() {
    let cases = [
        (format!("{HELLO}\n{PUSH}\n"), vec!["hello", "held", "message of 45"]),
        (
            format!("{HELLO}\n{{\"type\":\"bye\",\"reason\":\"draining\"}}\n{PUSH}\n"),
            vec!["hello", "held", "bye", "bye: draining"],
        ),
        (format!("{HELLO}\n\n{{\"type\":\"ping\"}}\n"), vec!["hello", "held", "ping", "reply 7b"]),
        (PUSH.into(), vec![]),
    ];
    for (bytes, expected) in cases {
        let (seen, _) = play(Transport::Tcp, &rules(true), &[bytes.as_bytes()]);
        assert_eq!(seen, expected, "{bytes}");
    }
}

#[test]
fn event_sessions() {
    let event = |json: &str| format!("data: {json}\nevent: holdfast.x\n\n");
    let opened = format!("{STREAM}retry: 1500\n\n{}", event(HELLO));
    let ping = event(r#"{"type":"ping"}"#);
    let bye = event(r#"{"type":"bye","reason":"draining","retry_ms":7}"#);
    let push = format!(": beat\n\ndata: {PUSH}\n\n");
    let cases = [
        (STREAM.to_owned(), vec![]),
        ("HTTP/1.1 401 No\r\n\r\n".to_owned(), vec!["HTTP status 401"]),
        (
            format!("{opened}{push}{push}data: "),
            vec!["hello", "held", "message of 45", "message of 45"],
        ),
        (format!("{opened}{ping}"), vec!["hello", "held", "ping"]),
        (format!("{opened}{bye}{push}"), vec!["hello", "held", "bye", "bye: draining"]),
    ];
    for (bytes, expected) in cases {
        let (seen, _) = play(Transport::Sse, &rules(true), &[bytes.as_bytes()]);
        assert_eq!(seen, expected, "{bytes}");
        let halves = bytes.as_bytes().split_at(bytes.len() / 2);
        let (seen, _) = play(Transport::Sse, &rules(true), &[halves.0, halves.1]);
        assert_eq!(seen, expected, "{bytes} in two");
    }
    let posts = Rules { posts_pongs: true, ..rules(true) };
    let (seen, _) = play(Transport::Sse, &posts, &[opened.as_bytes(), ping.as_bytes()]);
    assert_eq!(seen, ["hello", "held", "ping", "reply 7b"]);
}

fn polled(seen: u32, frames: &[&str]) -> String {
    let frames = frames.join(",");
    let body = format!("{{\"session\":\"ff\",\"seen\":{seen},\"frames\":[{frames}]}}");
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[test]
fn poll_sessions() {
    const NOTHING: &str = "HTTP/1.1 204 No Content\r\n\r\n";
    const BYE: &str = r#"{"type":"bye","reason":"draining"}"#;
    let again = "again for 00000000000000ff";
    let hello = polled(1, &[HELLO]);
    let opened = ["hello", "held", again];
    let cases = [
        (vec![hello.clone()], opened.to_vec(), 1),
        (
            vec![hello.clone(), polled(2, &[PUSH, PUSH]), NOTHING.into(), polled(3, &[])],
            [&opened[..], &["message of 45", "message of 45", again, "again", again]].concat(),
            3,
        ),
        (
            vec![hello.clone(), polled(2, &[PUSH, BYE, PUSH])],
            [&opened[..], &["message of 45", "bye", "bye: draining"]].concat(),
            2,
        ),
        (
            vec![hello.clone(), "HTTP/1.1 410 Gone\r\n\r\n".into()],
            [&opened[..], &["HTTP status 410"]].concat(),
            1,
        ),
        (vec!["HTTP/1.1 401 No\r\n\r\n".into()], vec!["HTTP status 401"], 0),
        (vec![NOTHING.into()], vec!["HTTP status 204"], 0),
        (
            vec![hello.clone() + NOTHING],
            [&opened[..], &["the server sent an answer that nobody asked for"]].concat(),
            1,
        ),
    ];
    for (answers, expected, count) in cases {
        let whole: Vec<_> = answers.iter().map(|answer| answer.as_bytes()).collect();
        let (seen, session) = play(Transport::Poll, &rules(true), &whole);
        assert_eq!(seen, expected, "{answers:?}");
        assert_eq!(session.seen, count, "{answers:?}");
        assert!(session.incomplete.is_none());
        let halves: Vec<_> = whole
            .iter()
            .flat_map(|answer| <[_; 2]>::from(answer.split_at(30.min(answer.len()))))
            .collect();
        let (seen, _) = play(Transport::Poll, &rules(true), &halves);
        assert_eq!(seen, expected, "{answers:?} in halves");
    }
    let (seen, _) = play(Transport::Poll, &rules(false), &[polled(1, &[]).as_bytes()]);
    assert_eq!(seen, ["held", again]);
}

#[test]
fn without_hello_the_open_transport_is_enough() {
    assert_eq!(play(Transport::WebSocket, &rules(false), &[ANSWER.as_bytes()]).0, ["held"]);
    assert_eq!(play(Transport::Tcp, &rules(false), &[]).0, ["held"]);
}

#[test]
fn with_echo_once_the_own_message_has_to_come_back() {
    let rules = Rules { echo_once: true, ..rules(false) };
    let echo = frame(0x81, ECHO);
    let answer = ANSWER.as_bytes();
    let (seen, _) = play(Transport::WebSocket, &rules, &[answer]);
    assert_eq!(seen, ["reply 81"]);
    let (seen, _) = play(Transport::WebSocket, &rules, &[answer, &frame(0x81, b"x"), &echo]);
    assert_eq!(seen, ["reply 81", "message of 1", "held"]);
    let rules = Rules { needs_hello: true, ..rules };
    let hello = format!("{HELLO}\n");
    let line = [ECHO, b"\n"].concat();
    let (seen, _) = play(Transport::Tcp, &rules, &[hello.as_bytes(), &line]);
    assert_eq!(seen, ["hello", "reply 7b", "held"]);
    let refused = b"{\"type\":\"error\",\"code\":\"echo_off\"}\n";
    let (seen, _) = play(Transport::Tcp, &rules, &[hello.as_bytes(), refused]);
    assert!(seen[2].contains("--echo"), "{seen:?}");
}

#[test]
fn only_the_answer_to_the_question_is_a_sign_of_life() {
    let frames = [frame(0x8a, b"something else"), frame(0x8a, QUESTION), frame(0x8a, QUESTION)];
    let lines: Vec<_> = ["{\"type\":\"gap\"}\n", "{\"type\":\"pong\"}\n", "{\"type\":\"pong\"}\n"]
        .map(|line| line.as_bytes().to_vec())
        .into();
    for (transport, answers) in [(Transport::WebSocket, frames.to_vec()), (Transport::Tcp, lines)] {
        let mut session = play(transport, &rules(false), &[ANSWER.as_bytes()][..0]).1;
        if transport == Transport::WebSocket {
            session.on_bytes(ANSWER.as_bytes(), &rules(false), &mut |_| {});
        }
        assert!(!session.ask().is_empty() && session.is_asked());
        let alive: Vec<_> = answers
            .iter()
            .map(|answer| {
                let mut alive = 0;
                let mut count = |effect: Effect<'_>| alive += usize::from(effect == Effect::Alive);
                session.on_bytes(answer, &rules(false), &mut count);
                alive
            })
            .collect();
        assert_eq!((alive, session.is_asked()), (vec![0, 1, 0], false), "{transport:?}");
    }
}

#[test]
fn idle_sessions_own_no_buffer() {
    let hello = frame(0x81, HELLO.as_bytes());
    let (first, second) = hello.split_at(5);
    let opened = [ANSWER.as_bytes(), first].concat();
    let (_, session) = play(Transport::WebSocket, &rules(true), &[&opened]);
    assert!(session.incomplete.is_some());
    let (_, session) = play(Transport::WebSocket, &rules(true), &[&opened, second]);
    assert!(session.incomplete.is_none());
    assert!(size_of::<Session>() <= 16);
}

#[test]
fn idle_streams_own_no_buffer_for_an_event_that_has_begun_early() {
    let hello = format!("{STREAM}retry: 1\n\ndata: {HELLO}\nevent: holdfast.hello\n\ndata: ");
    let ping = "{\"type\":\"ping\"}\nevent: holdfast.ping\n:\n\ndata: ";
    let push = format!("{PUSH}\n\ndata: ");
    let pieces = [hello.as_bytes(), ping.as_bytes(), &push.as_bytes()[..9], &push.as_bytes()[9..]];
    let kept: Vec<_> = (1..=pieces.len())
        .map(|count| {
            let (seen, session) = play(Transport::Sse, &rules(true), &pieces[..count]);
            (seen.len(), session.incomplete.is_some())
        })
        .collect();
    assert_eq!(kept, [(2, false), (3, false), (3, true), (4, false)]);
}

proptest! {
    #[test]
    fn chopping_changes_nothing(
        sizes in proptest::collection::vec(0..400_usize, 0..8),
        cuts in proptest::collection::vec(0..2000_usize, 0..12),
    ) {
        let mut stream = [ANSWER.as_bytes(), &frame(0x81, HELLO.as_bytes())].concat();
        for size in &sizes {
            let (head, tail) = (size / 2, size - size / 2);
            stream.extend(frame(0x81, &vec![b'x'; *size]));
            stream.extend(frame(0x01, &vec![b'x'; head]));
            stream.extend(frame(0x80, &vec![b'x'; tail]));
        }
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % stream.len()).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let chunks: Vec<_> = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]).collect();
        let (whole, _) = play(Transport::WebSocket, &rules(true), &[&stream]);
        let (chopped, session) = play(Transport::WebSocket, &rules(true), &chunks);
        prop_assert_eq!(whole.len(), 2 + 2 * sizes.len());
        prop_assert_eq!(whole, chopped);
        prop_assert!(session.incomplete.is_none());
    }

    #[test]
    fn garbage_never_panics(chunks in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..60), 0..10,
    )) {
        let garbage: Vec<_> = chunks.iter().map(Vec::as_slice).collect();
        let opened = [&[ANSWER.as_bytes()][..], &garbage].concat();
        for transport in Transport::ALL {
            play(transport, &rules(true), &garbage);
            play(transport, &rules(true), &opened);
        }
        play(Transport::Poll, &rules(true), &[&[polled(1, &[HELLO]).as_bytes()][..], &garbage].concat());
        play(Transport::Sse, &rules(true), &[&[STREAM.as_bytes()][..], &garbage].concat());
    }
}
