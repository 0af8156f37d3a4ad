//! Questions about users and topics: the names in them, and asking the gateways.

use std::str::FromStr;

use protocol::{
    InvalidName,
    link::{LinkAnswer, LinkRequest},
    problem::Problem,
};

use crate::{
    api::Api,
    engine::contract::Engine,
    status::{Answers, GatewayAnswer},
};

/// A name from the path or the query.
pub(super) fn name<T: FromStr<Err = InvalidName>>(what: &str, text: &str) -> Result<T, Problem> {
    let wrong = |detail| Problem::new(422, "Invalid name", format!("{what} {detail}"));
    // What is no UTF-8 arrives with replacement characters, and would be somebody else's name.
    if text.contains(char::REPLACEMENT_CHARACTER) {
        return Err(wrong("must be UTF-8".to_owned()));
    }
    text.parse().map_err(|error: InvalidName| wrong(error.to_string()))
}

/// What the gateways answer that the request concerns. All are asked at once: one that is silent
/// keeps nothing from the others, and is named.
pub(super) async fn ask(api: &Api, request: LinkRequest) -> Result<Answers, Problem> {
    api.engine.readiness().await.map_err(Problem::unavailable)?;
    Ok(api.engine.ask(request).await)
}

/// The sum over the gateways.
pub(super) fn count(answers: &[GatewayAnswer]) -> u64 {
    let counts = answers.iter().map(|answer| match &answer.answer {
        LinkAnswer::Count(count) => *count,
        LinkAnswer::Subscribed { sessions, .. } => *sessions,
        LinkAnswer::Sessions(sessions) => sessions.len() as u64,
        LinkAnswer::Relayed(_) | LinkAnswer::Unsupported { .. } => 0,
    });
    counts.sum()
}
