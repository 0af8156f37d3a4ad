//! Forwards over the links of this process.

pub mod link;
pub mod presence;

mod route;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::BytesMut;
use futures::{
    FutureExt,
    future::{BoxFuture, LocalBoxFuture, join_all, try_join_all},
};
use protocol::link::{LinkAnswer, LinkRequest, PushEntry};

use self::{
    link::{Gateways, Link, outbox::Segment},
    presence::{GatewayIndex, Presence},
    route::{OpenGateways, route},
};
use super::{Dispatch, Engine, Outgoing, Refused};
use crate::{
    metrics::Metrics,
    status::{GatewayAnswer, GatewayStatus, NotReady, Unanswered},
};

/// What an entry needs beside names and frame.
const ENTRY_OVERHEAD: usize = 64;
/// The buffers of a streamed batch are made this large at once, all of them together: a gateway that
/// does not catch up keeps them, whatever is in them.
const LARGEST_BUFFER: usize = 64 * 1024;

/// The engine whose state is the memory of this process.
pub(crate) struct LocalEngine {
    /// The links.
    pub gateways: Arc<Gateways>,
    /// Who is where.
    pub presence: Arc<Presence>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// How long a gateway may take to answer.
    pub timeout: Duration,
}

impl LocalEngine {
    /// The gateways a question has to go to.
    fn concerned(&self, request: &LinkRequest) -> Vec<Arc<Link>> {
        let links = self.gateways.all();
        let user = match request {
            LinkRequest::Subscribers { .. } => None,
            LinkRequest::Sessions { user }
            | LinkRequest::Disconnect { user, .. }
            | LinkRequest::Subscribe { user, .. }
            | LinkRequest::Unsubscribe { user, .. } => Some(user),
        };
        let holding = user.map(|user| self.presence.gateways_of(user.as_str()));
        let concerned = |link: &&Arc<Link>| {
            link.is_open() && holding.as_ref().is_none_or(|holding| holding.contains(&link.index))
        };
        links.iter().filter(concerned).cloned().collect()
    }
}

impl Engine for LocalEngine {
    fn readiness(&self) -> Result<(), NotReady> {
        self.gateways.readiness()
    }

    fn dispatch(&self, expected_bytes: usize) -> Box<dyn Dispatch> {
        let links = Links(self.gateways.all());
        Box::new(LocalDispatch {
            lanes: Vec::new(),
            buffer: expected_bytes.min(LARGEST_BUFFER / links.0.len().max(1)),
            links,
            gateways: Arc::clone(&self.gateways),
            presence: Arc::clone(&self.presence),
            metrics: Arc::clone(&self.metrics),
        })
    }

    fn ask(&self, request: LinkRequest) -> BoxFuture<'_, Result<Vec<GatewayAnswer>, Unanswered>> {
        let links = self.concerned(&request);
        let questions = links.into_iter().map(move |link| ask(link, request.clone(), self.timeout));
        try_join_all(questions).boxed()
    }

    fn gateways(&self) -> Vec<GatewayStatus> {
        self.gateways.all().iter().map(|link| status(link)).collect()
    }
}

async fn ask(
    link: Arc<Link>,
    request: LinkRequest,
    timeout: Duration,
) -> Result<GatewayAnswer, Unanswered> {
    let answer: LinkAnswer = link.ask(request, timeout).await?;
    Ok(GatewayAnswer { gateway: link.name().to_string(), answer })
}

fn status(link: &Link) -> GatewayStatus {
    GatewayStatus {
        name: link.name().to_string(),
        address: link.address.to_string(),
        state: link.state(),
        users: link.users.load(Ordering::Relaxed) as u64,
        queued_bytes: link.room.taken() as u64,
        gateway_queued_bytes: link.gateway_queued.load(Ordering::Relaxed),
        instance: link.instance(),
    }
}

/// What has been encoded for one gateway and not been handed over.
struct Lane {
    link: Arc<Link>,
    entries: BytesMut,
    pushes: u64,
}

/// The links there are, ordered by index; those that are open count.
struct Links(Arc<[Arc<Link>]>);

