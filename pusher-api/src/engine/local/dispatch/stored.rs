//! Pushes that are kept, on their way to the links: a gateway that cannot be told of one reads it, so that
//! nothing is refused, given up or queued for one that is not there.

use std::sync::atomic::Ordering;

use protocol::{kept::Log, link::PushEntry};

use super::LocalDispatch;
use crate::{
    engine::{
        contract::{Handed, Haste, StoredPush},
        local::{
            link::{fan_out::FanOuts, room::Certainty},
            route::{Route, Routes, stored::route_stored},
        },
    },
    keeping::frame::kept_frame,
    status::{GatewayIndex, GatewayIndexes},
    store_metrics::Untold,
};

/// The gateways of a push that were told of it, and those that were not.
#[derive(Default)]
struct Told {
    told: GatewayIndexes,
    untold: GatewayIndexes,
    /// Whether any of its users is certain to be anywhere.
    known: bool,
}

impl LocalDispatch {
    pub(super) async fn tell_stored(&mut self, push: &StoredPush<'_>) -> Handed {
        if self.changes != self.services.gateways.changes() {
            self.look_again();
        }
        let mut routes = self.stored_routes(push);
        if self.haste == Haste::Patient && self.let_catch_up(&routes).await {
            routes = self.stored_routes(push);
        }
        let mut outcome = self.place_stored(push, routes);
        self.services.metrics.pushes.entries.inc_by(outcome.told.len() as u64);
        let online = push.receipt && self.is_anybody_online(push, &outcome);
        if push.receipt && self.services.gateways.any_is_loose() {
            let away = self.links.0.iter().filter(|link| link.is_given_up());
            outcome.untold.extend(away.map(|link| link.index));
        }
        let no_room = GatewayIndexes::new();
        Handed { gateways: outcome.told, no_room, away: outcome.untold, online }
    }

    fn stored_routes<'a>(&self, push: &StoredPush<'a>) -> Routes<'a> {
        // Looked at before anything else: a link comes into step after its users have become known.
        let loose = self.services.gateways.any_is_loose();
        let seen = self.links.seen(loose);
        route_stored(push, &self.services.presence, &self.services.topics, &seen)
    }

    fn place_stored(&mut self, push: &StoredPush<'_>, routes: Routes<'_>) -> Told {
        let mut outcome = Told::default();
        let mut frame = None;
        for Route { gateway, target, certainty } in routes {
            outcome.known |= certainty == Certainty::Known;
            let frame = frame.get_or_insert_with(|| frame_of(push));
            let StoredPush { id, accepted_micros, receipt, .. } = *push;
            let entry =
                PushEntry { id, accepted_micros, receipt, target, frame, collapse_key: None };
            match self.tell_one(gateway, &entry, certainty) {
                Ok(()) => outcome.told.push(gateway),
                Err(reason) => {
                    self.services.metrics.store.untold(reason);
                    outcome.untold.push(gateway);
                }
            }
        }
        outcome
    }

    fn tell_one(
        &mut self,
        gateway: GatewayIndex,
        entry: &PushEntry<'_>,
        certainty: Certainty,
    ) -> Result<(), Untold> {
        let link = self.links.get(gateway).filter(|link| link.is_connected());
        let link = link.ok_or(Untold::Away)?;
        if !link.keeps() {
            return Err(Untold::OlderBuild);
        }
        let fan_outs = FanOuts::of(&entry.target);
        if !fan_outs.is_none() && link.fan_outs.wait_for(fan_outs).is_some() {
            return Err(Untold::Behind);
        }
        let buffer = self.buffer;
        let lane = self.lane(gateway).ok_or(Untold::Away)?;
        lane.append(entry, certainty, buffer).map(drop).ok_or(Untold::NoRoom)
    }

    fn is_anybody_online(&self, push: &StoredPush<'_>, outcome: &Told) -> bool {
        let mut links =
            outcome.told.iter().chain(&outcome.untold).filter_map(|it| self.links.get(*it));
        match push.logs {
            [Log::Topic(_), ..] => links.any(|link| link.users.load(Ordering::Relaxed) > 0),
            _ => outcome.known,
        }
    }
}

fn frame_of(push: &StoredPush<'_>) -> Vec<u8> {
    let topic = match push.logs {
        [Log::Topic(topic)] => Some(topic),
        _ => None,
    };
    kept_frame(push.id, push.payload, topic)
}
