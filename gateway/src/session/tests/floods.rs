//! Clients that send too much.

use std::time::Duration;

use protocol::{Transport, websocket::Opcode};

use super::{
    client::{Client, control},
    thread::{Thread, WITH_A_WAY_UP, Who},
};

/// What counts as a frame, by its bytes.
fn kinds() -> Vec<(Transport, Vec<u8>)> {
    let fragment = |opcode| {
        let mut frame = control(opcode, b"");
        frame[0] &= 0x7f;
        frame
    };
    vec![
        (Transport::WebSocket, control(Opcode::Text, br#"{"type":"pong"}"#)),
        (Transport::WebSocket, control(Opcode::Ping, b"")),
        (Transport::WebSocket, control(Opcode::Pong, b"")),
        (Transport::WebSocket, fragment(Opcode::Continuation)),
        (Transport::Tcp, b"{\"type\":\"pong\"}\n".to_vec()),
        (Transport::Tcp, b"\n".to_vec()),
    ]
}

fn bytes_in(thread: &Thread) -> u64 {
    thread.local.metrics.tallies.sum(|cell| &cell.bytes_in)
}

/// Opens a message, so that continuations may follow.
fn open_message(client: &mut Client) {
    let mut frame = control(Opcode::Text, b"");
    frame[0] &= 0x7f;
    client.say(&frame);
}

#[test]
fn every_frame_counts_and_none_twice() {
    const RATE: usize = 40;
    for (transport, frame) in kinds() {
        for echo in [false, true] {
            if echo && transport == Transport::Tcp {
                continue;
            }
            let mut thread = Thread::new(&[&format!("--frame-rate={RATE}"), "--echo"]);
            let user = if echo { None } else { Some("u") };
            let mut client = thread.join(transport, &Who { user, ..Who::default() });
            client.heard();
            let mut said = 0;
            if frame[0] == 0 {
                open_message(&mut client);
                said = 1;
            }
            let say = |thread: &mut Thread, client: &mut Client, count: usize| {
                client.say(&frame.repeat(count));
                thread.settle();
                thread.hear(client).iter().any(|it| it.contains("too_many_frames"))
            };
            assert!(!say(&mut thread, &mut client, RATE - said), "{frame:x?}");
            thread.pass(Duration::from_millis(500));
            assert!(!say(&mut thread, &mut client, RATE / 2), "half a second brings half of it");
            thread.pass(Duration::from_millis(500));
            assert!(!say(&mut thread, &mut client, RATE / 2), "{frame:x?}");
            assert!(say(&mut thread, &mut client, 1), "{frame:x?} echo: {echo}");
        }
    }
}

#[test]
fn bytes_count_too() {
    for transport in Transport::OF_A_CONNECTION {
        let mut thread = Thread::new(&["--byte-rate=8KiB", "--max-frame=2KiB"]);
        let mut client = thread.client(transport);
        let line = client.frame(&format!(r#"{{"type":"pong","x":"{}"}}"#, "x".repeat(1000)));
        client.say(&line.repeat(7));
        thread.settle();
        assert!(client.heard().is_empty());
        client.say(&line.repeat(2));
        thread.settle();
        assert!(client.heard()[0].contains("too_many_frames"));
    }
}

#[test]
fn nothing_more_is_read_behind_a_close_than_it_takes_to_end() {
    for transport in WITH_A_WAY_UP {
        let mut thread = Thread::new(&["--frame-rate=10", "--close-timeout=5s"]);
        let mut client = thread.client(transport);
        let frame = client.frame(r#"{"type":"ping"}"#);
        client.say(&frame.repeat(20));
        thread.settle();
        let read = bytes_in(&thread);
        // It goes on, as far as the kernel takes it.
        let taken = client.say_what_fits(&vec![b' '; 4 << 20]);
        thread.settle();
        let more = bytes_in(&thread) - read;
        assert!(more <= 128 * 1024 && more < taken as u64, "{more} of {taken}");
        thread.pass(Duration::from_secs(4));
        assert!(thread.is_here(&client));
        thread.pass(Duration::from_secs(2));
        assert!(!thread.is_here(&client), "it had its time to go");
        let heard = client.heard();
        assert_eq!(heard.iter().filter(|it| it.contains("pong")).count(), 10);
        assert!(heard.iter().any(|it| it.contains("too_many_frames")), "{heard:?}");
    }
}

#[test]
fn a_flood_that_is_allowed_leaves_the_others_their_turn() {
    let mut thread = Thread::new(&["--frame-rate=60000", "--outbound-limit=16MiB"]);
    let mut flood = thread.client(Transport::WebSocket);
    let pings = control(Opcode::Pong, b"").repeat(2000);
    flood.say(&pings);
    let seat = flood.seat;
    // Its turn ends with more to do, again and again, until everything was read.
    let mut turns = 1;
    while thread.turn(seat, |session, ctx| session.read(true, ctx)) {
        turns += 1;
    }
    assert!(turns >= 2000 / 256, "{turns}");
    assert_eq!(bytes_in(&thread), pings.len() as u64);
    flood.say(&control(Opcode::Ping, b"last"));
    thread.settle();
    assert_eq!(flood.heard(), ["[Pong last]"]);
}
