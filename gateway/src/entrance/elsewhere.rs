//! Requests for a session that is not here: passed on to the gateway that has it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use protocol::{
    SessionId,
    link::{Errand, RelayAnswer, Relayed},
    problem::Problem,
};

use crate::{
    access::identity::Identity,
    session::{Local, Reply, Said, Verdict},
};

/// How much longer than it waits by itself a session of another gateway may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// What is wanted of a session that another gateway may have.
pub(super) struct Elsewhere {
    pub(super) errand: Errand,
    /// How long the session waits by itself.
    pub(super) wait: Duration,
    /// What the client is told if nobody has the session.
    pub(super) nowhere: fn() -> Problem,
}

/// Passes it on; who waits gets the answer.
pub(super) fn ask(
    local: &Local,
    identity: Identity,
    session: SessionId,
    elsewhere: Elsewhere,
    reply: Reply,
) {
    let Elsewhere { errand, wait, nowhere } = elsewhere;
    let within_ms = u64::try_from((wait + PATIENCE).as_millis()).unwrap_or(u64::MAX);
    let Identity { user, device, .. } = identity;
    let relayed = Relayed { user, device, session, errand, within_ms };
    let ways = local.directory.presence.relaying();
    let metrics = Arc::clone(&local.metrics);
    let asker = Box::new(move |answer| {
        let (result, said) = said(answer, nowhere);
        metrics.relayed(result);
        reply.give(said);
    });
    local.directory.relays.ask(relayed, ways, Instant::now(), asker);
}

/// What the client is told, and what that is called in the metrics.
fn said(answer: RelayAnswer, nowhere: fn() -> Problem) -> (&'static str, Verdict) {
    match answer {
        RelayAnswer::Done(None) => ("done", Ok(Said::Nothing)),
        RelayAnswer::Done(Some(json)) => ("done", Ok(Said::Json(json.into()))),
        RelayAnswer::Last(json) => ("done", Ok(Said::Last(json.into()))),
        RelayAnswer::Refused(problem) => ("refused", Err(problem.into())),
        RelayAnswer::NotHere => ("not_here", Err(nowhere())),
        RelayAnswer::NoWay(reason) => ("no_way", Err(Problem::unavailable(reason))),
        RelayAnswer::Lost(reason) => {
            let detail = format!("{reason}; it may have been done all the same");
            ("lost", Err(Problem::unavailable(detail)))
        }
    }
}
