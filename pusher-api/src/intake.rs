//! One push from its bytes to the engine: checked, told apart from repetitions, given its frame.

use protocol::{MessageId, Topic, clock, problem::Problem, server_frame};

use crate::{
    api::Api,
    engine::contract::{Dispatch, Outgoing},
    receipts::Collector,
    validate::{self, Push, To},
};

/// What became of a push.
#[derive(Debug)]
pub enum Taken {
    /// It goes to that many gateways.
    Forwarded {
        /// Its id.
        id: MessageId,
        /// How many gateways hold whom it is for.
        gateways: usize,
        /// Waits for the receipts, if they are wanted.
        collector: Option<Collector>,
    },
    /// Its id was seen before.
    Duplicate(MessageId),
}

/// Takes a push. It is on its way once `dispatch` is flushed.
///
/// # Errors
/// What is wrong with the push, or 503 when it cannot be forwarded now.
pub fn take(
    api: &Api,
    dispatch: &mut dyn Dispatch,
    body: &[u8],
    receipt: bool,
) -> Result<Taken, Problem> {
    let push = checked(body).inspect_err(|_| api.metrics.invalid.inc())?;
    if let Some(id) = push.id.filter(|id| !api.dedupe.claim(*id)) {
        api.metrics.duplicate.inc();
        return Ok(Taken::Duplicate(id));
    }
    forward(api, dispatch, &push, receipt).inspect_err(|_| {
        api.metrics.refused.inc();
        if let Some(id) = push.id {
            api.dedupe.release(id);
        }
    })
}

fn checked(body: &[u8]) -> Result<Push<'_>, Problem> {
    let push = validate::parse(body)?;
    match push.ttl {
        0 => Ok(push),
        _ => Err(Problem::new(501, "Not implemented", "messages cannot be kept yet").at("/ttl")),
    }
}

fn forward(
    api: &Api,
    dispatch: &mut dyn Dispatch,
    push: &Push<'_>,
    receipt: bool,
) -> Result<Taken, Problem> {
    let id = push.id.unwrap_or_else(MessageId::generate);
    let collector = match receipt {
        true => Some(api.receipts.expect(id).ok_or_else(too_many_receipts)?),
        false => None,
    };
    let frame = frame_of(id, push);
    let outgoing = Outgoing {
        id,
        accepted_micros: clock::micros_since_epoch(),
        receipt,
        to: &push.to,
        frame: &frame,
    };
    let gateways = dispatch.add(&outgoing).map_err(Problem::unavailable)?;
    api.metrics.accepted.inc();
    api.metrics.bytes.inc_by(frame.len() as u64);
    api.metrics.targets.with_label_values(&[push.to.kind()]).inc();
    Ok(Taken::Forwarded { id, gateways, collector })
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
