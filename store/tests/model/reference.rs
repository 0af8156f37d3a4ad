//! A log as it has to be, in memory.

use std::{collections::BTreeMap, time::Duration};

use protocol::kept::{Gap, Gaps, Place};
use store::contract::{KeptMessage, KeptPayload, KeptPush, Page, Room, Standing};

use super::subject::Most;

/// Everything that was ever appended to a log, and how far its devices have it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reference {
    most: Most,
    entries: Vec<Entry>,
    /// What each has, as a number; a user's only.
    devices: BTreeMap<usize, u64>,
}

#[derive(Debug, Clone, PartialEq)]
struct Entry {
    message: KeptMessage,
    collapse_key: Option<Box<str>>,
    /// When it does, by the trial's clock.
    expires: Duration,
    gone: Option<Gone>,
}

/// Why a message is not kept any more.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Gone {
    /// All that is true of it: what has expired may be found to have been trimmed.
    reasons: Gaps,
    /// Whether a later one of its collapse key took its place, so that it is not missed.
    is_replaced: bool,
}

/// What a page may say of what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Missing {
    Nothing,
    Unknown,
    WhatIs,
}

impl Reference {
    pub(super) fn new(most: Most) -> Self {
        Self { most, entries: Vec::new(), devices: BTreeMap::new() }
    }

    pub(super) fn expire(&mut self, now: Duration) {
        for entry in self.kept_mut().filter(|entry| entry.expires <= now) {
            entry.go(Gap::Expired);
        }
    }

    pub(super) fn append(&mut self, push: &KeptPush, place: Place, expires: Duration) {
        for entry in &mut self.entries {
            if push.collapse_key.is_some() && entry.collapse_key == push.collapse_key {
                let reasons = entry.gone.map_or(Gaps::NONE, |gone| gone.reasons);
                entry.gone = Some(Gone { reasons, is_replaced: true });
            }
        }
        let message = KeptMessage { place, id: push.id, payload: push.payload.clone() };
        let collapse_key = push.collapse_key.clone();
        self.entries.push(Entry { message, collapse_key, expires, gone: None });
        while self.count() > self.most.messages || self.bytes() > self.most.bytes {
            self.kept_mut().next().unwrap().go(Gap::Trimmed);
        }
    }

    /// How far a device has it; `None` if it is not the user's.
    pub(super) fn has(&self, device: usize) -> Option<u64> {
        self.devices.get(&device).copied()
    }

    /// Makes a device the user's, with what it has from the beginning, and takes note of what it has.
    pub(super) fn begin(&mut self, device: usize, number: u64) {
        self.devices.entry(device).or_default();
        self.acknowledge(device, number);
    }

    pub(super) fn acknowledge(&mut self, device: usize, number: u64) {
        let Some(has) = self.devices.get_mut(&device) else { return };
        *has = number.max(*has);
        let by_all = self.devices.values().copied().min().unwrap_or_default();
        let is_had = |entry: &&mut Entry| entry.message.place.number <= by_all;
        self.entries.iter_mut().filter(is_had).for_each(|entry| entry.go(Gap::Acknowledged));
    }

    pub(super) fn forget(&mut self) -> u64 {
        let count = self.count();
        self.entries.iter_mut().for_each(|entry| entry.go(Gap::Deleted));
        count
    }

    /// The numbers of all that was appended.
    pub(super) fn numbers(&self) -> impl DoubleEndedIterator<Item = u64> {
        self.entries.iter().map(|entry| entry.message.place.number)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0
    }

    pub(super) fn check_standing(&self, standing: &Standing) -> Result<(), String> {
        let expected = (self.count(), self.bytes(), self.count() > 0);
        let found = (standing.messages, standing.bytes, standing.oldest_ms.is_some());
        check(found == expected, || format!("{standing:?}: expected {expected:?}"))?;
        self.check_end(standing.end)
    }

    /// Whether nothing that was appended is behind this place.
    pub(super) fn check_end(&self, end: Place) -> Result<(), String> {
        let last = self.numbers().next_back().unwrap_or_default();
        check(end.number >= last, || format!("the log ends at {end:?}, before {last}"))
    }

