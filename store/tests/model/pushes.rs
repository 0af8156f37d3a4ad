//! Pushes, and those who hear of them.

use std::time::Duration;

use bytes::Bytes;
use proptest::sample::Index;
use protocol::{
    MessageId,
    kept::{Step, place::Following},
};
use store::contract::{AppendError, ID_REMEMBERED, KeptPayload, KeptPush, Origin, Store};

use super::{
    operation::{Append, Heard, To, USERS},
    reference::check,
    subject::Subject,
    trial::{Trial, room_of, well},
};

/// A push with an origin, and when the store took it.
pub(super) struct Taken {
    push: KeptPush,
    at: Duration,
}

impl<S: Subject> Trial<S> {
    pub(super) async fn append(&mut self, append: &Append) -> Result<(), String> {
        let logs = match append.to {
            To::User(user) => vec![user],
            To::Users(users, turned) => {
                let mut logs: Vec<_> = (0..USERS).filter(|user| users & 1 << user != 0).collect();
                if turned {
                    logs.reverse();
                }
                logs
            }
            To::Topic => vec![USERS],
        };
        let text = Bytes::from("1".repeat(append.size));
        let push = KeptPush {
            id: MessageId::generate(),
            origin: append.has_origin.then_some(Origin { scope: 1, content: 1 }),
            logs: logs.iter().map(|log| self.logs[*log].clone()).collect(),
            payload: if append.is_base64 {
                KeptPayload::Base64(text)
            } else {
                KeptPayload::Json(text)
            },
            collapse_key: append.collapse_key.map(|key| format!("key {key}").into()),
            ttl: Duration::from_secs(append.ttl * 3600),
        };
        if push.origin.is_some() {
            self.taken.push(Taken { push: push.clone(), at: self.now });
        }
        self.keep(push, append.heard).await
    }

    pub(super) async fn repeat(&mut self, push: &Index, other: bool) -> Result<(), String> {
        if self.taken.is_empty() {
            return Ok(());
        }
        let now = self.now;
        let index = push.index(self.taken.len());
        let taken = &mut self.taken[index];
        let mut push = taken.push.clone();
        let is_remembered = now - taken.at < ID_REMEMBERED;
        if other {
            push.payload = KeptPayload::Json(Bytes::from_static(b"2"));
            let origin = push.origin.as_mut().expect("it has one");
            origin.content += 1;
        }
        if !is_remembered {
            *taken = Taken { push: push.clone(), at: now };
            return self.keep(push, Heard::AtOnce).await;
        }
        let answer = self.subject.store().append(push).await;
        let is_right = match &answer {
            Ok(appended) => !other && appended.steps.iter().all(Option::is_none),
            Err(error) => other && *error == AppendError::OtherContent,
        };
        check(is_right, || format!("once more: {answer:?}"))
    }

    /// Appends what was not taken before.
    async fn keep(&mut self, push: KeptPush, heard: Heard) -> Result<(), String> {
        let appended = well(self.subject.store().append(push.clone()).await)?;
        let is_whole = appended.steps.len() == push.logs.len();
        check(is_whole, || format!("{appended:?} of {} logs", push.logs.len()))?;
        for (log, step) in push.logs.iter().zip(appended.steps) {
            let log = self.logs.iter().position(|known| known == log).expect("one of them");
            let step = step.ok_or_else(|| format!("taken as kept before in {log}"))?;
            self.seen[log].step(step, self.worlds[log].any())?;
            let expires = self.now + push.ttl;
            self.worlds[log].each(|reference| reference.append(&push, step.place, expires));
            self.appended.push(log);
            for (follower, heard) in [(0, Heard::AtOnce), (1, heard)] {
                for step in self.seen[log].followers[follower].hear(step, heard) {
                    self.follow(log, follower, step).await?;
                }
            }
        }
        Ok(())
    }

    async fn follow(&mut self, log: usize, follower: usize, step: Step) -> Result<(), String> {
        let at = self.seen[log].followers[follower].at;
        let between = |number: &u64| (at.number + 1..step.place.number).contains(number);
        match step.seen_from(at) {
            Following::Next => {
                let missed: Vec<_> = self.worlds[log].any().numbers().filter(between).collect();
                check(missed.is_empty(), || {
                    format!("{step:?} is next at {at:?}, over {missed:?}")
                })?;
                check(step.place.number > at.number, || format!("{step:?} twice at {at:?}"))?;
                self.seen[log].followers[follower].at = step.place;
                Ok(())
            }
            Following::Past => {
                let is_past = step.place.number <= at.number;
                check(is_past, || format!("{step:?} is past at {at:?}"))
            }
            Following::Unsure => self.catch_up(log, follower).await,
        }
    }

    /// Reads behind a follower, up to the end.
    pub(super) async fn catch_up(&mut self, log: usize, follower: usize) -> Result<(), String> {
        loop {
            let at = self.seen[log].followers[follower].at;
            let page = self.read_after(log, at, room_of(2)).await?;
            self.seen[log].followers[follower].at = page.through;
            if page.rest == 0 {
                return Ok(());
            }
        }
    }
}
