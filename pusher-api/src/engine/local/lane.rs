//! What has been encoded for one gateway, and the links there are for that.

use std::{sync::Arc, time::Instant};

use bytes::BytesMut;
use protocol::link::{EntryLayout, PushEntry, TargetRef};

use super::{
    link::{
        fan_out::FanOuts,
        handle::Link,
        outbox::Segment,
        room::Certainty::{self, Known, Perhaps},
    },
    route::OpenGateways,
    topics::List,
};
use crate::status::{GatewayIndex, GatewayIndexes};

/// What an entry needs beside names and frame.
const ENTRY_OVERHEAD: usize = 64;

/// What has been encoded for one gateway and not been handed over.
pub(super) struct Lane {
    /// The gateway's link.
    pub(super) link: Arc<Link>,
    /// How many live pushes there are: those that are lost if they are not delivered.
    pushes: u64,
    entries: BytesMut,
    /// How many of the bytes are for users that the gateway only may hold.
    perhaps: usize,
    fan_outs: FanOuts,
}

impl Lane {
    pub(super) fn new(link: Arc<Link>) -> Self {
        let fan_outs = FanOuts::default();
        Self { link, pushes: 0, entries: BytesMut::new(), perhaps: 0, fan_outs }
    }

    /// Whether there is nothing to hand over.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Appends an entry if the link has room for it, and returns its length.
    pub(super) fn append(
        &mut self,
        entry: &PushEntry<'_>,
        certainty: Certainty,
        buffer: usize,
    ) -> Option<usize> {
        let before = self.entries.len();
        if self.entries.capacity() == 0 {
            self.entries.reserve(buffer);
        }
        self.entries.reserve(entry.frame.len() + ENTRY_OVERHEAD);
        entry.encode(EntryLayout::Framed, &mut self.entries);
        let added = self.entries.len() - before;
        if !self.link.room.reserve(added, certainty) {
            self.entries.truncate(before);
            return None;
        }
        self.pushes += u64::from(!is_kept(&entry.target));
        let fan_outs = FanOuts::of(&entry.target);
        self.fan_outs.add(fan_outs);
        self.link.fan_outs.take(fan_outs);
        self.perhaps += if certainty == Perhaps { added } else { 0 };
        Some(added)
    }

    /// Takes back the last entry, a live push.
    pub(super) fn take_back(&mut self, added: usize, certainty: Certainty, fan_outs: FanOuts) {
        self.entries.truncate(self.entries.len() - added);
        self.pushes -= 1;
        self.perhaps -= if certainty == Perhaps { added } else { 0 };
        self.link.room.give_back(added, certainty);
        self.fan_outs.remove(fan_outs);
        self.link.fan_outs.give_back(fan_outs);
    }

    /// Hands everything over. Returns how many live pushes came too late for that.
    pub(super) fn hand_over(&mut self) -> u64 {
        let (pushes, perhaps) =
            (std::mem::take(&mut self.pushes), std::mem::take(&mut self.perhaps));
        let fan_outs = std::mem::take(&mut self.fan_outs);
        let (bytes, since) = (self.entries.split().freeze(), Instant::now());
        let segment = Segment { bytes, pushes, perhaps, fan_outs, since };
        self.link.enqueue(segment).pushes
    }
}

fn is_kept(target: &TargetRef<'_>) -> bool {
    matches!(target, TargetRef::KeptUsers(_) | TargetRef::KeptTopic(..))
}

/// The links there are, ordered by index; those that are open count.
pub(super) struct Links(pub(super) Arc<[Arc<Link>]>);

impl Links {
    /// The link to this gateway, if it is open.
    pub(super) fn get(&self, gateway: GatewayIndex) -> Option<&Arc<Link>> {
        let position = self.0.binary_search_by_key(&gateway, |link| link.index).ok()?;
        Some(&self.0[position]).filter(|link| link.is_open())
    }

    /// Whether pushes can be handed over at all.
    pub(super) fn any_is_open(&self) -> bool {
        self.0.iter().any(|link| link.is_open())
    }

    /// The same for a push at whose beginning there was or was not a link out of step.
    pub(super) fn seen(&self, loose: bool) -> Seen<'_> {
        Seen { links: self, loose }
    }
}

/// The links as one push sees them.
pub(super) struct Seen<'a> {
    links: &'a Links,
    /// Whether any may hold users who are not known here.
    loose: bool,
}

impl OpenGateways for Seen<'_> {
    fn is_open(&self, gateway: GatewayIndex) -> bool {
        self.links.get(gateway).is_some()
    }

    fn all(&self) -> impl Iterator<Item = (GatewayIndex, Certainty)> {
        let open = self.links.0.iter().filter(|link| link.is_open());
        open.map(|link| (link.index, if link.is_connected() { Known } else { Perhaps }))
    }

    fn topics_of(&self, gateway: GatewayIndex) -> Option<List> {
        self.links.get(gateway)?.interest.list()
    }

    fn out_of_step(&self) -> GatewayIndexes {
        if !self.loose {
            return GatewayIndexes::new();
        }
        let links = self.links.0.iter();
        let out = links.filter(|link| link.is_open() && !link.is_in_step());
        out.map(|link| link.index).collect()
    }
}
