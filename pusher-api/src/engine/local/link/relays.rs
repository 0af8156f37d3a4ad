//! Passes requests on to the gateways that may have the session they are for, and the answer back to the
//! gateway that the client has reached.

use std::{sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use protocol::link::{Errand, LinkAnswer, LinkRequest, RelayAnswer, Relayed};
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
        services.metrics.links.relays_refused.inc();
        return link.answer_relay(relay, &RelayAnswer::NoWay(reason.into()));
    };
    services.metrics.links.relays.inc();
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

/// Asks everybody who may have the session. One that has ended may still have to tell its client why, when its
/// user is nobody's any more: where that may be so, the others are asked behind those.
async fn pass_on(services: &Services, from: &Link, relayed: Relayed) -> RelayAnswer {
    let links = services.gateways.all();
    // Before presence is asked: a link comes into step after its users have become known.
    let loose: Vec<_> = links.iter().map(|link| !link.is_in_step()).collect();
    let holding = services.presence.gateways_of(relayed.user.as_str());
    let is_asked = |link: &Link| {
        link.index != from.index
            && link.state() != LinkState::Alias
            && !is_without_hope(link, &relayed.errand)
    };
    let others = links.iter().zip(loose).filter(|(link, _)| is_asked(link));
    let (likely, rest): (Vec<_>, Vec<_>) =
        others.partition(|(link, loose)| *loose || holding.contains(&link.index));
    match ask_all(&likely, &relayed).await {
        RelayAnswer::NotHere if matches!(relayed.errand, Errand::Poll { .. }) => {
            ask_all(&rest, &relayed).await
        }
        answer => answer,
    }
}

/// Asks all of these at once; only one can have the session.
async fn ask_all(links: &[(&Arc<Link>, bool)], relayed: &Relayed) -> RelayAnswer {
    let mut answers: FuturesUnordered<_> =
        links.iter().map(|(link, _)| ask(link, relayed.clone())).collect();
    let mut together = RelayAnswer::NotHere;
    while let Some(answer) = answers.next().await {
        together = match (answer, together) {
            (RelayAnswer::NotHere, before) => before,
            (RelayAnswer::NoWay(_), before @ RelayAnswer::Lost(_)) => before,
            (doubt @ (RelayAnswer::NoWay(_) | RelayAnswer::Lost(_)), _) => doubt,
            (known, _) => return known,
        };
    }
    together
}

/// Whether a gateway has been away for so long that whoever asks its session for what is new shall begin
/// anew: nothing comes from there, and the session ends when nobody asks it any more.
fn is_without_hope(link: &Link, errand: &Errand) -> bool {
    let is_away = !link.is_open() && link.is_settled();
    is_away && matches!(errand, Errand::Poll { .. })
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
