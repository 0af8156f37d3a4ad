//! Bytes between pusher-api and gateway.

use bytes::BytesMut;
use protocol::link::{Down, PresenceChanges, PushEntries, Up};

/// Frames of both directions, and the bodies of the frequent ones.
pub(crate) fn link_frames(data: &[u8]) {
    down(data);
    up(data);
    pushes(data);
    presence(data);
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
    let entries: Vec<_> = PushEntries::new(data).map_while(Result::ok).collect();
    let mut again = BytesMut::new();
    entries.iter().for_each(|entry| entry.encode(&mut again));
    let read: Result<Vec<_>, _> = PushEntries::new(&again).collect();
    assert_eq!(read, Ok(entries));
}

fn presence(data: &[u8]) {
    let changes: Vec<_> = PresenceChanges::new(data).map_while(Result::ok).collect();
    let mut again = BytesMut::new();
    changes.iter().for_each(|change| change.encode(&mut again));
    let read: Result<Vec<_>, _> = PresenceChanges::new(&again).collect();
    assert_eq!(read, Ok(changes));
}
