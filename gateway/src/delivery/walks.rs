//! The fan-outs of one worker that are not finished, and the walks that bring them to its sessions.
//! It belongs to the worker's thread.
//!
//! A walk goes through those a topic has, or through all seats, in slices; those of several topics
//! take turns, so that a small topic does not wait for a large one. Whom it meets gets everything that
//! concerns him up to the number where the walk ends, in order: what gathers while one walk is under
//! way travels with the next, in one write. A session remembers up to which number it has everything,
//! so meeting it twice is nothing.

use std::collections::{HashMap, VecDeque};

use smallvec::SmallVec;

use super::{
    lane::{Item, Lane, Target},
    load::Backlog,
    message::Push,
    subscribers::{Subscribers, TopicKey},
};

/// Most fan-outs of one target that travel together: a turn of a session is bounded.
const GATHERED: usize = 32;
/// After so many numbers every session is told how far they are: it remembers their lower half.
pub(super) const ROUND: u64 = 1 << 30;

/// The sessions that a walk goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Route {
    All,
    Topic(TopicKey),
}

/// One way through the sessions of a target.
#[derive(Debug)]
pub(crate) struct Walk {
    route: Route,
    /// Whom it meets gets what is numbered up to here.
    through: u64,
    /// Who stands before this place is still to be met; none before the first step.
    next: Option<u32>,
    /// Who had too much in the mailbox to be given anything, and is to be met again.
    behind: Vec<u32>,
}

impl Walk {
    fn new(route: Route) -> Self {
        Self { route, through: 0, next: None, behind: Vec::new() }
    }

    /// Whom it meets gets what is numbered up to here.
    pub(crate) fn through(&self) -> u64 {
        self.through
    }

    /// This seat must be met again: what is in its mailbox comes first.
    pub(crate) fn meet_again(&mut self, seat: u32) {
        self.behind.push(seat);
    }
}

/// The fan-outs of one target.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<(u64, Push)>,
    /// How many of them the walk under way brings.
    walked: usize,
    /// As counted in the backlog.
    recipients: u64,
}

impl Queue {
    fn between(&self, seen: u64, through: u64) -> impl Iterator<Item = &(u64, Push)> {
        let upto = |number| self.waiting.partition_point(|(waits, _)| *waits <= number);
        let end = upto(through);
        self.waiting.range(upto(seen).min(end)..end)
    }
}

/// What a worker's thread knows of fan-outs.
#[derive(Default)]
pub(crate) struct Walks {
    /// Who is subscribed to what.
    pub subscribers: Subscribers,
    all: Queue,
    topics: HashMap<TopicKey, Queue>,
    walks: VecDeque<Walk>,
    /// Whether one of them goes through all seats.
    around: bool,
    /// The number up to which everything was taken from the lane.
    taken: u64,
    /// Every session has met a walk since this number.
    rounded: u64,
    backlog: Backlog,
}

impl Walks {
    /// Takes over what is in the worker's lane.
    pub(crate) fn take_up(&mut self, lane: &Lane) {
        let newest = lane.newest();
        if newest <= self.taken {
            return;
        }
        let items = lane.take();
        // An item may have been added since the number was read.
        self.taken = items.last().map_or(newest, |item| item.number.max(newest));
        let announced: SmallVec<[u64; 8]> = items.iter().map(|item| item.recipients).collect();
        items.into_iter().for_each(|item| self.enqueue(item, lane));
        if self.taken - self.rounded >= ROUND {
            self.go_around();
        }
        lane.load.show(self.backlog);
        announced.into_iter().for_each(|recipients| lane.load.withdraw(recipients));
    }

    fn enqueue(&mut self, Item { number, target, push, .. }: Item, lane: &Lane) {
        let route = match target {
            Target::All => {
                self.all.waiting.push_back((number, push));
                self.go_around();
                Route::All
            }
            Target::Topic(topic) => {
                // Those who were subscribed have left; who came since is not concerned.
                let Some(key) = self.subscribers.key(&topic) else { return };
                let queue = self.topics.entry(key).or_default();
                if queue.waiting.is_empty() {
                    self.subscribers.hold(key);
                    self.walks.push_back(Walk::new(Route::Topic(key)));
                }
                queue.waiting.push_back((number, push));
                Route::Topic(key)
            }
        };
        self.backlog.unfinished += 1;
        self.count(route, None, lane);
    }

    fn go_around(&mut self) {
        if !std::mem::replace(&mut self.around, true) {
            self.walks.push_back(Walk::new(Route::All));
        }
    }

    fn queue(&mut self, route: Route) -> Option<&mut Queue> {
        match route {
            Route::All => Some(&mut self.all),
            Route::Topic(key) => self.topics.get_mut(&key),
        }
    }

    /// Counts anew who is still to get what waits for a target; `left` are to be met by its walk.
    fn count(&mut self, route: Route, left: Option<u64>, lane: &Lane) {
        let everybody = match route {
            Route::All => lane.load.sessions(),
            Route::Topic(key) => self.subscribers.seats(key).len(),
        } as u64;
        let Some(queue) = self.queue(route) else { return };
        let (walked, waiting) = (queue.walked as u64, queue.waiting.len() as u64);
        let now =
            walked * left.unwrap_or(everybody).min(everybody) + (waiting - walked) * everybody;
        let before = std::mem::replace(&mut queue.recipients, now);
        self.backlog.recipients = self.backlog.recipients - before + now;
    }

