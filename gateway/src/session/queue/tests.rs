//! What waits comes out in order, and is counted.

use super::*;
use crate::{
    delivery::frame::{Collapses, FrameMemory, Scope},
    runtime::acceptance::Accepted,
};

/// What the socket is offered, in one piece.
fn offered(outbound: &OutboundQueue) -> Vec<u8> {
    outbound.slices().iter().flat_map(|slice| slice.iter().copied()).collect()
}

fn taken(outbound: &mut OutboundQueue, step: usize) -> Vec<u8> {
    let mut all = Vec::new();
    while !outbound.is_empty() {
        let offered = offered(outbound);
        let count = step.min(offered.len());
        all.extend_from_slice(&offered[..count]);
        outbound.advance(count, |_| {});
    }
    all
}

#[test]
fn bytes_come_out_in_order_whatever_the_socket_takes() {
    for step in 1..18 {
        let mut outbound = OutboundQueue::default();
        outbound.push_owned(b"xhello ".to_vec(), 1);
        outbound.push_owned(b"slow ".to_vec(), 0);
        outbound.push_owned(b"world".to_vec(), 0);
        assert_eq!(outbound.len(), 16);
        assert_eq!(taken(&mut outbound, step), b"hello slow world");
        assert_eq!(outbound.len(), 0);
    }
}

#[test]
fn a_torn_frame_survives_the_dropping_of_the_others() {
    let mut outbound = OutboundQueue::default();
    outbound.push_owned(b"first".to_vec(), 0);
    outbound.push_owned(b"second".to_vec(), 0);
    outbound.advance(2, |_| {});
    assert_eq!(outbound.drop_whole_frames(), 0, "none of them is a push");
    outbound.push_owned(b"!".to_vec(), 0);
    assert_eq!((outbound.len(), taken(&mut outbound, 100).as_slice()), (4, &b"rst!"[..]));

    outbound.push_owned(b"whole".to_vec(), 0);
    outbound.drop_whole_frames();
    assert!(outbound.is_empty());
}

#[test]
fn a_queue_takes_its_places_and_the_bytes_of_its_own() {
    let (memory, place) = (FrameMemory::new(1 << 20), size_of::<Chunk>());
    let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
    let push = Push { frame, accepted: Accepted::now(), receipt: None };
    let mut outbound = OutboundQueue::default();
    assert_eq!(outbound.own_bytes(), 0);
    (0..100).for_each(|_| outbound.push_shared(&push, 0..4, false));
    let places = outbound.own_bytes();
    assert!((100 * place..=300 * place).contains(&places), "{places}");
    let mut own = Vec::with_capacity(50_000);
    own.extend_from_slice(b"own");
    outbound.push_owned(own, 0);
    assert!((places + 50_000..2 * places + 51_000).contains(&outbound.own_bytes()));
    outbound.advance(402, |_| {});
    assert!(outbound.own_bytes() > 50_000, "as long as a byte of it waits");
    outbound.advance(1, |_| {});
    assert!(outbound.own_bytes() <= 2 * places);
    outbound.drop_whole_frames();
    assert_eq!(outbound.own_bytes(), 0);
}

#[test]
fn a_greeting_survives_until_it_was_written() {
    let mut outbound = OutboundQueue::default();
    outbound.keep_front();
    outbound.push_owned(b"hello".to_vec(), 0);
    outbound.keep_front();
    outbound.push_owned(b"push".to_vec(), 0);
    outbound.drop_whole_frames();
    assert_eq!(offered(&outbound), b"hello");
    outbound.advance(5, |_| {});
    outbound.push_owned(b"push".to_vec(), 0);
    outbound.drop_whole_frames();
    assert!(outbound.is_empty());
}

