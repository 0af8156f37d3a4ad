//! A pusher-api that has committed a kept push, and not forwarded it yet.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use protocol::{
    MessageId, UserId,
    kept::{From, Gaps, Log, Place, Step},
    link::{Down, EntryLayout, LinkRequest, LogPage, StoreAnswer, StoreQuestion, TargetRef, Up},
    server_frame::{Payload, kept_push},
};
use uuid::Uuid;

use crate::{
    entry, names_ada, newer,
    peers::{Client, Pusher, gateway},
    written,
};

/// Within this time it has done what it does at once.
const AT_ONCE: Duration = Duration::from_millis(100);
/// Longer than this the gateway does not wait for what is on its way.
const SOON: Duration = Duration::from_millis(500);

/// A log with as many messages as its end's number says.
struct Keeper {
    pusher: Pusher,
    log: Log,
    end: u64,
}

fn place(number: u64) -> Place {
    Place { number, check: 9 }
}

fn kept_frame(number: u64) -> Bytes {
    let data = format!("\"kept {number}\"");
    kept_push(MessageId(Uuid::from_u128(number.into())), Payload::Json(&data), None).into()
}

impl Keeper {
    /// Answers a question as a store would. Returns whether it was which logs have changed.
    async fn answer(
        &mut self,
        question: u64,
        body: &StoreQuestion,
        heads: Vec<(Log, Place)>,
    ) -> bool {
        let is_look = matches!(body, StoreQuestion::ChangedSince(_));
        let position = Bytes::copy_from_slice(&self.end.to_le_bytes());
        let from = match body {
            StoreQuestion::Read { from: From::After(place), .. } => place.number,
            _ => self.end,
        };
        let messages = (from + 1..=self.end).map(|number| (place(number), kept_frame(number)));
        let page = LogPage {
            from: place(from),
            gaps: Gaps::NONE,
            messages: messages.collect(),
            through: place(self.end),
            rest: 0,
        };
        let body = match is_look {
            true => StoreAnswer::Changes { heads, position, more: false },
            false => StoreAnswer::Page(page),
        };
        self.pusher.send(&written(&Down::StoreAnswer { question, body })).await;
        is_look
    }

    /// Answers whatever is asked until this comes.
    async fn serve(&mut self, until: impl Fn(&Up) -> bool) {
        loop {
            let frame = self.pusher.find(|frame| Some(frame.clone())).await;
            match &frame {
                Up::StoreQuestion { question, body } => {
                    self.answer(*question, body, Vec::new()).await;
                }
                Up::Presence { .. } => {
                    self.pusher.send(&written(&Down::PresenceAck { seq: u64::MAX })).await;
                }
                _ => {}
            }
            if until(&frame) {
                return;
            }
        }
    }

    /// Commits one more, which is told when it is asked next what has changed.
    async fn commit(&mut self) {
        self.end += 1;
        loop {
            let frame = self.pusher.find(|frame| Some(frame.clone())).await;
            let Up::StoreQuestion { question, body } = &frame else { continue };
            if self.answer(*question, body, vec![(self.log.clone(), place(self.end))]).await {
                return;
            }
        }
    }

    /// So that the gateway has had time to do what it does at once.
    async fn exchange(&mut self, request: u64) {
        let body = LinkRequest::Sessions { user: UserId::new("ada").expect("a user") };
        self.pusher.send(&written(&Down::Request { request, body })).await;
        self.serve(|frame| matches!(frame, Up::Answer { request: id, .. } if *id == request)).await;
    }

    /// Forwards a live push, and the kept one behind it.
    async fn forward(&mut self, seq: u64) {
        let step = Step { before: place(self.end - 1), place: place(self.end) };
        let kept = kept_frame(self.end);
        let mut pushes = BytesMut::new();
        entry(seq.into(), TargetRef::User("ada"), br#"{"type":"push","data":"live"}"#)
            .encode(EntryLayout::Framed, &mut pushes);
        entry(seq.into(), TargetRef::KeptUsers(vec![("ada", step)]), &kept)
            .encode(EntryLayout::Framed, &mut pushes);
        self.pusher.send(&written(&Down::Batch { seq, pushes: pushes.freeze() })).await;
    }
}

fn asks(is_it: impl Fn(&StoreQuestion) -> bool) -> impl Fn(&Up) -> bool {
    move |frame| matches!(frame, Up::StoreQuestion { body, .. } if is_it(body))
}

#[actix_rt::test]
async fn what_was_committed_and_is_on_its_way_stays_behind_what_was_accepted_before() {
    let gateway = gateway(&[]);
    let mut pusher = newer(&gateway).await;
    pusher.send(&written(&Down::Store(Some(Uuid::from_u128(3))))).await;
    let log = Log::User(UserId::new("ada").expect("a user"));
    let mut keeper = Keeper { pusher, log, end: 1 };
    // It has taken in that there is a store.
    keeper.serve(asks(|question| matches!(question, StoreQuestion::ChangedSince(_)))).await;
    let mut client = Client::connect(&gateway, "ada").await;
    keeper.serve(|frame| names_ada(frame).is_some()).await;
    keeper.serve(asks(|question| matches!(question, StoreQuestion::Begin { .. }))).await;
    assert_eq!(client.kind().await, "hello");
    for round in 1..20 {
        keeper.commit().await;
        let told = Instant::now();
        for request in 0.. {
            keeper.exchange(request).await;
            if told.elapsed() > AT_ONCE {
                break;
            }
        }
        keeper.forward(round).await;
        let (first, second) = (client.frame().await, client.frame().await);
        assert!(first.contains("live") != second.contains("live"), "{first}, {second}");
        // Where this machine stood still, it may have been read meanwhile.
        if told.elapsed() < SOON {
            assert!(first.contains("live"), "{first} came before {second}");
            gateway.stop();
            return;
        }
    }
    panic!("this machine stood still each time");
}
