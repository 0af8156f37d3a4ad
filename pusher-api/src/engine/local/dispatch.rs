//! From one checked push to the links that it concerns: each has room for it or has not, and it is
//! refused only where that leaves nobody who is known to be there.

mod stored;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use futures::future::join_all;
use protocol::link::{PushEntry, TargetRef};
use smallvec::SmallVec;

use super::{
    backlog::{fan_out_patience, fan_outs_of, first_behind, within},
    lane::{Lane, Links},
    link::{fan_out::FanOuts, handle::Link, room::Certainty, services::Services},
    route::{Route, Routes, route},
};
use crate::{
    engine::contract::{Dispatch, Handed, Haste, NamedPush, Refused, StoredPush},
    status::{GatewayIndex, GatewayIndexes},
    validate::To,
};

/// The buffers of a streamed batch are made this large at once, all of them together: a gateway that
/// does not catch up keeps them, whatever is in them.
const LARGEST_BUFFER: usize = 64 * 1024;

/// How long a patient request waits for one gateway to catch up. After that, what it has no room
/// for is refused until it has.
const PATIENCE: Duration = Duration::from_secs(5);
/// A gateway that acknowledges nothing for this long is not waited for.
const STANDSTILL: Duration = Duration::from_secs(1);

/// The pushes of one request, on their way to the links.
pub(crate) struct LocalDispatch {
    links: Links,
    /// The change of the list that these are of.
    changes: u32,
    /// Only of gateways that something was added for, ordered by index: with many gateways most
    /// requests concern few.
    lanes: Vec<Lane>,
    buffer: usize,
    haste: Haste,
    /// Gateways that were waited for in vain.
    given_time: GatewayIndexes,
    fan_out_patience: Duration,
    services: Arc<Services>,
}

/// An entry that a gateway had room for.
struct Placed {
    gateway: GatewayIndex,
    bytes: usize,
    certainty: Certainty,
    fan_outs: FanOuts,
}

/// Where a push got room, and where not.
#[derive(Default)]
struct Outcome<'a> {
    placed: SmallVec<[Placed; 4]>,
    refused: SmallVec<[Route<'a>; 1]>,
    /// Whether anybody it is for is certain to be anywhere.
    known: bool,
}

impl Outcome<'_> {
    /// Whether nobody gets it who is known to be there, or, where nobody is known to be anywhere,
    /// nobody who may be.
    fn is_refused(&self) -> bool {
        let wanted = |placed: &Placed| !self.known || placed.certainty == Certainty::Known;
        !self.refused.is_empty() && !self.placed.iter().any(wanted)
    }
}

impl LocalDispatch {
    pub(super) fn new(services: Arc<Services>, expected_bytes: usize, haste: Haste) -> Self {
        let changes = services.gateways.changes();
        let links = Links(services.gateways.all());
        let buffer = expected_bytes.min(LARGEST_BUFFER / links.0.len().max(1));
        let given_time = GatewayIndexes::new();
        let (lanes, fan_out_patience) = (Vec::new(), fan_out_patience(haste));
        Self { links, changes, lanes, buffer, haste, given_time, fan_out_patience, services }
    }

    /// A body may take its time, and gateways come meanwhile.
    fn look_again(&mut self) {
        self.changes = self.services.gateways.changes();
        self.links = Links(self.services.gateways.all());
    }

    fn lane(&mut self, gateway: GatewayIndex) -> Option<&mut Lane> {
        match self.lanes.binary_search_by_key(&gateway, |lane| lane.link.index) {
            Ok(position) => Some(&mut self.lanes[position]),
            Err(position) => {
                let link = Arc::clone(self.links.get(gateway)?);
                self.lanes.insert(position, Lane::new(link));
                Some(&mut self.lanes[position])
            }
        }
    }

    /// Waits as long as this request may until the gateways of a push to a topic or to everybody can bring
    /// it in time. Returns whether it waited.
    async fn let_fan_out(&mut self, to: &To<'_>, routes: &Routes<'_>) -> Result<bool, Refused> {
        let more = fan_outs_of(to);
        if more.is_none() {
            return Ok(false);
        }
        let links = || routes.iter().filter_map(|route| self.links.get(route.gateway));
        if first_behind(links(), more).is_none() {
            return Ok(false);
        }
        let links: Vec<_> = links().cloned().collect();
        // What stands before it must be on its way, or nothing might ever move.
        self.flush();
        let waited = within(self.fan_out_patience, &links, more).await;
        // Whoever waited in vain once does not wait for each of the pushes behind.
        self.fan_out_patience = match &waited {
            Ok(()) => fan_out_patience(self.haste),
            Err(_) => Duration::ZERO,
        };
        waited.inspect_err(|_| self.services.metrics.pushes.fan_outs_refused.inc()).map(|()| true)
    }

    fn routes<'a>(&self, to: &'a To<'_>) -> Routes<'a> {
        // Looked at before anything else: a link comes into step after its users have become known.
        let loose = self.services.gateways.any_is_loose();
        let Services { presence, topics, .. } = &*self.services;
        route(to, presence, topics, &self.links.seen(loose))
    }

