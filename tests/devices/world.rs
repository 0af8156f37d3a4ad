//! Gateways and pusher-apis without sockets, as far as devices concern them. What they do with a message
//! is what `gateway/src/link/devices.rs` and `pusher-api/src/engine/local/link/devices.rs` do; a user
//! has all devices.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use fastrand::Rng;
use protocol::{
    SessionId,
    link::{Claim, PresenceChange},
};
use uuid::Uuid;

use super::{
    claims::Claims,
    parts::{Connection, Down, Gateway, Pusher, Up},
};

/// Devices of the user.
pub(crate) const DEVICES: usize = 2;

/// All of them.
pub(crate) struct World {
    gateways: Vec<Gateway>,
    pushers: Vec<Pusher>,
    connections: Vec<Connection>,
    come: BTreeSet<usize>,
    restarts: u128,
}

impl World {
    pub(crate) fn new(gateways: usize, pushers: usize) -> Self {
        let gateway = |number| Gateway {
            instance: Uuid::from_u128(100 + number as u128),
            next: u64::MAX - 3,
            ..Gateway::default()
        };
        Self {
            gateways: (0..gateways).map(gateway).collect(),
            pushers: (0..pushers).map(|number| Pusher::new(number as u128 * 10)).collect(),
            connections: Vec::new(),
            come: BTreeSet::new(),
            restarts: 0,
        }
    }

    /// How many sessions of a device there are.
    pub(crate) fn sessions(&self, device: usize) -> usize {
        self.gateways_of(device).len()
    }

    /// Where.
    pub(crate) fn gateways_of(&self, device: usize) -> Vec<usize> {
        let gateways = self.gateways.iter().enumerate();
        let holding = gateways.filter(|(_, gateway)| gateway.sessions.contains_key(&device));
        holding.map(|(number, _)| number).collect()
    }

    pub(crate) fn has_come(&self, device: usize) -> bool {
        self.come.contains(&device)
    }

    /// A session begins.
    pub(crate) fn come(&mut self, gateway: usize, device: usize) {
        self.come.insert(device);
        let it = &mut self.gateways[gateway];
        let session = SessionId(it.next);
        it.next = it.next.wrapping_add(1);
        let is_first = it.sessions.is_empty();
        it.sessions.insert(device, session);
        for connection in self.links(gateway) {
            if is_first {
                self.append(connection, Up::Came);
            }
            self.claim(connection, device, session, Claim::New);
        }
    }

    /// A client goes.
    pub(crate) fn leave(&mut self, gateway: usize, device: usize) {
        if self.gateways[gateway].sessions.remove(&device).is_some() {
            self.tell_if_gone(gateway);
        }
    }

    fn tell_if_gone(&mut self, gateway: usize) {
        if self.gateways[gateway].sessions.is_empty() {
            self.links(gateway).into_iter().for_each(|link| self.append(link, Up::Went));
        }
    }

    fn links(&self, gateway: usize) -> Vec<usize> {
        let all = self.connections.iter().enumerate();
        let serving = all.filter(|(_, it)| it.gateway == gateway && it.gateway_serves);
        serving.map(|(number, _)| number).collect()
    }

    fn append(&mut self, connection: usize, change: Up) {
        let it = &mut self.connections[connection];
        if it.is_left {
            return;
        }
        it.appended += 1;
        match change {
            Up::Chose(peer) => drop(it.chosen.insert(peer, it.appended)),
            Up::Left(peer) => drop(it.chosen.remove(&peer)),
            _ => {}
        }
        if !it.is_cut {
            it.up.push_back(change);
        }
    }

    fn claim(&mut self, connection: usize, device: usize, session: SessionId, claim: Claim) {
        let it = &self.connections[connection];
        if !it.chosen.is_empty() && !it.is_left {
            self.append(connection, Up::Claimed(device, claim));
            let it = &mut self.connections[connection];
            it.claims.add(it.appended, session);
        }
    }

    /// Some of what is under way arrives and the rest does not.
    pub(crate) fn cut(&mut self, random: &mut Rng) {
        if self.connections.is_empty() {
            return;
        }
        let it = random.usize(..self.connections.len());
        let it = &mut self.connections[it];
        it.is_cut = true;
        it.up.truncate(random.usize(..=it.up.len()));
        it.down.truncate(random.usize(..=it.down.len()));
    }

    /// Cuts the connections of these two, and both notice.
    pub(crate) fn cut_off(&mut self, gateway: usize, pusher: usize) {
        for number in 0..self.connections.len() {
            let it = &mut self.connections[number];
            if (it.gateway, it.pusher) == (gateway, pusher) {
                it.is_cut = true;
                self.gateway_notices(number);
                self.pusher_notices(number);
            }
        }
    }

    /// One end of a connection that is cut notices.
    pub(crate) fn notice(&mut self, random: &mut Rng) {
        let cut: Vec<_> =
            (0..self.connections.len()).filter(|it| self.connections[*it].is_cut).collect();
        let Some(number) = random.choice(cut) else { return };
        match random.bool() {
            true => self.gateway_notices(number),
            false => self.pusher_notices(number),
        }
    }

