//! From one checked push to the links that it concerns: room is reserved at all of them first.

use std::sync::Arc;

use bytes::BytesMut;
use futures::future::join_all;
use protocol::link::{EntryLayout, PushEntry};

use super::{
    link::{handle::Link, outbox::Segment, services::Services},
    presence::GatewayIndex,
    route::{OpenGateways, route},
};
use crate::engine::contract::{Dispatch, NamedPush, Refused};

/// What an entry needs beside names and frame.
const ENTRY_OVERHEAD: usize = 64;
/// The buffers of a streamed batch are made this large at once, all of them together: a gateway that
/// does not catch up keeps them, whatever is in them.
const LARGEST_BUFFER: usize = 64 * 1024;

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

/// The pushes of one request, on their way to the links.
pub(crate) struct LocalDispatch {
    links: Links,
    /// Only of gateways that something was added for, ordered by index: with many gateways most
    /// requests concern few.
    lanes: Vec<Lane>,
    buffer: usize,
    services: Arc<Services>,
}

impl Lane {
    /// Appends an entry if the link has room for it.
    fn append(&mut self, entry: &PushEntry<'_>, buffer: usize) -> Result<usize, Refused> {
        let before = self.entries.len();
        if self.entries.capacity() == 0 {
            self.entries.reserve(buffer);
        }
        self.entries.reserve(entry.frame.len() + ENTRY_OVERHEAD);
        entry.encode(EntryLayout::Framed, &mut self.entries);
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
    pub(super) fn new(services: Arc<Services>, expected_bytes: usize) -> Self {
        let links = Links(services.gateways.all());
        let buffer = expected_bytes.min(LARGEST_BUFFER / links.0.len().max(1));
        Self { links, lanes: Vec::new(), buffer, services }
    }

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
    async fn add(&mut self, push: &NamedPush<'_>) -> Result<usize, Refused> {
        if self.links.all().next().is_none() {
            return Err(Refused::NoGateway);
        }
        let NamedPush { id, accepted_micros, receipt, to, frame } = *push;
        let buffer = self.buffer;
        let mut added = Vec::new();
        for (gateway, target) in route(to, &self.services.presence, &self.links) {
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
        self.services.metrics.entries.inc_by(added.len() as u64);
        Ok(added.len())
    }

    fn flush(&mut self) {
        let mut lost = 0;
        for lane in self.lanes.iter_mut().filter(|lane| lane.pushes > 0) {
            lost += lane.hand_over();
        }
        self.services.metrics.dropped_at_loss.inc_by(lost);
        self.links = Links(self.services.gateways.all());
        self.lanes.retain(|lane| lane.link.is_open());
    }

    async fn eased(&self) {
        let open = self.links.0.iter().filter(|link| link.is_open());
        join_all(open.map(|link| link.room.eased())).await;
    }
}

impl Drop for LocalDispatch {
    fn drop(&mut self) {
        self.flush();
    }
}