    /// Whether a page is what is kept behind this number.
    pub(super) fn check_page(
        &self,
        page: &Page,
        behind: u64,
        missing: Missing,
        room: Room,
    ) -> Result<(), String> {
        let Page { from, messages, through, rest, .. } = page;
        let expected: Vec<_> = self.kept_behind(behind).collect();
        let count = messages.len();
        let is_whole = expected.iter().copied().eq(self.kept_behind(from.number));
        check(is_whole, || format!("begins at {from:?}, not at {behind}"))?;
        check(expected.iter().take(count).copied().eq(messages), || {
            format!("behind {behind} is not {expected:#?}: {page:#?}")
        })?;
        let adds_up = (count as u64).checked_add(*rest) == Some(expected.len() as u64);
        check(adds_up, || format!("{count} and {rest} are not {}: {page:#?}", expected.len()))?;
        let bytes: usize = messages.iter().map(|message| size(&message.payload)).sum();
        let is_small = count <= room.messages && bytes <= room.bytes;
        check(is_small || count == 1, || format!("{bytes} in {count} are not in {room:?}"))?;
        check(count > 0 || *rest == 0, || format!("nothing was read, and {rest} remain"))?;
        match messages.last() {
            Some(last) if *rest > 0 => {
                check(last.place == *through, || format!("{through:?} is not at {last:?}"))?
            }
            _ => self.check_end(*through)?,
        }
        self.check_gaps(page.gaps, behind, missing)
    }

    fn check_gaps(&self, gaps: Gaps, behind: u64, missing: Missing) -> Result<(), String> {
        let expected = match missing {
            Missing::Nothing => Gaps::NONE,
            Missing::Unknown => Gaps::NONE.with(Gap::UnknownCursor),
            Missing::WhatIs => return self.check_reasons(gaps, behind),
        };
        check(gaps == expected, || format!("{gaps:?} is not {expected:?}"))
    }

    /// Every reason is one of something, and everything has one of its reasons.
    fn check_reasons(&self, gaps: Gaps, behind: u64) -> Result<(), String> {
        let mut true_ones = 0;
        for entry in self.entries.iter().filter(|entry| entry.message.place.number > behind) {
            let Some(gone) = entry.gone else { continue };
            true_ones |= gone.reasons.bits();
            let is_told = gone.is_replaced || gaps.bits() & gone.reasons.bits() != 0;
            check(is_told, || format!("{gaps:?} behind {behind} does not say of {entry:?}"))?;
        }
        let is_true = gaps.bits() & !true_ones == 0;
        check(is_true, || format!("{gaps:?} behind {behind}, where only {true_ones:b} is true"))
    }

    fn kept_behind(&self, number: u64) -> impl Iterator<Item = &KeptMessage> {
        self.kept().map(|entry| &entry.message).filter(move |message| message.place.number > number)
    }

    fn kept(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.gone.is_none())
    }

    fn kept_mut(&mut self) -> impl Iterator<Item = &mut Entry> {
        self.entries.iter_mut().filter(|entry| entry.gone.is_none())
    }

    fn count(&self) -> u64 {
        self.kept().count() as u64
    }

    fn bytes(&self) -> u64 {
        self.kept().map(|entry| size(&entry.message.payload) as u64).sum()
    }
}

impl Entry {
    /// It is not kept any more. What has expired may still have been there, to be found for another reason.
    fn go(&mut self, gap: Gap) {
        match &mut self.gone {
            None => self.gone = Some(Gone { reasons: Gaps::NONE.with(gap), is_replaced: false }),
            Some(gone) if gone.reasons.iter().any(|reason| reason == Gap::Expired) => {
                gone.reasons = gone.reasons.with(gap);
            }
            Some(_) => {}
        }
    }
}

/// The bytes of a payload, as it is kept.
fn size(payload: &KeptPayload) -> usize {
    let (KeptPayload::Json(bytes) | KeptPayload::Base64(bytes)) = payload;
    bytes.len()
}

pub(super) fn check(holds: bool, why: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(why()) }
}
