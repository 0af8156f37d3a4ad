//! Reading, and saying what was read.

use protocol::{
    Device,
    kept::{Gap, Log, Place},
};
use store::contract::{Acknowledged, From, Page, Room, Store};

use super::{
    operation::Whence,
    places::{Belief, Given, given},
    reference::{Missing, check},
    subject::Subject,
    trial::{Trial, room_of, well},
};

impl<S: Subject> Trial<S> {
    pub(super) async fn read(
        &mut self,
        log: usize,
        from: Option<&Whence>,
        room: Room,
    ) -> Result<(), String> {
        let given = from.map(|whence| given(whence, log, &self.seen));
        let from = given.map_or(From::Start, |given| From::After(given.place));
        let page = well(self.subject.store().read(self.logs[log].clone(), from, room).await)?;
        let (behind, missing) = match given {
            None => (0, Missing::Nothing),
            Some(given) if is_believed(given, &page)? => (given.place.number, Missing::WhatIs),
            Some(_) => (0, Missing::Unknown),
        };
        self.worlds[log].hold(|reference| reference.check_page(&page, behind, missing, room))?;
        self.remember(log, &page);
        Ok(())
    }

    /// Reads behind a place that the store gave.
    pub(super) async fn read_after(
        &mut self,
        log: usize,
        at: Place,
        room: Room,
    ) -> Result<Page, String> {
        let page =
            well(self.subject.store().read(self.logs[log].clone(), From::After(at), room).await)?;
        is_believed(Given { place: at, belief: Belief::Believed }, &page)?;
        self.worlds[log]
            .hold(|reference| reference.check_page(&page, at.number, Missing::WhatIs, room))?;
        self.remember(log, &page);
        Ok(page)
    }

    pub(super) async fn read_end(&mut self, log: usize) -> Result<(), String> {
        let page =
            well(self.subject.store().read(self.logs[log].clone(), From::Now, room_of(1)).await)?;
        let is_empty = page.from == page.through && page.messages.is_empty() && page.rest == 0;
        check(is_empty && page.gaps.is_empty(), || format!("now: {page:?}"))?;
        self.worlds[log].hold(|reference| reference.check_end(page.through))?;
        self.remember(log, &page);
        Ok(())
    }

    pub(super) async fn begin(
        &mut self,
        user: usize,
        device: usize,
        after: Option<&Whence>,
        room: Room,
    ) -> Result<(), String> {
        let given = after.map(|whence| given(whence, user, &self.seen));
        let Log::User(name) = self.logs[user].clone() else { unreachable!("users are first") };
        let place = given.map(|given| given.place);
        let page = well(self.subject.store().begin(name, named(device), place, room).await)?;
        let believed = match given {
            Some(given) if is_believed(given, &page)? => Some(given.place.number),
            _ => None,
        };
        self.worlds[user].hold(|reference| {
            let has = reference.has(device);
            let missing = match (given, believed, has) {
                (Some(_), None, _) => Missing::Unknown,
                (None, None, None) => Missing::Nothing,
                _ => Missing::WhatIs,
            };
            let behind = believed.or(has).unwrap_or_default();
            reference.begin(device, believed.or(has).unwrap_or(page.from.number));
            reference.check_page(&page, behind, missing, room)
        })?;
        self.remember(user, &page);
        Ok(())
    }

    pub(super) async fn acknowledge(
        &mut self,
        all: &[(usize, usize, Whence)],
    ) -> Result<(), String> {
        let mut acknowledged = Vec::new();
        for (user, device, whence) in all {
            let Given { place, belief } = given(whence, *user, &self.seen);
            let Log::User(name) = self.logs[*user].clone() else { unreachable!("users are first") };
            acknowledged.push(Acknowledged { user: name, device: named(*device), place });
            let worlds = &mut self.worlds[*user];
            match belief {
                Belief::Believed => worlds.each(|world| world.acknowledge(*device, place.number)),
                Belief::Either => worlds.perhaps(|world| world.acknowledge(*device, place.number)),
                Belief::NotBelieved => {}
            }
        }
        well(self.subject.store().acknowledge(acknowledged).await)
    }

    fn remember(&mut self, log: usize, page: &Page) {
        let seen = &mut self.seen[log];
        seen.place(page.from);
        if page.rest == 0 {
            seen.end(page.through);
        }
        page.messages.iter().for_each(|message| seen.place(message.place));
    }
}

/// Whether the store believed this place, as its page shows, and whether it was right to.
fn is_believed(given: Given, page: &Page) -> Result<bool, String> {
    let is_believed = !page.gaps.iter().any(|gap| gap == Gap::UnknownCursor);
    let Given { place, belief } = given;
    let is_right = match belief {
        Belief::Believed => is_believed,
        Belief::Either => true,
        Belief::NotBelieved => !is_believed,
    };
    check(is_right, || format!("{place:?}, which is {belief:?}: {page:?}"))?;
    let begins_there = !is_believed || page.from == place;
    check(begins_there, || format!("behind {place:?}: {page:?}"))?;
    Ok(is_believed)
}

/// The device of this number; the first stands for all without one.
fn named(device: usize) -> Option<Device> {
    (device > 0).then(|| Device::new(&format!("device {device}")).expect("a name"))
}
