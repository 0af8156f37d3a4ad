//! A push for sessions that are online now.
//!
//! [`stage`] gives it its id, looks whether that was seen before, and encodes what clients receive; it
//! waits only for another push of the same id. [`commit`] routes it and hands it over, which may wait for
//! others. A push that was staged and not committed, for whatever reason, was never here: its id may come
//! again.

use std::time::Duration;

use bytes::Bytes;
use protocol::{MessageId, Topic, clock, problem::Problem, server_frame};

use crate::{
    api::Api,
    backends::Backend,
    dedupe::{Claim, Collecting, Key, Repeated},
    engine::contract::{Dispatch, Handed, NamedPush},
    receipts::Collector,
    validate::{CollapseKey, Push, To},
};

/// A push after the second step.
#[derive(Debug)]
pub(crate) enum Staged<'a, 'b> {
    /// It may be committed.
    Fresh(Fresh<'a, 'b>),
    /// It was taken before.
    Duplicate(MessageId),
    /// It was taken before, and this is the receipt that was given.
    Answered(Bytes),
}

/// A push that nobody else knows of so far, as its body says it.
#[derive(Debug)]
pub(crate) struct Fresh<'a, 'b> {
    id: MessageId,
    /// Given back unless the push is committed; none where the id was made here.
    claim: Option<Claim<'a>>,
    accepted_micros: u64,
    to: To<'b>,
    collapse_key: Option<CollapseKey<'b>>,
    frame: Vec<u8>,
}

impl<'a, 'b> Fresh<'a, 'b> {
    /// Who it is for.
    pub(crate) fn to(&self) -> &To<'b> {
        &self.to
    }

    /// Bytes that it takes while it waits, about.
    pub(crate) fn size(&self) -> usize {
        self.frame.len() + size_of::<Self>()
    }

    /// The same apart from the request's body.
    pub(crate) fn detached(self) -> Fresh<'a, 'static> {
        let Self { id, claim, accepted_micros, to, collapse_key, frame } = self;
        let (to, collapse_key) = (to.detached(), collapse_key.map(CollapseKey::detached));
        Fresh { id, claim, accepted_micros, to, collapse_key, frame }
    }
}

/// A push after the last step. It is on its way once its dispatch is flushed.
#[derive(Debug)]
pub(crate) struct Forwarded<'a> {
    /// Its id.
    pub id: MessageId,
    /// Where it is on its way to.
    pub handed: Handed,
    /// Waits for the receipts, if they are wanted.
    pub collector: Option<Collector>,
    /// Whoever repeats the push is given the same receipt, if the backend chose the id.
    pub collecting: Option<Collecting<'a>>,
}

/// Names and encodes a push of this backend; `receipt` says how long one is waited for, if it is.
///
/// # Errors
/// The id was another push's, or this push's and what was asked for is not known of it.
pub(crate) async fn stage<'a, 'b>(
    api: &'a Api,
    backend: Backend,
    push: Push<'b>,
    receipt: Option<Duration>,
) -> Result<Staged<'a, 'b>, Problem> {
    let (id, claim) = match push.id {
        None => (MessageId::generate(), None),
        Some(id) => {
            let key = Key::new(backend.ids, id);
            let content = (&push.to, &push.payload, push.ttl, &push.collapse_key);
            let content = api.dedupe.content(&content);
            match api.dedupe.claim(key, content, receipt).await {
                Ok(claim) => (id, Some(claim)),
                Err(repeated) => return repetition(api, id, repeated),
            }
        }
    };
    let frame = frame_of(id, &push);
    let accepted_micros = clock::micros_since_epoch();
    let Push { to, collapse_key, .. } = push;
    Ok(Staged::Fresh(Fresh { id, claim, accepted_micros, to, collapse_key, frame }))
}

/// Routes a push and adds it to the dispatch.
///
/// # Errors
/// 503 when it cannot be forwarded now.
pub(crate) async fn commit<'a>(
    api: &Api,
    dispatch: &mut impl Dispatch,
    push: Fresh<'a, '_>,
    receipt: bool,
) -> Result<Forwarded<'a>, Problem> {
    let refused = |problem| {
        api.metrics.pushes.refused.inc();
        problem
    };
    let Fresh { id, claim, accepted_micros, to, collapse_key, frame } = push;
    // Before it is on its way: receipts come at once.
    let collector = match receipt {
        true => Some(api.receipts.expect(id).ok_or_else(|| refused(too_many_receipts()))?),
        false => None,
    };
    let collapse_key = collapse_key.as_ref().map(CollapseKey::as_str);
    let outgoing = NamedPush { id, accepted_micros, receipt, to: &to, frame: &frame, collapse_key };
    let added = dispatch.add(&outgoing).await;
    let handed = added.map_err(|reason| {
        let pause = reason.pause();
        refused(Problem::unavailable(reason).retry_after(pause))
    })?;
    let collecting = match (claim, receipt) {
        (Some(claim), true) => Some(claim.keep_collecting()),
        (claim, _) => {
            claim.into_iter().for_each(Claim::keep);
            None
        }
    };
    api.metrics.pushes.accepted.inc();
    api.metrics.pushes.bytes.inc_by(frame.len() as u64);
    api.metrics.pushes.targets.with_label_values(&[to.kind()]).inc();
    Ok(Forwarded { id, handed, collector, collecting })
}

fn repetition<'a, 'b>(
    api: &Api,
    id: MessageId,
    repeated: Repeated,
) -> Result<Staged<'a, 'b>, Problem> {
    let conflict = |detail| {
        api.metrics.pushes.conflict.inc();
        Err(Problem::new(409, "Conflict", detail).at("/id"))
    };
    match repeated {
        Repeated::Taken => {
            api.metrics.pushes.duplicate.inc();
            Ok(Staged::Duplicate(id))
        }
        Repeated::Answered(answer) => {
            api.metrics.pushes.duplicate.inc();
            Ok(Staged::Answered(answer))
        }
        Repeated::Unanswered => {
            conflict("this push was taken before, and its receipt is not known (any more)")
        }
        Repeated::OtherContent => {
            conflict("the id was used for another push within the last 5 minutes")
        }
        Repeated::UnderWay => {
            api.metrics.pushes.refused.inc();
            Err(Problem::unavailable("a push of this id is under way, and undecided").at("/id"))
        }
    }
}

fn frame_of(id: MessageId, push: &Push<'_>) -> Vec<u8> {
    let topic = match &push.to {
        To::Topic(topic) => Topic::new(topic.as_str()).ok(),
        To::User(_) | To::Users(_) | To::All(_) => None,
    };
    server_frame::push(id, push.payload.as_frame_payload(), topic.as_ref())
}

fn too_many_receipts() -> Problem {
    Problem::unavailable("too many pushes wait for receipts")
}

#[cfg(test)]
mod tests;
