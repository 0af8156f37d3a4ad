//! Bytes between pusher-api and gateway.

use bytes::BytesMut;
use protocol::link::{Down, EntryLayout, Offer, PresenceChanges, PushEntries, PushEntry, Up};

/// Frames of both directions, the bodies of the frequent ones, and what the ends offer.
pub(crate) fn link_frames(data: &[u8]) {
    down(data);
    up(data);
    pushes(data);
    presence(data);
    offer(data);
}

/// What was read and is written is read as the same again.
fn down(data: &[u8]) {
    let mut buffer = BytesMut::from(data);
    while let Ok(Some(frame)) = Down::decode(&mut buffer) {
        if let Down::Batch { pushes: body, .. } = &frame {
            pushes(body);
        }
        let mut again = BytesMut::new();
        frame.encode(&mut again);
        assert_eq!(Down::decode(&mut again), Ok(Some(frame)));
        assert!(again.is_empty());
    }
}

fn up(data: &[u8]) {
    let mut buffer = BytesMut::from(data);
    while let Ok(Some(frame)) = Up::decode(&mut buffer) {
        if let Up::Presence { changes, .. } = &frame {
            presence(changes);
        }
        let mut again = BytesMut::new();
        frame.encode(&mut again);
        assert_eq!(Up::decode(&mut again), Ok(Some(frame)));
        assert!(again.is_empty());
    }
}

fn pushes(data: &[u8]) {
    for layout in [EntryLayout::Bare, EntryLayout::Framed] {
        let entries: Vec<_> = PushEntries::new(data, layout).map_while(Result::ok).collect();
        // A push is the same in either layout, but that one has no room for a key.
        for written in [EntryLayout::Bare, EntryLayout::Framed] {
            let mut again = BytesMut::new();
            entries.iter().for_each(|entry| entry.encode(written, &mut again));
            let mut read = PushEntries::new(&again, written);
            for entry in &entries {
                let key = entry.collapse_key.filter(|_| written == EntryLayout::Framed);
                let expected = PushEntry { collapse_key: key, ..entry.clone() };
                assert_eq!(read.next(), Some(Ok(expected)));
            }
            assert_eq!((read.next(), read.skipped()), (None, 0));
        }
    }
}

/// The text of a header field.
fn offer(data: &[u8]) {
    let Ok(offer) = String::from_utf8_lossy(data).parse::<Offer>() else { return };
    assert_eq!(offer.to_string().parse(), Ok(offer));
    let terms = offer.agree(Offer::OURS);
    assert_eq!(Offer::OURS.agree(offer), terms);
    assert!(terms.is_none_or(|terms| {
        let shared = terms.capabilities().shared_with(Offer::OURS.capabilities());
        shared == terms.capabilities()
    }));
}

fn presence(data: &[u8]) {
    let changes: Vec<_> = PresenceChanges::new(data).map_while(Result::ok).collect();
    let mut again = BytesMut::new();
    changes.iter().for_each(|change| change.encode(&mut again));
    let read: Result<Vec<_>, _> = PresenceChanges::new(&again).collect();
    assert_eq!(read, Ok(changes));
}
