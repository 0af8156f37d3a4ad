//! Small frames, presence, topics and snapshots in one queue, and what claims of devices cost there.

use futures::FutureExt;
use protocol::link::PresenceChanges;

use super::*;

fn taken(queue: &LinkQueue) -> Vec<Up> {
    let Some(Some(bytes)) = queue.next().now_or_never() else { return Vec::new() };
    let mut bytes = BytesMut::from(&bytes[..]);
    std::iter::from_fn(|| Up::decode(&mut bytes).expect("frames")).collect()
}

/// As many users as make about so many bytes.
fn fill(queue: &LinkQueue, bytes: usize) {
    let name = "u".repeat(126);
    (0..bytes / 128).for_each(|_| queue.append(PresenceChange::Came(&name)));
}

#[test]
fn small_frames_overtake_presence() {
    let queue = LinkQueue::default();
    fill(&queue, 3 * FRAME_BYTES);
    let first = taken(&queue);
    assert!(matches!(first.as_slice(), [Up::Presence { .. }]));
    queue.send(&Up::Heartbeat);
    let second = taken(&queue);
    assert!(matches!(second.as_slice(), [Up::Heartbeat, Up::Presence { .. }]), "{second:?}");
    while !taken(&queue).is_empty() {}
    assert_eq!(queue.queued(), 0);
}

#[test]
fn changes_arrive_in_order_under_their_numbers() {
    let queue = LinkQueue::default();
    let names: Vec<_> = (0..20_000).map(|number| format!("user-{number:030}")).collect();
    names.iter().for_each(|name| queue.append(PresenceChange::Came(name)));
    let (mut told, mut last) = (0, 0);
    loop {
        let frames = taken(&queue);
        if frames.is_empty() {
            break;
        }
        for frame in frames {
            let Up::Presence { seq, changes } = frame else { panic!("{frame:?}") };
            for change in PresenceChanges::new(&changes) {
                assert_eq!(change, Ok(PresenceChange::Came(&names[told])));
                told += 1;
            }
            assert!(seq >= told as u64 && seq > last);
            last = seq;
        }
    }
    assert_eq!((told, last), (names.len(), names.len() as u64));
}

#[test]
fn topics_are_told_from_the_first_word_on_them_until_they_are_too_many() {
    use PresenceChange::{AllTopics, TopicsBegin, TopicsEnd, Unwanted, Wanted};
    let queue = LinkQueue::default();
    let steps = [
        (Wanted("a"), false, false),
        (AllTopics, false, false),
        (TopicsBegin, true, true),
        (Wanted("a"), true, true),
        (TopicsEnd, true, true),
        (Unwanted("a"), true, true),
        (AllTopics, true, false),
        (AllTopics, false, false),
        (Unwanted("b"), false, false),
        (TopicsEnd, false, false),
        (TopicsBegin, true, true),
    ];
    for (change, is_told, tells) in steps {
        queue.append(change);
        let told = match taken(&queue).as_slice() {
            [] => false,
            [Up::Presence { changes, .. }] => {
                assert!(PresenceChanges::new(changes).eq([Ok(change)]));
                true
            }
            other => panic!("{other:?}"),
        };
        assert_eq!((told, queue.tells_topics()), (is_told, tells), "{change:?}");
    }
}

#[test]
fn devices_are_claimed_where_somebody_is_to_hear_of_it_and_known_until_that_is_confirmed() {
    let (queue, user) = (LinkQueue::default(), UserId::new("u").unwrap());
    let claim = |device: &str, session| {
        queue.claim(&user, &Device::new(device).unwrap(), SessionId(session), Claim::New);
    };
    let (peer, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    claim("a", 1);
    assert_eq!((queue.queued(), queue.heard_until(SessionId(9))), (0, SessionId(9)));
    queue.append(PresenceChange::Chose(peer));
    queue.append(PresenceChange::Chose(other));
    queue.append(PresenceChange::Left(peer));
    assert!(queue.knows_choice(other, 2) && !queue.knows_choice(other, 1));
    assert!(!queue.knows_choice(peer, 9), "another one decides");
    claim("b", 2);
    assert!(queue.is_claimed_since(SessionId(2), 3) && !queue.is_claimed_since(SessionId(2), 4));
    assert!(!queue.is_claimed_since(SessionId(1), 0), "nobody was to hear of it");
    let frames = taken(&queue);
    let [Up::Presence { seq: 4, changes }] = frames.as_slice() else { panic!("{frames:?}") };
    let told = PresenceChange::Claimed { user: "u", device: "b", claim: Claim::New };
    assert_eq!(PresenceChanges::new(changes).last(), Some(Ok(told)));
    taken(&queue);
    assert!(queue.queued() > 0, "what is not confirmed counts");
    queue.confirm(4);
    assert_eq!((queue.queued(), queue.is_claimed_since(SessionId(2), 0)), (0, false));
    claim("c", 3);
    queue.append(PresenceChange::Left(other));
    claim("d", 4);
    assert_eq!(queue.heard_until(SessionId(9)), SessionId(3));
    queue.leave();
    assert_eq!(queue.heard_until(SessionId(9)), SessionId(3), "when it is lost, too");
}

#[test]
fn what_is_being_written_counts_towards_the_limit() {
    let queue = LinkQueue::default();
    let answer = Up::UnknownAnswer { request: 1, name: "x".repeat(QUEUE_LIMIT / 2) };
    queue.send(&answer);
    assert!(matches!(queue.next().now_or_never(), Some(Some(_))));
    assert!(queue.queued() > QUEUE_LIMIT / 2, "the write is stuck");
    queue.send(&answer);
    assert_eq!(queue.next().now_or_never(), Some(None), "and the link ends");
    queue.send(&answer);
    assert_eq!(queue.queued(), 0, "nothing gathers for a link that ends");
}

#[test]
fn a_snapshot_waits_for_room_and_for_no_longer_than_the_link() {
    let queue = Arc::<LinkQueue>::default();
    assert!(queue.wait_for_room());
    let snapshot = {
        let queue = Arc::clone(&queue);
        std::thread::spawn(move || {
            // More than may wait altogether.
            for _ in 0..QUEUE_LIMIT / FRAME_BYTES + 10 {
                fill(&queue, FRAME_BYTES);
                if !queue.wait_for_room() {
                    return false;
                }
            }
            queue.append(PresenceChange::SnapshotEnd);
            true
        })
    };
    let mut most = 0;
    while !snapshot.is_finished() {
        most = most.max(queue.queued());
        taken(&queue);
    }
    assert!(snapshot.join().expect("no panic"), "it came through");
    assert!(most < 2 * SNAPSHOT_BYTES, "{most}");
    fill(&queue, 2 * SNAPSHOT_BYTES);
    let waiting = {
        let queue = Arc::clone(&queue);
        std::thread::spawn(move || queue.wait_for_room())
    };
    queue.leave();
    assert!(!waiting.join().expect("no panic"));
}
