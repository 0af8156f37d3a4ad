//! How sessions end, from both sides.

use std::time::Duration;

use protocol::{CloseReason, Transport, link::TargetRef, websocket::Opcode};

use super::{
    client::control,
    thread::{FRAMES_OUT, Thread, Who},
};

const USER: TargetRef<'_> = TargetRef::User("u");

/// Has a session close, and returns what its client hears.
fn close(thread: &mut Thread, seat: u32, reason: CloseReason) {
    thread.turn(seat, |session, _| {
        session.close(reason);
        false
    });
}

#[test]
fn a_goodbye_says_why_on_every_transport() {
    for reason in CloseReason::ALL {
        for transport in Transport::OF_A_CONNECTION {
            let mut thread = Thread::new(&[]);
            let mut client = thread.client(transport);
            close(&mut thread, client.seat, reason);
            thread.push(USER, r#"{"n":1}"#);
            thread.settle();
            let heard = client.heard();
            let (code, word) = (reason.code(), reason.as_str());
            assert!(heard[0].starts_with(&format!(r#"{{"type":"bye","reason":"{word}""#)));
            assert_eq!(heard[0].contains("retry_ms"), reason.reconnect(), "{heard:?}");
            let last = match transport {
                Transport::WebSocket => format!("[close {code} {word}]"),
                Transport::Tcp | Transport::Sse | Transport::Poll => "[end]".to_owned(),
            };
            assert_eq!(heard[1..], [last], "and nothing else");
            assert_eq!(thread.left(), (0, 0, 0));
        }
    }
}

#[test]
fn what_everybody_gets_does_not_follow_a_goodbye() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let mut other = thread.join(transport, &Who { user: Some("v"), ..Who::default() });
        let mut client = thread.client(transport);
        close(&mut thread, client.seat, CloseReason::Disconnected);
        (0..2).for_each(|_| thread.push(TargetRef::All, r#"{"n":1}"#));
        thread.walk();
        assert_eq!(other.heard()[1..], [r#"{"n":1}"#; 2]);
        let heard = client.heard();
        assert!(heard.len() == 2 && heard[0].contains("bye"), "{heard:?}");
    }
}

#[test]
fn the_first_reason_holds() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::WebSocket);
    close(&mut thread, client.seat, CloseReason::Draining);
    close(&mut thread, client.seat, CloseReason::TooSlow);
    let heard = client.heard();
    assert_eq!(heard[1..], ["[close 1012 draining]"]);
}

#[test]
fn a_client_that_answers_our_close_is_gone_at_once() {
    let mut thread = Thread::new(&[]);
    let mut client = thread.client(Transport::WebSocket);
    close(&mut thread, client.seat, CloseReason::Disconnected);
    client.say(&control(Opcode::Ping, b"still here"));
    client.say(&control(Opcode::Close, &1000_u16.to_be_bytes()));
    thread.settle();
    assert!(!thread.is_here(&client));
    let heard = client.heard();
    assert_eq!(heard.last().unwrap(), "[end]");
    assert!(!heard.iter().any(|it| it.contains("still here")), "{heard:?}");
}

#[test]
fn a_client_that_closes_gets_its_code_back() {
    let cases: [(&[u8], &str); 3] = [
        (&[], "[close]"),
        (&[0x03, 0xe8], "[close 1000 ]"),
        (&[0x0f, 0xa0, b'b', b'y', b'e'], "[close 4000 ]"),
    ];
    for (payload, answer) in cases {
        let mut thread = Thread::new(&["--close-timeout=3s"]);
        let mut client = thread.client(Transport::WebSocket);
        client.say(&control(Opcode::Close, payload));
        // Nothing counts behind a close.
        client.say(&control(Opcode::Ping, b""));
        thread.settle();
        assert_eq!(client.heard(), [answer, "[end]"]);
        assert_eq!(thread.left(), (0, 0, 0));
        assert!(thread.is_here(&client), "its end is waited for");
        thread.pass(Duration::from_secs(4));
        assert!(!thread.is_here(&client));
    }
}

#[test]
fn a_client_that_vanishes_is_gone() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let client = thread.client(transport);
        let seat = client.seat;
        drop(client);
        thread.push(USER, r#"{"n":1}"#);
        thread.settle();
        assert!(!thread.turn(seat, |_, _| true), "nobody sits there");
        assert_eq!(thread.left(), (0, 0, 0));
    }
}

#[test]
fn who_cannot_be_written_to_is_gone_and_has_lost_the_push() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&[]);
        let mut client = thread.client(transport);
        let (seat, frames) = (client.seat, thread.metric(FRAMES_OUT));
        thread.push(USER, r#"{"n":1}"#);
        thread.turn(seat, |_, _| false);
        assert_eq!(client.heard(), [r#"{"n":1}"#]);
        assert_eq!(thread.metric(FRAMES_OUT) - frames, 1);
        drop(client);
        thread.push(USER, r#"{"n":2}"#);
        // Without a look at what there is to read.
        thread.turn(seat, |_, _| false);
        assert_eq!(thread.left(), (0, 0, 0));
        assert_eq!(thread.metric(r#"holdfast_pushes_dropped_total{reason="client_left"}"#), 1);
        assert_eq!(thread.metric(FRAMES_OUT) - frames, 1);
    }
}

#[test]
fn a_newer_session_of_a_device_replaces_the_older() {
    for (older, newer) in
        [(Transport::Tcp, Transport::WebSocket), (Transport::WebSocket, Transport::Tcp)]
    {
        let mut thread = Thread::new(&["--sessions-per-user=1"]);
        let who = || Who { device: Some("phone"), ..Who::default() };
        let mut first = thread.join(older, &who());
        first.heard();
        let mut second = thread.join(newer, &who());
        thread.push(USER, r#"{"n":1}"#);
        thread.settle();
        assert!(first.heard()[0].contains(r#""reason":"replaced""#));
        assert_eq!(second.heard()[1..], [r#"{"n":1}"#]);
        assert_eq!(thread.left(), (1, 1, 0));
        // The older's late goodbye does not touch the newer.
        drop(first);
        thread.settle();
        assert_eq!(thread.left(), (1, 1, 0));
    }
}

#[test]
fn broken_input_ends_a_session_with_its_reason() {
    let cases: [(Transport, &[u8], &str); 8] = [
        (Transport::WebSocket, &[0x81, 0x05], "protocol_error"),
        (Transport::WebSocket, &[0x83, 0x80, 0, 0, 0, 0], "protocol_error"),
        (Transport::WebSocket, &[0x82, 0x80, 0, 0, 0, 0], "unsupported"),
        (Transport::WebSocket, &[0x81, 0x81, 0, 0, 0, 0, 0xff], "invalid_frame"),
        (Transport::WebSocket, &[0x81, 0x81, 0, 0, 0, 0, b'{'], "invalid_frame"),
        (Transport::WebSocket, &[0x81, 0xfe, 0x04, 0x01], "frame_too_large"),
        (Transport::Tcp, b"no json\n", "invalid_frame"),
        (Transport::Tcp, &[b'x'; 1030], "frame_too_large"),
    ];
    for (transport, bytes, reason) in cases {
        let mut thread = Thread::new(&["--max-frame=1KiB"]);
        let mut client = thread.client(transport);
        client.say(bytes);
        client.say(&[0; 4]);
        client.say_frame(r#"{"type":"ping"}"#);
        thread.settle();
        let heard = client.heard();
        assert!(heard[0].contains(&format!(r#""reason":"{reason}""#)), "{bytes:?}: {heard:?}");
        assert_eq!(heard.last().unwrap(), "[end]", "it cannot be understood any more");
        assert_eq!(heard.iter().filter(|it| it.contains("pong")).count(), 0);
    }
}

#[test]
fn too_many_frames_end_a_session() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--frame-rate=5"]);
        let mut client = thread.client(transport);
        // A second brings all of them, and a part of it that part, of which one is too many.
        for (millis, said, answered) in [(0, 5, 5), (1000, 5, 5), (400, 2, 2), (600, 4, 3)] {
            thread.pass(Duration::from_millis(millis));
            (0..said).for_each(|_| client.say_frame(r#"{"type":"ping"}"#));
            thread.settle();
            let heard = client.heard();
            assert!(heard[..answered].iter().all(|it| it == r#"{"type":"pong"}"#), "{heard:?}");
            let is_over = heard[answered..].iter().any(|it| it.contains("too_many_frames"));
            assert_eq!(is_over, said > answered, "{heard:?} after {millis} ms more");
        }
    }
}
