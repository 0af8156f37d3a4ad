//! Tables and properties of the message machine.

use proptest::prelude::*;
use protocol::websocket::header;

use super::*;

const LIMIT: usize = 300;
const MASK: [u8; 4] = [7, 0, 255, 90];

/// First bits and payload of some frames.
type Frames<'a> = &'a [(u8, &'a [u8])];

/// What came out, with bytes of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Found {
    Text(Vec<u8>),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong,
    Close(Option<u16>),
}

impl From<Inbound<'_>> for Found {
    fn from(inbound: Inbound<'_>) -> Self {
        match inbound {
            Inbound::Frame(text) => Self::Text(text.to_vec()),
            Inbound::Binary(bytes) => Self::Binary(bytes.to_vec()),
            Inbound::Ping(payload) => Self::Ping(payload.to_vec()),
            Inbound::Pong => Self::Pong,
            Inbound::Nothing => unreachable!("left out by whoever reads"),
            Inbound::Close(code) => Self::Close(code),
        }
    }
}

/// A client's frame: these first bits, masked.
fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    header(Opcode::Text, payload.len(), &mut bytes);
    bytes[0] = first;
    bytes[1] |= 0x80;
    bytes.extend_from_slice(&MASK);
    let start = bytes.len();
    bytes.extend_from_slice(payload);
    mask(&mut bytes[start..], MASK);
    bytes
}

/// Reads the chunks as a session does: what is incomplete waits for more.
fn read<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> (Vec<Found>, Result<(), CloseReason>) {
    let (mut waiting, mut assembly, mut found) = (Vec::new(), None, Vec::new());
    for chunk in chunks {
        waiting.extend_from_slice(chunk);
        loop {
            let mut count = 0;
            let taken = next_frame(&mut waiting, &mut assembly, LIMIT, |inbound| {
                count += 1;
                if inbound != Inbound::Nothing {
                    found.push(inbound.into());
                }
                Ok::<(), CloseReason>(())
            });
            match taken {
                Ok(Some(taken)) => {
                    assert_eq!(count, 1, "each frame is told once, so that it can be counted");
                    waiting.drain(..taken);
                }
                Ok(None) => break,
                Err(reason) => return (found, Err(reason)),
            }
        }
    }
    (found, Ok(()))
}

fn read_frames(frames: Frames<'_>) -> (Vec<Found>, Result<(), CloseReason>) {
    let wire: Vec<_> = frames.iter().flat_map(|(first, payload)| masked(*first, payload)).collect();
    read(std::iter::once(wire.as_slice()))
}