#[test]
fn what_was_shown_stays_until_it_was_seen() {
    let memory = FrameMemory::new(1 << 20);
    let accepted = [(); 3].map(|()| Accepted::now());
    let mut outbound = OutboundQueue::default();
    let push = |outbound: &mut OutboundQueue, accepted| {
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        outbound.push_shared(&Push { frame, accepted, receipt: None }, 2..4, false);
    };
    outbound.push_owned(b"own".to_vec(), 0);
    push(&mut outbound, accepted[0]);
    assert!(outbound.has_news() && !outbound.has_shown() && outbound.pushes() == 1);
    let mut told = Vec::new();
    outbound.show(|accepted| told.push(accepted));
    assert_eq!(outbound.shown().collect::<Vec<_>>(), [&b"own"[..], b"{}"]);
    assert!(!outbound.has_news() && outbound.has_shown() && outbound.pushes() == 0);
    push(&mut outbound, accepted[1]);
    assert_eq!((outbound.shown().count(), outbound.pushes(), outbound.len()), (2, 1, 7));
    outbound.forget_shown();
    assert_eq!((outbound.shown().count(), outbound.pushes(), outbound.len()), (0, 1, 2));
    outbound.show(|accepted| told.push(accepted));
    push(&mut outbound, accepted[2]);
    assert_eq!(told, accepted[..2], "each once");
    assert_eq!(outbound.drop_whole_frames(), 1, "the others had been shown");
    assert!(outbound.is_empty() && !outbound.has_shown() && outbound.own_bytes() == 0);
}

#[test]
fn a_push_takes_the_place_of_what_waits_under_its_key() {
    let memory = FrameMemory::new(1 << 20);
    let frame = |text: &[u8], scope, key: &str| {
        let collapses = Collapses { scope, key: key.into() };
        SharedFrame::collapsing(text, collapses, &memory, &mut Vec::new())
    };
    let mut outbound = OutboundQueue::default();
    let queue = |outbound: &mut OutboundQueue, frame: &SharedFrame| {
        let was = outbound.collapse(frame);
        let (frame, accepted) = (frame.clone(), Accepted::now());
        outbound.push_shared(&Push { frame, accepted, receipt: None }, 2..5, false);
        was
    };
    let topic = || Scope::Topic("t".into());
    assert!(!queue(&mut outbound, &frame(b"{1}", Scope::User, "k")));
    assert!(!queue(&mut outbound, &frame(b"{2}", topic(), "k")), "another's");
    assert!(!queue(&mut outbound, &frame(b"{3}", Scope::User, "j")), "another key");
    assert!(queue(&mut outbound, &frame(b"{4}", Scope::User, "k")));
    assert_eq!((offered(&outbound), outbound.len()), (b"{2}{3}{4}".to_vec(), 9));
    outbound.advance(1, |_| {});
    assert!(!queue(&mut outbound, &frame(b"{5}", topic(), "k")), "a part of it is on the wire");
    outbound.show(|_| {});
    assert!(!queue(&mut outbound, &frame(b"{6}", Scope::User, "j")), "its client has seen it");
    assert_eq!(outbound.pushes(), 1);
}

#[test]
fn each_push_is_told_written_or_dropped_once() {
    assert!(size_of::<Chunk>() <= 32, "{}", size_of::<Chunk>());
    let memory = FrameMemory::new(1 << 20);
    let mut outbound = OutboundQueue::default();
    let accepted = [(); 4].map(|()| Accepted::now());
    for accepted in accepted {
        let frame = SharedFrame::new(b"{}", &memory, &mut Vec::new());
        let push = Push { frame, accepted, receipt: None };
        outbound.push_shared(&push, 0..4, false);
    }
    outbound.push_owned(b"own".to_vec(), 0);
    let mut written = Vec::new();
    outbound.advance(3, |accepted| written.push(accepted));
    assert_eq!(written, [], "the last byte counts");
    outbound.advance(6, |accepted| written.push(accepted));
    assert_eq!((written.as_slice(), outbound.pushes()), (&accepted[..2], 2));
    assert_eq!(outbound.drop_whole_frames(), 1, "the torn one goes on");
    outbound.advance(3, |accepted| written.push(accepted));
    assert_eq!((written.as_slice(), outbound.pushes()), (&accepted[..3], 0));
}
