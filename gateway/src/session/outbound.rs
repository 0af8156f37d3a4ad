//! How frames leave: written straight to the socket, or, once it would block, queued up to a limit.

use std::{
    io::{self, IoSlice},
    ops::Range,
};

use protocol::{CloseReason, Device, kept::Cursor, receipt::Outcome, server_frame::ServerFrame};

use super::{
    queue::{GATHERED, OutboundQueue},
    state::{Session, Stage},
};
use crate::{delivery::message::Push, runtime::wheel::NEVER};

impl Session {
    /// Sends a push, and reports what became of it.
    pub(super) fn send_push(&mut self, push: &Push) {
        if let Err(outcome) = self.lets_through(push) {
            return self.report(push, outcome);
        }
        if self.is_polled() {
            return self.send_to_poller(std::slice::from_ref(push));
        }
        let outcome = match self.stage {
            Stage::Closing | Stage::Gone => Outcome::Dropped,
            Stage::Joining | Stage::Live => self.send_shared(push),
        };
        self.report(push, outcome);
    }

    /// Sends pushes that gathered, in one write where the socket takes them.
    pub(super) fn send_together(&mut self, pushes: &[Push]) {
        let have_ids = self.wire().has_ids() && pushes.iter().any(|it| it.frame.kept().is_some());
        let one_by_one = self.has_replays() || have_ids;
        if self.is_polled() && !one_by_one {
            return self.send_to_poller(pushes);
        }
        if one_by_one || pushes.len() == 1 || self.stage != Stage::Live || self.has_outbound() {
            return pushes.iter().for_each(|push| self.send_push(push));
        }
        for pushes in pushes.chunks(GATHERED) {
            let mut left = self.write_together(pushes);
            for push in pushes {
                let Range { start, end } = push.frame.range(self.wire());
                let taken = left.min(end - start);
                left -= taken;
                match taken {
                    0 => self.send_push(push),
                    _ if start + taken == end => {
                        self.count_out(0, 1);
                        self.report(push, Outcome::Written);
                    }
                    _ => {
                        let outcome = self.queue_shared(push, start + taken..end, true);
                        self.report(push, outcome);
                    }
                }
            }
        }
    }

    /// How many of their bytes the socket takes now.
    fn write_together(&mut self, pushes: &[Push]) -> usize {
        if !self.may_write() {
            return 0;
        }
        let wire = self.wire();
        let frames =
            pushes.iter().map(|push| IoSlice::new(&push.frame.bytes()[push.frame.range(wire)]));
        let frames = frames.collect::<Vec<_>>();
        let written = self.put_together(&frames);
        let written = self.on_written(written).unwrap_or_default();
        self.count_out(written, 0);
        written
    }

    pub(super) fn report(&mut self, push: &Push, outcome: Outcome) {
        if !self.member.is_client() {
            return;
        }
        let metrics = &self.local().metrics;
        metrics.push(outcome);
        match outcome {
            Outcome::Written => metrics.deliveries.written(push.accepted),
            Outcome::Queued => {}
            Outcome::Dropped => metrics.deliveries.dropped(1, self.reason),
        }
        if let Some(receipt) = &push.receipt {
            let reason = self.reason.filter(|_| outcome == Outcome::Dropped);
            receipt.record(self.member.id, outcome, self.device().as_ref(), reason);
        }
    }

    /// Its device, which the registry knows as long as the session is entered there.
    pub(super) fn device(&self) -> Option<Device> {
        let mut device = None;
        let user = self.member.user.as_ref()?;
        self.local().directory.registry.visit(user.as_str(), |other| {
            if other.id == self.member.id {
                device.clone_from(&other.device);
            }
        });
        device
    }

    /// Counts pushes that waited and never went, for the reason the session ends for.
    pub(super) fn lose(&self, pushes: usize) {
        if self.member.is_client() {
            self.local().metrics.deliveries.dropped(pushes, self.reason);
        }
    }

    /// Sends a push that was told to be queued.
    pub(super) fn send_waited(&mut self, push: &Push) {
        match self.send_shared(push) {
            Outcome::Written if self.member.is_client() => {
                self.local().metrics.deliveries.written(push.accepted);
            }
            Outcome::Dropped => self.lose(1),
            Outcome::Written | Outcome::Queued => {}
        }
    }

    fn send_shared(&mut self, push: &Push) -> Outcome {
        if let Some(kept) = push.frame.kept().filter(|_| self.wire().has_ids()) {
            return self.send_with_id(push, Cursor::new(&kept.log, kept.step.place));
        }
        let range = push.frame.range(self.wire());
        if !self.may_write() {
            return self.queue_shared(push, range, false);
        }
        match self.try_write(&push.frame.bytes()[range.clone()]) {
            Ok(written) if written == range.len() => Outcome::Written,
            Ok(written) => self.queue_shared(push, range.start + written..range.end, written > 0),
            Err(()) => Outcome::Dropped,
        }
    }

