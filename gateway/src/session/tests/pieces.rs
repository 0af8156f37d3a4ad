//! Frames that come in pieces.

use proptest::prelude::*;
use protocol::{Transport, websocket::Opcode};

use super::{
    client::control,
    thread::{Thread, Who},
};

/// One thing that a client says, and what it hears.
fn said() -> impl Strategy<Value = (&'static str, &'static str)> {
    prop_oneof![
        Just((r#"{"type":"ping"}"#, r#"{"type":"pong"}"#)),
        Just((r#"{"type":"echo","n":1}"#, r#"{"type":"echo","n":1}"#)),
        Just((r#"{"type":"ack","cursor":"AQAAAAAAAAAAAAAAAAAAAAAA"}"#, "")),
        Just((r#"{"type":"subscribe","topics":["a"]}"#, r#""subscribed""#)),
        Just((r#"{"type":"nonsense"}"#, "error")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_heard_does_not_depend_on_how_it_was_cut(
        frames in prop::collection::vec(said(), 1..12),
        cuts in prop::collection::vec(1_usize..40, 1..20),
        tcp in any::<bool>(),
    ) {
        let transport = if tcp { Transport::Tcp } else { Transport::WebSocket };
        let mut thread = Thread::new(&["--echo"]);
        let mut client = thread.client(transport);
        let bytes: Vec<u8> = frames.iter().flat_map(|(json, _)| client.frame(json)).collect();
        let mut rest = &bytes[..];
        for cut in cuts.iter().cycle() {
            let (piece, behind) = rest.split_at(rest.len().min(*cut));
            client.say(piece);
            thread.settle();
            rest = behind;
            if rest.is_empty() {
                break;
            }
        }
        let expected: Vec<_> =
            frames.iter().map(|(_, heard)| *heard).filter(|heard| !heard.is_empty()).collect();
        let heard = thread.hear(&mut client);
        prop_assert_eq!(heard.len(), expected.len(), "{:?}", heard);
        for (heard, expected) in heard.iter().zip(expected) {
            prop_assert!(heard.contains(expected), "{} {}", heard, expected);
        }
    }

    #[test]
    fn fragments_come_back_whole_from_an_echo_session(
        message in prop::collection::vec(any::<u8>(), 0..300),
        cut in 1_usize..80,
        piece in 1_usize..50,
    ) {
        let mut thread = Thread::new(&["--echo", "--frame-rate=10000"]);
        let who = Who { user: None, ..Who::default() };
        let mut client = thread.join(Transport::WebSocket, &who);
        let message: String = message.iter().map(|byte| char::from(byte % 90 + 32)).collect();
        let fragments: Vec<_> = message.as_bytes().chunks(cut).collect();
        let mut bytes = Vec::new();
        for (number, fragment) in fragments.iter().enumerate() {
            let opcode = if number == 0 { Opcode::Text } else { Opcode::Continuation };
            let mut frame = control(opcode, fragment);
            if number + 1 < fragments.len() {
                frame[0] &= 0x7f;
            }
            bytes.extend(frame);
            bytes.extend(control(Opcode::Ping, b"between"));
        }
        for piece in bytes.chunks(piece) {
            client.say(piece);
            thread.settle();
        }
        let heard = thread.hear(&mut client);
        let (pongs, whole): (Vec<_>, Vec<_>) =
            heard.into_iter().partition(|heard| heard.starts_with("[Pong between"));
        prop_assert_eq!(pongs.len(), fragments.len());
        prop_assert_eq!(whole.concat(), message);
    }
}
