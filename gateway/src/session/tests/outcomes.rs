//! Every push has exactly one outcome at each session that was there for it, whatever happens to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::prelude::*;
use protocol::{CloseReason, SessionId, Transport, link::TargetRef, receipt::Outcome};

use super::{
    client::Client,
    thread::{Thread, Who},
};
use crate::session::Said;

const DEVICES: [Option<&str>; 3] = [None, Some("phone"), Some("tablet")];
const REASONS: [CloseReason; 4] = [
    CloseReason::Draining,
    CloseReason::TooSlow,
    CloseReason::Disconnected,
    CloseReason::TokenExpired,
];

/// What may happen.
#[derive(Debug, Clone)]
enum Event {
    /// A device comes, perhaps in the place of its own older session.
    Join(usize, usize),
    /// A push of so many bytes.
    Push(usize),
    /// Somebody reads, or asks.
    Read(usize),
    /// Somebody goes without a word.
    Leave(usize),
    /// Somebody is closed.
    Close(usize, usize),
    /// Everybody gets their turns.
    Settle,
    /// Time passes, in seconds.
    Pass(u64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        3 => (0..4_usize, 0..DEVICES.len()).prop_map(|(one, device)| Event::Join(one, device)),
        6 => prop_oneof![1..200_usize, 10_000..60_000_usize].prop_map(Event::Push),
        3 => (0..8_usize).prop_map(Event::Read),
        1 => (0..8_usize).prop_map(Event::Leave),
        1 => (0..8_usize, 0..REASONS.len()).prop_map(|(one, reason)| Event::Close(one, reason)),
        3 => Just(Event::Settle),
        1 => (1..40_u64).prop_map(Event::Pass),
    ]
}

/// Clients, how many answers each has seen, and the pushes there were with the sessions that were there.
struct World {
    thread: Thread,
    clients: Vec<(Client, u32)>,
    pushes: BTreeMap<String, BTreeSet<SessionId>>,
}

impl World {
    fn new() -> Self {
        let thread = Thread::new(&["--outbound-limit=128KiB", "--poll-grace=10s"]);
        Self { thread, clients: Vec::new(), pushes: BTreeMap::new() }
    }

    fn happen(&mut self, event: &Event) {
        let count = self.clients.len();
        match *event {
            Event::Join(transport, device) => {
                let who = Who { device: DEVICES[device], ..Who::default() };
                let client = self.thread.try_join(Transport::ALL[transport], &who);
                self.clients.extend(client.map(|client| (client, 0)));
            }
            Event::Push(bytes) => {
                let there = self.thread.local.directory.registry.sessions("u");
                let frame = format!(r#"{{"x":"{}"}}"#, "x".repeat(bytes));
                let id = self.thread.push_with_receipt(TargetRef::User("u"), &frame);
                self.pushes.insert(id.to_string(), there.iter().map(|one| one.id).collect());
            }
            Event::Settle => self.thread.settle(),
            Event::Pass(seconds) => self.thread.pass(Duration::from_secs(seconds)),
            _ if count == 0 => {}
            Event::Read(one) => self.read(one % count),
            Event::Leave(one) => drop(self.clients.remove(one % count)),
            Event::Close(one, reason) => {
                let seat = self.clients[one % count].0.seat;
                self.thread.turn(seat, |session, _| {
                    session.close(REASONS[reason]);
                    false
                });
            }
        }
    }

    fn read(&mut self, one: usize) {
        let (client, seen) = &mut self.clients[one];
        if client.transport != Transport::Poll {
            return drop(client.heard());
        }
        let answer = client.ask(*seen, Duration::from_secs(5));
        self.thread.settle();
        if let Some(Ok(Said::Json(_))) = answer.take() {
            *seen += 1;
        }
    }

    /// Everybody goes, and every push is looked at.
    fn judge(mut self) -> Result<(), TestCaseError> {
        self.clients.clear();
        self.thread.pass(Duration::from_secs(120));
        prop_assert_eq!(self.thread.left(), (0, 0, 0));
        let mut counts = [0; 3];
        let mut none = 0;
        let receipts = self.thread.receipts();
        prop_assert_eq!(receipts.len(), self.pushes.len());
        for receipt in receipts {
            let expected = &self.pushes[&receipt.id.to_string()];
            let told: BTreeSet<_> = receipt.sessions.iter().map(|(session, _)| *session).collect();
            prop_assert_eq!(receipt.sessions.len(), told.len(), "one outcome each");
            prop_assert_eq!(&told, expected);
            none += u64::from(told.is_empty());
            for (session, outcome) in &receipt.sessions {
                counts[*outcome as usize] += 1;
                let detail = receipt.details.iter().find(|detail| detail.session == *session);
                let reason = detail.and_then(|detail| detail.reason.as_ref());
                prop_assert_eq!(reason.is_some(), *outcome == Outcome::Dropped, "{:?}", detail);
            }
        }
        // What was queued was written in the end, or lost for a reason.
        let written = self.thread.metric("holdfast_push_latency_seconds_count");
        let dropped = |reason: &str| {
            self.thread.metric(&format!(r#"holdfast_pushes_dropped_total{{reason="{reason}"}}"#))
        };
        let lost: u64 = CloseReason::ALL.iter().map(|reason| dropped(reason.as_str())).sum();
        prop_assert_eq!(written + lost, counts.iter().sum::<u64>());
        prop_assert_eq!((dropped("no_session"), dropped("panic")), (none, 0));
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn every_push_has_one_outcome_for_each_session(events in prop::collection::vec(event(), 1..60)) {
        let mut world = World::new();
        for event in &events {
            world.happen(event);
        }
        world.judge()?;
    }
}