    /// Sends a push that is kept where each session has it with an id of its own.
    fn send_with_id(&mut self, push: &Push, cursor: Cursor) -> Outcome {
        if !self.has_room(push.frame.bytes().len()) {
            self.close(CloseReason::TooSlow);
            return Outcome::Dropped;
        }
        self.send_in_log(push.frame.json(), Some(cursor));
        if self.has_outbound() { Outcome::Queued } else { Outcome::Written }
    }

    /// Sends a frame that stands at a cursor in the user's log, whatever waits already: whoever sends more
    /// of them looks for room.
    pub(super) fn send_in_log(&mut self, json: &[u8], cursor: Option<Cursor>) {
        let mut bytes = Vec::with_capacity(json.len() + 64);
        match self.wire().has_ids() {
            true => {
                let id = self.id_at(cursor);
                self.wire().encode_at(json, &id, &mut bytes);
            }
            false => self.wire().encode(json, &mut bytes),
        }
        self.send_anyway(bytes);
    }

    pub(super) fn queue_shared(&mut self, push: &Push, range: Range<usize>, torn: bool) -> Outcome {
        let length = range.len();
        if self.rare.as_mut().is_some_and(|rare| rare.outbound.collapse(&push.frame)) {
            self.count_collapsed();
        }
        if !self.has_room(length) {
            self.close(CloseReason::TooSlow);
            return Outcome::Dropped;
        }
        self.queue(|outbound| outbound.push_shared(push, range, torn));
        self.count_out(0, 1);
        Outcome::Queued
    }

    /// A push that waited was replaced.
    fn count_collapsed(&self) {
        if self.member.is_client() {
            self.local().metrics.deliveries.collapsed();
        }
    }

    /// Sends a frame of this session's own.
    pub(super) fn send_frame(&mut self, frame: &ServerFrame<'_>) {
        self.send_json(&frame.encode());
    }

    /// Sends JSON text as a frame.
    pub(super) fn send_json(&mut self, json: &[u8]) {
        let mut bytes = Vec::with_capacity(json.len() + 10);
        self.wire().encode(json, &mut bytes);
        self.send_bytes(bytes);
    }

    /// Sends bytes that are already in the transport's form.
    pub(super) fn send_bytes(&mut self, bytes: Vec<u8>) {
        if self.waits_for_store() {
            return self.say_behind_hello(bytes);
        }
        let Some((bytes, written)) = self.write_now(bytes) else { return };
        // The few bytes of a goodbye are let in even when the queue is full.
        if self.stage < Stage::Closing && !self.has_room(bytes.len() - written) {
            return self.close(CloseReason::TooSlow);
        }
        self.queue_owned(bytes, written);
    }

    /// Sends bytes for which there is room, or must be.
    pub(super) fn send_anyway(&mut self, bytes: Vec<u8>) {
        if let Some((bytes, written)) = self.write_now(bytes) {
            self.queue_owned(bytes, written);
        }
    }

    /// Writes what the socket takes at once; bytes of which it did not take all come back.
    fn write_now(&mut self, bytes: Vec<u8>) -> Option<(Vec<u8>, usize)> {
        let written = match self.may_write().then(|| self.try_write(&bytes)) {
            Some(Ok(written)) => written,
            Some(Err(())) => return None,
            None => 0,
        };
        (written < bytes.len()).then_some((bytes, written))
    }

    fn queue_owned(&mut self, bytes: Vec<u8>, written: usize) {
        self.queue(|outbound| outbound.push_owned(bytes, written));
        self.count_out(0, 1);
    }

    fn may_write(&self) -> bool {
        !self.is_polled() && !self.is_held_back() && !self.has_outbound()
    }

    pub(super) fn has_room(&self, length: usize) -> bool {
        self.outbound_len() + length <= self.local().settings.outbound_limit
    }

    fn queue(&mut self, push: impl FnOnce(&mut OutboundQueue)) {
        let waited = self.has_outbound();
        push(&mut self.rare().outbound);
        if !waited {
            // It is not for a client that asks to take what waits.
            self.rare().write_deadline = match self.is_polled() {
                true => NEVER,
                false => self.member.local.write_deadline(),
            };
            self.schedule();
        }
    }

    /// Writes as much as the socket takes now; 0 if it would block.
    fn try_write(&mut self, bytes: &[u8]) -> Result<usize, ()> {
        let written = self.put(bytes);
        let written = self.on_written(written)?;
        self.count_out(written, u64::from(written == bytes.len()));
        Ok(written)
    }

    fn on_written(&mut self, written: io::Result<usize>) -> Result<usize, ()> {
        match written {
            Ok(written) => Ok(written),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.blocked = true;
                Ok(0)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(0),
            Err(error) => {
                self.on_error(&error);
                Err(())
            }
        }
    }

    pub(super) fn count_out(&self, bytes: usize, frames: u64) {
        let tally = self.local().metrics.tallies.here();
        tally.bytes_out.add(bytes as u64);
        tally.frames_out.add(frames);
    }
}