    /// Waits for those gateways of a push that are far behind and not known to stand still. Returns
    /// whether it waited.
    async fn let_catch_up(&mut self, routes: &Routes<'_>) -> bool {
        let behind = |route: &Route<'_>| {
            let link = self.links.get(route.gateway)?;
            let waits = link.room.is_tight() && link.is_connected();
            (waits && !self.given_time.contains(&link.index)).then(|| Arc::clone(link))
        };
        let behind: Vec<_> = routes.iter().filter_map(behind).collect();
        if behind.is_empty() {
            return false;
        }
        // What stands before it must be on its way, or nothing might ever move.
        self.flush();
        let waiting = behind.iter().map(|link| link.room.eased_within(PATIENCE, STANDSTILL));
        let eased = join_all(waiting).await;
        let in_vain = behind.iter().zip(eased).filter(|(_, eased)| !eased);
        self.given_time.extend(in_vain.map(|(link, _)| link.index));
        true
    }

    fn place<'a>(&mut self, push: &NamedPush<'a>, routes: Routes<'a>) -> Outcome<'a> {
        let buffer = self.buffer;
        let mut outcome = Outcome::default();
        for route in routes {
            let NamedPush { id, accepted_micros, receipt, frame, collapse_key, .. } = *push;
            let Route { gateway, target, certainty } = route;
            let Some(lane) = self.lane(gateway) else { continue };
            outcome.known |= certainty == Certainty::Known;
            let entry = PushEntry { id, accepted_micros, receipt, target, frame, collapse_key };
            let fan_outs = FanOuts::of(&entry.target);
            match lane.append(&entry, certainty, buffer) {
                Some(bytes) => outcome.placed.push(Placed { gateway, bytes, certainty, fan_outs }),
                None => {
                    outcome.refused.push(Route { gateway, target: entry.target, certainty });
                }
            }
        }
        outcome
    }

    fn refuse(&mut self, outcome: &Outcome<'_>) -> Refused {
        for Placed { gateway, bytes, certainty, fan_outs } in &outcome.placed {
            self.lane(*gateway)
                .into_iter()
                .for_each(|lane| lane.take_back(*bytes, *certainty, *fan_outs));
        }
        let names = outcome.refused.iter().filter_map(|route| self.links.get(route.gateway));
        let names: Vec<_> = names.map(|link| link.name().to_string()).collect();
        Refused::Full(names.join(", "))
    }

    /// Takes note of a push that goes to some, and of those that it does not go to.
    fn hand(&self, push: &NamedPush<'_>, outcome: &Outcome<'_>) -> Handed {
        let metrics = &self.services.metrics;
        metrics.pushes.entries.inc_by(outcome.placed.len() as u64);
        metrics.pushes.dropped_for_room.inc_by(outcome.refused.len() as u64);
        for route in &outcome.refused {
            self.links.get(route.gateway).into_iter().for_each(|link| link.miss(&route.target));
        }
        let gateways: GatewayIndexes = outcome.placed.iter().map(|placed| placed.gateway).collect();
        let no_room: GatewayIndexes = outcome.refused.iter().map(|route| route.gateway).collect();
        let online = push.receipt && self.is_online(push.to, outcome);
        Handed { gateways, no_room, away: self.miss_away(push), online }
    }

    fn is_online(&self, to: &To<'_>, outcome: &Outcome<'_>) -> bool {
        let placed = outcome.placed.iter().map(|placed| placed.gateway);
        let refused = outcome.refused.iter().map(|route| route.gateway);
        let mut links = placed.chain(refused).filter_map(|gateway| self.links.get(gateway));
        match to {
            To::User(_) | To::Users(_) => outcome.known,
            // A gateway that names its topics is among them only where somebody is subscribed. Of others it
            // is known only whether anybody is there at all.
            To::Topic(_) | To::All(_) => links.any(|link| link.users.load(Ordering::Relaxed) > 0),
        }
    }

    /// Gateways that were given up may hold anybody: should they come back, they tell whom it
    /// concerns.
    fn miss_away(&self, push: &NamedPush<'_>) -> GatewayIndexes {
        if !self.services.gateways.any_is_loose() {
            return GatewayIndexes::new();
        }
        let target = match push.to {
            To::User(user) => TargetRef::User(user.as_str()),
            To::Users(users) => {
                TargetRef::Users(users.0.iter().map(|user| user.as_str()).collect())
            }
            To::Topic(topic) => TargetRef::Topic(topic.as_str()),
            To::All(_) => TargetRef::All,
        };
        let away = self.links.0.iter().filter(|link| link.is_given_up());
        away.inspect(|link| link.miss(&target)).map(|link| link.index).collect()
    }
}

impl Dispatch for LocalDispatch {
    async fn add(&mut self, push: &NamedPush<'_>) -> Result<Handed, Refused> {
        if self.changes != self.services.gateways.changes() {
            self.look_again();
        }
        if !self.links.any_is_open() {
            return Err(Refused::NoGateway);
        }
        let mut routes = self.routes(push.to);
        if self.let_fan_out(push.to, &routes).await? {
            routes = self.routes(push.to);
        }
        if self.haste == Haste::Patient && self.let_catch_up(&routes).await {
            routes = self.routes(push.to);
        }
        let outcome = self.place(push, routes);
        match outcome.is_refused() {
            true => Err(self.refuse(&outcome)),
            false => Ok(self.hand(push, &outcome)),
        }
    }

    async fn tell(&mut self, push: &StoredPush<'_>) -> Handed {
        self.tell_stored(push).await
    }

    fn flush(&mut self) {
        let mut lost = 0;
        for lane in self.lanes.iter_mut().filter(|lane| !lane.is_empty()) {
            lost += lane.hand_over();
        }
        self.services.metrics.pushes.dropped_at_loss.inc_by(lost);
        self.lanes.retain(|lane| lane.link.is_open());
        let has_caught_up = |gateway: &GatewayIndex| {
            self.links.get(*gateway).is_none_or(|link: &Arc<Link>| !link.room.is_tight())
        };
        self.given_time.retain(|gateway| !has_caught_up(gateway));
    }
}

impl Drop for LocalDispatch {
    fn drop(&mut self) {
        self.flush();
    }
}