#[test]
fn frames_become_messages() {
    let text = |text: &str| Found::Text(text.into());
    let ping = |payload: &[u8]| Found::Ping(payload.to_vec());
    let cases: [(Frames<'_>, Vec<Found>); 9] = [
        (&[(0x81, b"")], vec![text("")]),
        (&[(0x82, b"\xff")], vec![Found::Binary(vec![0xff])]),
        (&[(0x01, b"a"), (0x00, b"b"), (0x80, b"c")], vec![text("abc")]),
        (&[(0x01, b""), (0x80, b"")], vec![text("")]),
        (&[(0x01, b"\xc3"), (0x80, b"\xa9")], vec![text("é")]),
        (
            &[(0x02, b"a"), (0x89, b"1"), (0x8a, b"2"), (0x80, b"b"), (0x89, b"3")],
            vec![ping(b"1"), Found::Pong, Found::Binary(b"ab".to_vec()), ping(b"3")],
        ),
        (&[(0x88, b"")], vec![Found::Close(None)]),
        (&[(0x88, b"\x03\xe8bye")], vec![Found::Close(Some(1000))]),
        (&[(0x01, b"a"), (0x88, b"\x0f\xa0")], vec![Found::Close(Some(4000))]),
    ];
    for (frames, expected) in cases {
        assert_eq!(read_frames(frames), (expected, Ok(())), "{frames:02x?}");
    }
}

#[test]
fn broken_messages_are_refused_with_the_right_reason() {
    use CloseReason::{FrameTooLarge, InvalidFrame, ProtocolError};
    let (half, full) = ([b' '; 151], [b' '; LIMIT + 1]);
    let cases: [(Frames<'_>, CloseReason); 13] = [
        (&[(0x80, b"a")], ProtocolError),
        (&[(0x00, b"a")], ProtocolError),
        (&[(0x01, b"a"), (0x81, b"b")], ProtocolError),
        (&[(0x01, b"a"), (0x02, b"b")], ProtocolError),
        (&[(0x88, b"\x03")], ProtocolError),
        (&[(0x88, b"\x03\xed")], ProtocolError),
        (&[(0x88, b"\x03\xe8\xff")], InvalidFrame),
        (&[(0x81, b"\xff")], InvalidFrame),
        (&[(0x01, b"\xc3"), (0x80, b"\x28")], InvalidFrame),
        (&[(0x01, b"\xe2\x82"), (0x80, b"")], InvalidFrame),
        (&[(0x81, &full)], FrameTooLarge),
        (&[(0x01, &half), (0x80, &half)], FrameTooLarge),
        (&[(0x02, &half), (0x00, b""), (0x00, &half)], FrameTooLarge),
    ];
    for (frames, reason) in cases {
        assert_eq!(read_frames(frames), (Vec::new(), Err(reason)), "{frames:02x?}");
    }
}

#[test]
fn a_message_that_will_be_too_large_is_refused_before_it_has_come() {
    let mut wire = masked(0x01, &[b' '; 151]);
    wire.extend(&masked(0x80, &[b' '; 150])[..8]);
    assert_eq!(read(std::iter::once(&wire[..])), (Vec::new(), Err(CloseReason::FrameTooLarge)));
}

#[test]
fn a_message_of_exactly_the_limit_is_read() {
    let whole = [b' '; LIMIT];
    let (head, tail) = whole.split_at(100);
    let expected = (vec![Found::Text(whole.to_vec())], Ok(()));
    assert_eq!(read_frames(&[(0x81, &whole)]), expected);
    assert_eq!(read_frames(&[(0x01, head), (0x80, tail)]), expected);
}

/// A message, where it is cut, and whether a ping stands behind each fragment but the last.
#[derive(Debug, Clone)]
struct Sent {
    message: Found,
    cuts: Vec<usize>,
    pings: bool,
}

impl Sent {
    fn append(&self, wire: &mut Vec<u8>, expected: &mut Vec<Found>) {
        let (opcode, payload) = match &self.message {
            Found::Text(payload) => (1, payload),
            Found::Binary(payload) => (2, payload),
            Found::Ping(payload) => {
                wire.extend(masked(0x89, payload));
                return expected.push(self.message.clone());
            }
            Found::Pong | Found::Close(_) => {
                wire.extend(masked(0x8a, b"any"));
                return expected.push(Found::Pong);
            }
        };
        let mut cuts: Vec<_> = self.cuts.iter().map(|cut| cut % (payload.len() + 1)).collect();
        cuts.sort_unstable();
        let (mut start, mut first) = (0, opcode);
        for cut in cuts {
            wire.extend(masked(first, &payload[start..cut]));
            (start, first) = (cut, 0);
            if self.pings {
                wire.extend(masked(0x89, b"between"));
                expected.push(Found::Ping(b"between".to_vec()));
            }
        }
        wire.extend(masked(0x80 | first, &payload[start..]));
        expected.push(self.message.clone());
    }
}

fn sent() -> impl Strategy<Value = Sent> {
    let message = prop_oneof![
        3 => "[a-zé💡]{0,60}".prop_map(|text| Found::Text(text.into_bytes())),
        2 => prop::collection::vec(any::<u8>(), 0..=LIMIT).prop_map(Found::Binary),
        1 => prop::collection::vec(any::<u8>(), 0..=125).prop_map(Found::Ping),
        1 => Just(Found::Pong),
    ];
    let cuts = prop::collection::vec(any::<usize>(), 0..5);
    (message, cuts, any::<bool>()).prop_map(|(message, cuts, pings)| Sent { message, cuts, pings })
}

/// The bytes in pieces of these lengths, again and again.
fn chopped<'a>(bytes: &'a [u8], steps: &'a [usize]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = bytes;
    let mut steps = steps.iter().cycle();
    std::iter::from_fn(move || {
        let step = (*steps.next()?).min(rest.len());
        let (chunk, tail) = rest.split_at(step);
        rest = tail;
        (step > 0).then_some(chunk)
    })
}

proptest! {
    #[test]
    fn messages_survive_fragments_and_chopping(
        messages in prop::collection::vec(sent(), 0..12),
        steps in prop::collection::vec(1_usize..80, 1..6),
    ) {
        let (mut wire, mut expected) = (Vec::new(), Vec::new());
        messages.iter().for_each(|message| message.append(&mut wire, &mut expected));
        prop_assert_eq!(read(chopped(&wire, &steps)), (expected, Ok(())));
    }

    #[test]
    fn the_outcome_does_not_depend_on_the_chopping(
        garbage in prop::collection::vec(any::<u8>(), 0..200),
        head in prop::sample::select(vec![0x81_u8, 0x01, 0x00, 0x80, 0x88, 0x89]),
        steps in prop::collection::vec(1_usize..20, 1..4),
    ) {
        let wire = [masked(head, &garbage[..garbage.len().min(20)]), garbage].concat();
        prop_assert_eq!(read(chopped(&wire, &steps)), read(std::iter::once(wire.as_slice())));
    }
}