    /// The next walk whose turn it is, and the seats it meets, at most so many; they replace what is
    /// in `seats`. Every seat is numbered below `end`. The walk must come back by [`Self::put_back`].
    pub(crate) fn next(&mut self, most: usize, end: u32, seats: &mut Vec<u32>) -> Option<Walk> {
        seats.clear();
        let mut walk = self.walks.pop_front()?;
        let length = match walk.route {
            Route::All => end,
            Route::Topic(key) => self.subscribers.seats(key).len() as u32,
        };
        let next = match walk.next {
            Some(next) => next.min(length),
            None => {
                self.begin(&mut walk);
                length
            }
        };
        let first = next.saturating_sub(most as u32);
        match walk.route {
            _ if next == 0 => seats.append(&mut walk.behind),
            Route::All => seats.extend(first..next),
            Route::Topic(key) => {
                seats.extend(&self.subscribers.seats(key)[first as usize..next as usize]);
            }
        }
        walk.next = Some(first);
        Some(walk)
    }

    fn begin(&mut self, walk: &mut Walk) {
        let taken = self.taken;
        let Some(queue) = self.queue(walk.route) else { return };
        queue.walked = queue.waiting.len().min(GATHERED);
        // What is for others, too, as long as the next of these does not come before it.
        let next = queue.waiting.get(queue.walked).map(|(number, _)| number - 1);
        walk.through = next.unwrap_or(taken);
    }

    /// Puts a walk back that has met `met` seats; when it is at its end, what it brought is finished.
    /// Returns for how many recipients that was.
    pub(crate) fn put_back(&mut self, walk: Walk, met: usize, end: u32, lane: &Lane) -> u64 {
        let route = walk.route;
        let next = u64::from(walk.next.unwrap_or_default());
        let done = met as u64 * self.queue(route).map_or(0, |queue| queue.walked as u64);
        if next == 0 && walk.behind.is_empty() {
            self.finish(&walk);
            if self.queue(route).is_some() {
                self.count(route, None, lane);
            }
        } else {
            let left = match route {
                // As many of the seats below as there are sessions among all.
                Route::All => next * lane.load.sessions() as u64 / u64::from(end.max(1)),
                Route::Topic(_) => next,
            };
            self.walks.push_back(walk);
            self.count(route, Some(left), lane);
        }
        lane.load.show(self.backlog);
        done
    }

    fn finish(&mut self, walk: &Walk) {
        let Some(queue) = self.queue(walk.route) else { return };
        let (finished, waiting) = (queue.walked, queue.waiting.len());
        queue.waiting.drain(..finished);
        queue.walked = 0;
        self.backlog.unfinished -= finished as u64;
        match walk.route {
            Route::All => {
                self.rounded = walk.through;
                self.around = false;
                if waiting > finished || self.taken - self.rounded >= ROUND {
                    self.go_around();
                }
            }
            Route::Topic(_) if waiting > finished => self.walks.push_back(Walk::new(walk.route)),
            Route::Topic(key) => {
                let recipients = self.topics.remove(&key).map_or(0, |queue| queue.recipients);
                self.backlog.recipients -= recipients;
                self.subscribers.let_go(key);
            }
        }
    }

    /// Whether walks are under way.
    pub(crate) fn is_busy(&self) -> bool {
        !self.walks.is_empty()
    }

    /// What a session has not got of the fan-outs up to `through`, in order, and up to where it has
    /// everything from then on; nothing if it has everything. `seen` is what it has remembered.
    pub(crate) fn missed(
        &mut self,
        lane: &Lane,
        seat: u32,
        seen: Seen,
        through: u64,
        gets_all: bool,
    ) -> Option<(SmallVec<[Push; 1]>, Seen)> {
        let from = seen.expand(through);
        if from >= through {
            return None;
        }
        self.take_up(lane);
        let mut missed: SmallVec<[(u64, &Push); 4]> = SmallVec::new();
        if gets_all {
            missed.extend(self.all.between(from, through).map(|(number, push)| (*number, push)));
        }
        if !self.topics.is_empty() {
            for (key, since) in self.subscribers.keys_of(seat) {
                let queue = self.topics.get(&key);
                let between = queue.map(|queue| queue.between(from.max(since), through));
                missed.extend(between.into_iter().flatten().map(|(number, push)| (*number, push)));
            }
            missed.sort_unstable_by_key(|(number, _)| *number);
        }
        let pushes = missed.into_iter().map(|(_, push)| push.clone()).collect();
        Some((pushes, Seen::through(through)))
    }
}

/// The number up to which a session has every fan-out that concerns it: the lower half of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen(u32);

impl Seen {
    /// Everything up to this number.
    pub(crate) fn through(number: u64) -> Self {
        Self(number as u32)
    }

    /// The whole number, which is nearer to the other than half of what is remembered: see [`ROUND`].
    fn expand(self, near: u64) -> u64 {
        let ahead = (near as u32).wrapping_sub(self.0) as i32;
        near.saturating_add_signed(-i64::from(ahead))
    }
}
