//! Who moves where.

use std::{collections::BTreeMap, time::Duration};

use super::*;
use crate::{
    session::identity::Identity,
    settings::{targets::Targets, tls::TlsChoice},
};

fn assignment(targets: &[&str]) -> Assignment {
    let targets: Vec<_> = targets.iter().map(|text| text.parse().expect("a URL")).collect();
    Assignment {
        first: 100,
        count: 90,
        kept: 90,
        targets: Targets::new(&targets, &TlsChoice::default()).expect("targets"),
        pieces_of: None,
        sources: Vec::new(),
        concurrency: 1,
        connect_timeout: Duration::from_secs(1),
        needs_hello: true,
        echo_once: false,
        posts_pongs: false,
        returns: None,
        poll_wait: "30s".parse().expect("a wait"),
        identity: Identity {
            user_prefix: "u".into(),
            device: "d".parse().expect("a device"),
            topic: None,
            signing: None,
            expires: 0,
        },
        run: 1,
        tls: TlsChoice::default(),
        ports: None,
    }
}

/// The server of a session at first.
fn first_of(assignment: &Assignment, number: u32) -> SocketAddr {
    assignment.targets.pick(assignment.place(number)).0
}

#[test]
fn those_of_one_server_are_shared_out_over_all_others() {
    let assignment = assignment(&["ws://127.0.0.1:8100-8103"]);
    let mut places = Places::default();
    let of_first = || (100..190).filter(|number| first_of(&assignment, *number).port() == 8100);
    let mut found = BTreeMap::<u16, u32>::new();
    for number in of_first() {
        assert!(!places.has_moved(&assignment, number));
        places.move_on(&assignment, number);
        *found.entry(places.target(&assignment, number).0.port()).or_default() += 1;
    }
    // 23 of 90 were there, 23, 22 and 22 are at the others: the smaller ones get one more.
    let found: Vec<_> = found.into_iter().collect();
    assert_eq!(found, [(8101, 7), (8102, 8), (8103, 8)]);
    // Others stay where they are.
    assert_eq!(places.target(&assignment, 101).0, first_of(&assignment, 101));
    // Who comes from the second one goes where nobody is.
    for number in (100..190).filter(|number| first_of(&assignment, *number).port() == 8101) {
        places.move_on(&assignment, number);
        assert_eq!(places.target(&assignment, number).0.port(), 8100);
    }
    // Who moves on is never where it was.
    let number = of_first().next().expect("one");
    for _ in 0..20 {
        let (before, _) = places.target(&assignment, number);
        places.move_on(&assignment, number);
        assert_ne!(places.target(&assignment, number).0, before);
    }
}

#[test]
fn where_there_is_one_server_they_come_back_to_it() {
    let assignment = assignment(&["tcp://127.0.0.1:9"]);
    let mut places = Places::default();
    places.move_on(&assignment, 100);
    assert_eq!(places.target(&assignment, 100).0, first_of(&assignment, 100));
}
