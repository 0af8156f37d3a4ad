//! Passes requests on to the gateways that may have the session they are for, and the answer back to the
//! gateway that the client has reached.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use protocol::link::{LinkAnswer, LinkRequest, RelayAnswer, Relayed};
use tokio::time::timeout;

use super::{handle::Link, services::Services};
use crate::status::LinkState;

/// Most that are under way for one gateway.
const MOST_UNDER_WAY: usize = 10_000;
/// Nobody is waited for longer, whatever a gateway says.
const LONGEST: Duration = Duration::from_secs(120);

/// Passes one on, beside what else comes.
pub(super) fn on_relay(services: &Arc<Services>, link: &Arc<Link>, relay: u64, relayed: Relayed) {
    let Some(under_way) = UnderWay::of(link) else {
        let reason = "too many requests wait for sessions of other gateways";
        services.metrics.relays_refused.inc();
        return link.answer_relay(relay, &RelayAnswer::NoWay(reason.into()));
    };
    services.metrics.relays.inc();
    let (services, process) = (Arc::clone(services), link.instance());
    actix_rt::spawn(async move {
        let answer = pass_on(&services, &under_way.0, relayed).await;
        // Another process would take it for the answer to a request of its own.
        if under_way.0.instance() == process {
            under_way.0.answer_relay(relay, &answer);
        }
    });
}

/// Counts one until it is dropped.
struct UnderWay(Arc<Link>);

impl UnderWay {
    fn of(link: &Arc<Link>) -> Option<Self> {
        let one = Self(Arc::clone(link));
        (link.add_relay() <= MOST_UNDER_WAY).then_some(one)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.remove_relay();
    }
}

/// Asks everybody who may have the session at once; only one can have it.
async fn pass_on(services: &Services, from: &Link, relayed: Relayed) -> RelayAnswer {
    let links = services.gateways.all();
    // Before presence is asked: a link comes into step after its users have become known.
    let loose: Vec<_> = links.iter().map(|link| !link.is_in_step()).collect();
    let holding = services.presence.gateways_of(relayed.user.as_str());
    let may_have = |(link, loose): &(&Arc<Link>, bool)| {
        (*loose || holding.contains(&link.index))
            && link.index != from.index
            && link.state() != LinkState::Alias
    };
    let asked = links.iter().zip(loose).filter(may_have);
    let mut answers: FuturesUnordered<_> =
        asked.map(|(link, _)| ask(link, relayed.clone())).collect();
    let mut together = RelayAnswer::NotHere;
    while let Some(answer) = answers.next().await {
        together = match (answer, together) {
            (known @ (RelayAnswer::Done(_) | RelayAnswer::Refused(_)), _) => return known,
            (RelayAnswer::NotHere, before) => before,
            (RelayAnswer::NoWay(_), before @ RelayAnswer::Lost(_)) => before,
            (doubt, _) => doubt,
        };
    }
    together
}

/// Asks one gateway, once: what it takes is not repeated.
async fn ask(link: &Link, relayed: Relayed) -> RelayAnswer {
    let no_way = |why: &str| RelayAnswer::NoWay(format!("gateway {} {why}", link.name()));
    if !link.is_connected() {
        return no_way("may have the session and is not connected");
    }
    if !link.takes_relays() {
        return no_way("is too old to be asked for the session");
    }
    let expected = if link.is_crowded() { None } else { link.answers.expect() };
    let Some(mut expected) = expected else { return no_way("has too many questions to answer") };
    let patience = Duration::from_millis(relayed.within_ms).min(LONGEST);
    link.request(expected.request, LinkRequest::Relay(relayed));
    let lost = |why: &str| RelayAnswer::Lost(format!("gateway {} {why}", link.name()));
    match timeout(patience, &mut expected.answer).await {
        Ok(Ok(Some(LinkAnswer::Relayed(answer)))) => answer,
        // It does not know the errand.
        Ok(Ok(_)) => no_way("is too old to do this"),
        Ok(Err(_)) => lost("was lost before it answered"),
        Err(_) => lost("has not answered in time"),
    }
}