    /// A pusher-api ends, and another one takes its place.
    pub(crate) fn restart(&mut self, pusher: usize) {
        self.restarts += 1;
        // Smaller than the others, or larger.
        let name = if self.restarts.is_multiple_of(2) {
            1000 - self.restarts
        } else {
            1000 + self.restarts
        };
        self.pushers[pusher] = Pusher::new(name);
        for it in self.connections.iter_mut().filter(|it| it.pusher == pusher) {
            (it.is_cut, it.pusher_serves) = (true, false);
            it.up.clear();
        }
    }

    fn gateway_notices(&mut self, number: usize) {
        if !std::mem::take(&mut self.connections[number].gateway_serves) {
            return;
        }
        self.connections[number].down.clear();
        let gateway = self.connections[number].gateway;
        let words = {
            let connections = &self.connections;
            let it = &mut self.gateways[gateway];
            let next = SessionId(it.next);
            it.deciders.lost(&number, |link| connections[*link].claims.oldest(next))
        };
        self.say(words);
    }

    fn say(&mut self, words: Vec<(usize, PresenceChange<'static>)>) {
        for (link, word) in words {
            match word {
                PresenceChange::Chose(peer) => self.append(link, Up::Chose(peer)),
                PresenceChange::Left(peer) => self.append(link, Up::Left(peer)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn pusher_notices(&mut self, number: usize) {
        let it = &mut self.connections[number];
        if !std::mem::take(&mut it.pusher_serves) {
            return;
        }
        it.up.clear();
        let (gateway, pusher) = (it.gateway, it.pusher);
        let Some((peer, others)) = self.pushers[pusher].pairs.ended(gateway) else { return };
        others.into_iter().for_each(|other| self.tell(pusher, other, Down::Unlinked(peer)));
    }

    fn tell(&mut self, pusher: usize, gateway: usize, word: Down) {
        let all = self.connections.iter_mut();
        let mut links =
            all.filter(|it| (it.gateway, it.pusher) == (gateway, pusher) && it.pusher_serves);
        if let Some(it) = links.next()
            && !it.is_cut
        {
            it.down.push_back(word);
        }
    }

    /// A pusher-api connects to a gateway, if it is not connected as far as it knows.
    pub(crate) fn connect(&mut self, gateway: usize, pusher: usize) {
        let is_of = |it: &Connection| (it.gateway, it.pusher) == (gateway, pusher);
        if self.connections.iter().any(|it| is_of(it) && it.pusher_serves) {
            return;
        }
        let name = self.pushers[pusher].name;
        let earlier = self.connections.iter_mut().filter(|it| is_of(it) && it.name == name);
        earlier.for_each(|it| it.is_left = true);
        let mut up = VecDeque::from([Up::Begin]);
        if !self.gateways[gateway].sessions.is_empty() {
            up.push_back(Up::Came);
        }
        up.push_back(Up::End);
        self.connections.push(Connection {
            gateway,
            pusher,
            name,
            appended: up.len() as u64,
            up,
            down: VecDeque::new(),
            is_cut: false,
            gateway_serves: true,
            pusher_serves: true,
            is_left: false,
            chosen: BTreeMap::new(),
            claims: Claims::default(),
            heard: 0,
            is_in_step: false,
            is_naming: false,
        });
        let instance = self.gateways[gateway].instance;
        for (other, peer) in self.pushers[pusher].pairs.connected(gateway, instance) {
            self.tell(pusher, gateway, Down::Linked { name, peer });
            self.tell(pusher, other, Down::Linked { name, peer: instance });
        }
    }

    /// A message arrives somewhere.
    pub(crate) fn deliver(&mut self, random: &mut Rng) {
        let ways = self.connections.len() * 2;
        if ways > 0 {
            let way = random.usize(..ways);
            self.deliver_at(way / 2, way.is_multiple_of(2));
        }
    }

    fn deliver_at(&mut self, number: usize, up: bool) -> bool {
        let it = &mut self.connections[number];
        match up {
            true => match it.up.pop_front().filter(|_| it.pusher_serves) {
                Some(change) => self.on_change(number, change),
                None => return false,
            },
            false => match it.down.pop_front().filter(|_| it.gateway_serves) {
                Some(word) => self.on_word(number, word),
                None => return false,
            },
        }
        true
    }

    fn on_change(&mut self, number: usize, change: Up) {
        let it = &mut self.connections[number];
        it.heard += 1;
        let (heard, gateway, pusher) = (it.heard, it.gateway, it.pusher);
        match change {
            Up::Begin => {
                it.is_naming = true;
                self.pushers[pusher].named.remove(&gateway);
            }
            Up::Came => {
                let is_naming = it.is_naming;
                self.pushers[pusher].named.insert(gateway);
                self.pushers[pusher].presence.insert(gateway);
                let others = self.pushers[pusher].presence.clone();
                for other in others.into_iter().filter(|other| *other != gateway && is_naming) {
                    self.ask(pusher, gateway, other);
                }
            }
            Up::Went => drop(self.pushers[pusher].presence.remove(&gateway)),
            Up::End => {
                (it.is_naming, it.is_in_step) = (false, true);
                let pusher = &mut self.pushers[pusher];
                if !pusher.named.contains(&gateway) {
                    pusher.presence.remove(&gateway);
                }
            }
            Up::Claimed(device, claim) => self.on_claim(pusher, gateway, device, claim),
            Up::Chose(peer) => {
                let it = &mut self.pushers[pusher];
                if let Some(other) = it.pairs.chose(gateway, peer)
                    && it.presence.contains(&gateway)
                    && it.presence.contains(&other)
                {
                    it.wanted.insert((gateway, other));
                }
            }
            Up::Left(peer) => self.pushers[pusher].pairs.left(gateway, peer),
        }
        self.tell(pusher, gateway, Down::Ack(heard));
    }

    fn on_claim(&mut self, pusher: usize, gateway: usize, device: usize, claim: Claim) {
        let it = &self.pushers[pusher];
        let Some(peer) = it.pairs.instance(gateway) else { return };
        let links = self.connections.iter().filter(|it| it.pusher == pusher && it.pusher_serves);
        let concerned = links.filter(|link| {
            (it.presence.contains(&link.gateway) || !link.is_in_step)
                && it.pairs.decides(gateway, link.gateway)
        });
        let told: Vec<_> = concerned.map(|link| (link.gateway, link.heard)).collect();
        for (other, through) in told {
            self.tell(pusher, other, Down::Claimed { device, peer, through, claim });
        }
    }

    fn ask(&mut self, pusher: usize, one: usize, other: usize) {
        if let Some(elder) = self.pushers[pusher].pairs.elder(one, other) {
            self.tell(pusher, elder, Down::Asked);
        }
    }

    /// A pusher-api looks up whom gateways have in common that hear of each other.
    pub(crate) fn walk(&mut self, pusher: usize) {
        for (one, other) in std::mem::take(&mut self.pushers[pusher].wanted) {
            let presence = &self.pushers[pusher].presence;
            if presence.contains(&one) && presence.contains(&other) {
                self.ask(pusher, one, other);
            }
        }
    }

    fn on_word(&mut self, number: usize, word: Down) {
        if self.connections[number].is_left {
            return;
        }
        let gateway = self.connections[number].gateway;
        let next = SessionId(self.gateways[gateway].next);
        match word {
            Down::Ack(seq) => self.connections[number].claims.confirm(seq),
            Down::Linked { name, peer } => {
                let heard = |link: &usize| self.connections[*link].claims.oldest(next);
                let deciders = &mut self.gateways[gateway].deciders;
                let words = deciders.linked(&number, name, peer, heard).unwrap();
                self.say(words);
            }
            Down::Unlinked(peer) => {
                let heard = |link: &usize| self.connections[*link].claims.oldest(next);
                let words = self.gateways[gateway].deciders.unlinked(&number, peer, heard);
                self.say(words);
            }
            Down::Claimed { device, peer, through, claim } => {
                let it = &self.gateways[gateway];
                let Some(session) = it.sessions.get(&device).copied() else { return };
                let knows = self.connections[number].chosen.get(&peer);
                if !it.deciders.decides(&number, peer)
                    || knows.is_none_or(|chosen| *chosen > through)
                    || self.connections[number].claims.is_claimed_since(session, through)
                {
                    return;
                }
                match claim == Claim::Held && it.deciders.is_unheard(session, peer) {
                    true => self.claim(number, device, session, Claim::New),
                    false => self.leave(gateway, device),
                }
            }
            Down::Asked => {
                for (device, session) in self.gateways[gateway].sessions.clone() {
                    self.claim(number, device, session, Claim::Held);
                }
            }
        }
    }

    /// All links are well, and everything arrives.
    pub(crate) fn settle(&mut self) {
        self.settle_without(&[]);
    }

    /// The same, but for these pusher-apis, which are not there.
    pub(crate) fn settle_without(&mut self, away: &[usize]) {
        for number in 0..self.connections.len() {
            if self.connections[number].is_cut {
                self.gateway_notices(number);
                self.pusher_notices(number);
            }
        }
        for gateway in 0..self.gateways.len() {
            let there = (0..self.pushers.len()).filter(|pusher| !away.contains(pusher));
            there.for_each(|pusher| self.connect(gateway, pusher));
        }
        let mut is_quiet = false;
        while !is_quiet {
            is_quiet = true;
            for number in 0..self.connections.len() {
                is_quiet &= !self.deliver_at(number, true);
                is_quiet &= !self.deliver_at(number, false);
            }
            for pusher in 0..self.pushers.len() {
                is_quiet &= self.pushers[pusher].wanted.is_empty();
                self.walk(pusher);
            }
        }
    }
}
