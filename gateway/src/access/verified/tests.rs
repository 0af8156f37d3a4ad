//! How long tokens are remembered, and how many.

use protocol::UserId;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn token(user: &str, keys: u64) -> Remembered {
    let identity = Identity::of(UserId::new(user).unwrap());
    Remembered { identity, not_before: 0, expires: 9, keys }
}

#[test]
fn a_token_is_found_by_its_whole_digest_and_the_keys_it_was_checked_by() {
    let (verified, now) = (Verified::new(1 << 20), Instant::now());
    verified.remember([7; 32], token("u", 1), now);
    let found = verified.find(&[7; 32], 1, now).unwrap();
    assert_eq!((found.identity.user.as_str(), found.expires), ("u", 9));
    let mut near = [7; 32];
    near[31] = 8;
    assert!(verified.find(&near, 1, now).is_none(), "another token");
    assert!(verified.find(&[7; 32], 2, now).is_none(), "other keys");
}

#[test]
fn no_token_is_remembered_for_more_than_a_minute_however_often_it_comes() {
    // Begun at any time, and looked at as often or as seldom as one likes.
    for begin in [0, 1, 29, 30, 31, 59, 61, 200] {
        for step in [1, 7, 29, 30, 31, 59] {
            let (verified, start) = (Verified::new(1 << 20), Instant::now());
            let begun = start + SECOND * begin;
            verified.remember([7; 32], token("u", 1), begun);
            assert!(verified.find(&[7; 32], 1, begun + SECOND * 29).is_some(), "{begin}");
            let mut at = begun + SECOND * 29;
            while at < begun + MEMORY {
                verified.find(&[7; 32], 1, at);
                at += SECOND * step;
            }
            assert!(verified.find(&[7; 32], 1, begun + MEMORY).is_none(), "{begin} {step}");
        }
    }
}

#[test]
fn memory_is_bounded_and_given_back() {
    let (verified, now) = (Verified::new(256 << 10), Instant::now());
    let bytes = || {
        let of = |shard: &Mutex<Shard>| {
            let shard = shard.lock();
            let all = shard.young.values().chain(shard.old.values());
            all.map(Remembered::bytes).sum::<usize>()
        };
        verified.shards.iter().map(of).sum::<usize>()
    };
    for number in 0..20_000_u32 {
        let digest = tokens::digest(&number.to_ne_bytes());
        verified.remember(digest, token(&format!("user{number}"), 1), now);
        assert!(verified.find(&digest, 1, now).is_some(), "the last one is always there");
    }
    assert!((64 << 10..=256 << 10).contains(&bytes()), "{}", bytes());
    verified.forget(now + MEMORY);
    assert_eq!(bytes(), 0);
    assert!(verified.shards.iter().all(|shard| shard.lock().young.capacity() == 0));
}

#[test]
fn nothing_is_remembered_without_memory() {
    let (verified, now) = (Verified::new(0), Instant::now());
    verified.remember([7; 32], token("u", 1), now);
    assert!(verified.find(&[7; 32], 1, now).is_none());
}
