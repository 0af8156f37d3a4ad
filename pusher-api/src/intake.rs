//! The way of a push into this process, in two steps.
//!
//! [`stage`] needs nobody else: it checks the push, gives it its id, looks whether that was seen
//! before, and encodes what clients receive. [`commit`] routes it and hands it over, which may
//! wait for others. A push that was staged and not committed, for whatever reason, was never
//! here: its id may come again.

use protocol::{MessageId, Topic, clock, problem::Problem, server_frame};

use crate::{
    api::Api,
    dedupe::Claim,
    engine::contract::{Dispatch, NamedPush},
    receipts::Collector,
    validate::{self, Push, To},
};

/// A push after the first step.
#[derive(Debug)]
pub(crate) enum Staged<'a> {
    /// It may be committed.
    Fresh(Fresh<'a>),
    /// Its id was seen before.
    Duplicate(MessageId),
}

/// A push that nobody else knows of so far.
#[derive(Debug)]
pub(crate) struct Fresh<'a> {
    id: MessageId,
    /// Given back unless the push is committed; none where the id was made here.
    claim: Option<Claim<'a>>,
    accepted_micros: u64,
    to: To<'a>,
    frame: Vec<u8>,
}

/// A push after the second step. It is on its way once its dispatch is flushed.
#[derive(Debug)]
pub(crate) struct Forwarded {
    /// Its id.
    pub id: MessageId,
    /// How many gateways hold whom it is for.
    pub gateways: usize,
    /// Waits for the receipts, if they are wanted.
    pub collector: Option<Collector>,
}

/// Checks, names and encodes a push.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn stage<'a>(api: &'a Api, body: &'a [u8]) -> Result<Staged<'a>, Problem> {
    let push = checked(body).inspect_err(|_| api.metrics.invalid.inc())?;
    let (id, claim) = match push.id {
        None => (MessageId::generate(), None),
        Some(id) => match api.dedupe.claim(id) {
            Some(claim) => (id, Some(claim)),
            None => {
                api.metrics.duplicate.inc();
                return Ok(Staged::Duplicate(id));
            }
        },
    };
    let frame = frame_of(id, &push);
    let accepted_micros = clock::micros_since_epoch();
    Ok(Staged::Fresh(Fresh { id, claim, accepted_micros, to: push.to, frame }))
}

/// Routes a push and adds it to the dispatch.
///
/// # Errors
/// 503 when it cannot be forwarded now.
pub(crate) async fn commit(
    api: &Api,
    dispatch: &mut impl Dispatch,
    push: Fresh<'_>,
    receipt: bool,
) -> Result<Forwarded, Problem> {
    let refused = |problem| {
        api.metrics.refused.inc();
        problem
    };
    let Fresh { id, claim, accepted_micros, to, frame } = push;
    // Before it is on its way: receipts come at once.
    let collector = match receipt {
        true => Some(api.receipts.expect(id).ok_or_else(|| refused(too_many_receipts()))?),
        false => None,
    };
    let outgoing = NamedPush { id, accepted_micros, receipt, to: &to, frame: &frame };
    let added = dispatch.add(&outgoing).await;
    let gateways = added.map_err(|reason| refused(Problem::unavailable(reason)))?;
    claim.into_iter().for_each(Claim::keep);
    api.metrics.accepted.inc();
    api.metrics.bytes.inc_by(frame.len() as u64);
    api.metrics.targets.with_label_values(&[to.kind()]).inc();
    Ok(Forwarded { id, gateways, collector })
}

fn checked(body: &[u8]) -> Result<Push<'_>, Problem> {
    let push = validate::parse(body)?;
    let missing = |detail| Problem::new(501, "Not implemented", detail);
    match (push.ttl, &push.collapse_key) {
        (0, None) => Ok(push),
        (0, Some(_)) => Err(missing("pushes cannot replace each other yet").at("/collapse_key")),
        (1.., _) => Err(missing("messages cannot be kept yet").at("/ttl")),
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