impl Links {
    fn get(&self, gateway: GatewayIndex) -> Option<&Arc<Link>> {
        let position = self.0.binary_search_by_key(&gateway, |link| link.index).ok()?;
        Some(&self.0[position]).filter(|link| link.is_open())
    }
}

impl OpenGateways for Links {
    fn is_open(&self, gateway: GatewayIndex) -> bool {
        self.get(gateway).is_some()
    }

    fn all(&self) -> impl Iterator<Item = GatewayIndex> {
        self.0.iter().filter(|link| link.is_open()).map(|link| link.index)
    }
}

struct LocalDispatch {
    links: Links,
    /// Only of gateways that something was added for, ordered by index: with many gateways most
    /// requests concern few.
    lanes: Vec<Lane>,
    buffer: usize,
    gateways: Arc<Gateways>,
    presence: Arc<Presence>,
    metrics: Arc<Metrics>,
}

impl Lane {
    /// Appends an entry if the link has room for it.
    fn append(&mut self, entry: &PushEntry<'_>, buffer: usize) -> Result<usize, Refused> {
        let before = self.entries.len();
        if self.entries.capacity() == 0 {
            self.entries.reserve(buffer);
        }
        self.entries.reserve(entry.frame.len() + ENTRY_OVERHEAD);
        entry.encode(&mut self.entries);
        let added = self.entries.len() - before;
        if self.link.room.reserve(added) {
            self.pushes += 1;
            return Ok(added);
        }
        self.entries.truncate(before);
        Err(Refused::Full(self.link.name().to_string()))
    }

    fn take_back(&mut self, added: usize) {
        self.entries.truncate(self.entries.len() - added);
        self.pushes -= 1;
        self.link.room.release(added);
    }

    fn hand_over(&mut self) -> u64 {
        let segment = Segment { bytes: self.entries.split().freeze(), pushes: self.pushes };
        self.pushes = 0;
        self.link.enqueue(segment).pushes
    }
}

impl LocalDispatch {
    fn lane(&mut self, gateway: GatewayIndex) -> Option<&mut Lane> {
        match self.lanes.binary_search_by_key(&gateway, |lane| lane.link.index) {
            Ok(position) => Some(&mut self.lanes[position]),
            Err(position) => {
                let link = Arc::clone(self.links.get(gateway)?);
                let lane = Lane { link, entries: BytesMut::new(), pushes: 0 };
                self.lanes.insert(position, lane);
                Some(&mut self.lanes[position])
            }
        }
    }
}

impl Dispatch for LocalDispatch {
    fn add(&mut self, push: &Outgoing<'_>) -> Result<usize, Refused> {
        if self.links.all().next().is_none() {
            return Err(Refused::NoGateway);
        }
        let Outgoing { id, accepted_micros, receipt, to, frame } = *push;
        let buffer = self.buffer;
        let mut added = Vec::new();
        for (gateway, target) in route(to, &self.presence, &self.links) {
            let entry = PushEntry { id, accepted_micros, receipt, target, frame };
            let Some(lane) = self.lane(gateway) else { continue };
            match lane.append(&entry, buffer) {
                Ok(bytes) => added.push((gateway, bytes)),
                Err(refused) => {
                    // All gateways or none: a push that half arrives cannot be tried again.
                    for (gateway, bytes) in added {
                        self.lane(gateway).into_iter().for_each(|lane| lane.take_back(bytes));
                    }
                    return Err(refused);
                }
            }
        }
        self.metrics.entries.inc_by(added.len() as u64);
        Ok(added.len())
    }

    fn flush(&mut self) {
        let mut lost = 0;
        for lane in self.lanes.iter_mut().filter(|lane| lane.pushes > 0) {
            lost += lane.hand_over();
        }
        self.metrics.dropped_at_loss.inc_by(lost);
        self.links = Links(self.gateways.all());
        self.lanes.retain(|lane| lane.link.is_open());
    }

    fn eased(&self) -> LocalBoxFuture<'_, ()> {
        let open = self.links.0.iter().filter(|link| link.is_open());
        join_all(open.map(|link| link.room.eased())).map(drop).boxed_local()
    }
}

impl Drop for LocalDispatch {
    fn drop(&mut self) {
        self.flush();
    }
}

#[cfg(test)]
mod tests;
