//! What is counted of the store: what it has done and holds, and what this process makes of it.

use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use prometheus::{IntCounter, IntGauge};
use serving::metrics::{Registrar, signed};
use store::sqlite::Counters;

use crate::commits::Commits;

/// Why a gateway was not told of a push that is kept. It will read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Untold {
    /// There is no connection to it.
    Away,
    /// It takes pushes more slowly than they come.
    NoRoom,
    /// It has enough to do with pushes to topics.
    Behind,
    /// Its build knows nothing of messages that are kept, and will not read it, either.
    OlderBuild,
}

impl Untold {
    const ALL: [Self; 4] = [Self::Away, Self::NoRoom, Self::Behind, Self::OlderBuild];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Away => "gateway_away",
            Self::NoRoom => "no_room",
            Self::Behind => "behind",
            Self::OlderBuild => "older_build",
        }
    }
}

/// What gateways ask a store, as it stands in labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// What is kept for a session that begins.
    Begin,
    /// What is kept in a log.
    Read,
    /// To take note of acknowledgements.
    Acknowledge,
    /// Which logs have changed.
    Changes,
}

impl Asked {
    const ALL: [Self; 4] = [Self::Begin, Self::Read, Self::Acknowledge, Self::Changes];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Begin => "begin",
            Self::Read => "read",
            Self::Acknowledge => "acknowledge",
            Self::Changes => "changes",
        }
    }
}

/// What is shown of the store.
pub(crate) struct StoreMetrics {
    untold: [IntCounter; Untold::ALL.len()],
    asked: [IntCounter; Asked::ALL.len()],
    /// Questions that were answered with the word that the store cannot be asked.
    pub unanswered: IntCounter,
    /// Questions that wait, or are being answered.
    pub waiting: IntGauge,
    other_gateways: IntGauge,
    trouble: IntGauge,
    held: [IntGauge; 3],
    appended: IntCounter,
    failures: IntCounter,
    removed: [IntCounter; REMOVED.len()],
    commits: Commits,
    /// Counters go up by what has come since they were shown last.
    showing: Mutex<()>,
}

const REMOVED: [&str; 5] = ["acknowledged", "expired", "trimmed", "replaced", "deleted"];
const UNTOLD: &str = "holdfast_store_untold_total";
const QUESTIONS: &str = "holdfast_store_questions_total";
const UNANSWERED: &str = "holdfast_store_unanswered_questions_total";
const WAITING: &str = "holdfast_store_questions_pending";
const OTHERS: &str = "holdfast_store_other_store_gateways";
const TROUBLE: &str = "holdfast_store_trouble";
const FAILURES: &str = "holdfast_store_commit_failures_total";
const REMOVED_TOTAL: &str = "holdfast_store_removed_messages_total";
const APPENDED: &str = "holdfast_store_appended_messages_total";

impl StoreMetrics {
    /// Nothing has happened.
    pub(crate) fn new(r: &Registrar) -> Self {
        let untold = r.counters(UNTOLD, "Kept pushes a gateway was not told of", &["reason"]);
        let asked = r.counters(QUESTIONS, "Questions of gateways to the store", &["what"]);
        let removed = r.counters(REMOVED_TOTAL, "Messages that are kept no more", &["reason"]);
        let gauge = |name, help| r.gauge(name, help);
        Self {
            untold: Untold::ALL.map(|reason| untold.with_label_values(&[reason.as_str()])),
            asked: Asked::ALL.map(|what| asked.with_label_values(&[what.as_str()])),
            unanswered: r.counter(UNANSWERED, "Questions answered with store_away"),
            waiting: gauge(WAITING, "Questions that wait or are being answered"),
            other_gateways: gauge(OTHERS, "Gateways that hold to another store"),
            trouble: gauge(TROUBLE, "1 while nothing can be kept"),
            held: [
                gauge("holdfast_store_messages", "Messages kept"),
                gauge("holdfast_store_bytes", "Bytes of their payloads"),
                gauge("holdfast_store_topics", "Topics that something is kept of"),
            ],
            appended: r.counter(APPENDED, "Messages kept, one for each log"),
            failures: r.counter(FAILURES, "Transactions that failed"),
            removed: REMOVED.map(|reason| removed.with_label_values(&[reason])),
            commits: r.keep(Commits::new()),
            showing: Mutex::default(),
        }
    }

    /// Counts a gateway that was not told of a push.
    pub(crate) fn untold(&self, reason: Untold) {
        self.untold[reason as usize].inc();
    }

    /// Counts a question.
    pub(crate) fn asked(&self, what: Asked) {
        self.asked[what as usize].inc();
    }

    /// Takes over how the store is: whether nothing can be kept, how many gateways hold to another one, and
    /// what it counts.
    pub(crate) fn show(&self, is_in_trouble: bool, others: usize, counters: Option<&Counters>) {
        let _showing = self.showing.lock();
        self.trouble.set(is_in_trouble.into());
        self.other_gateways.set(signed(others));
        let Some(counters) = counters else { return };
        let now = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let Counters { messages, bytes, topics, .. } = counters;
        for (gauge, count) in self.held.iter().zip([messages, bytes, topics]) {
            gauge.set(signed(now(count)));
        }
        let Counters { acknowledged, expired, trimmed, replaced, deleted, .. } = counters;
        let removed = [acknowledged, expired, trimmed, replaced, deleted];
        let others = [(&self.appended, &counters.appended), (&self.failures, &counters.failures)];
        for (counter, count) in self.removed.iter().zip(removed).chain(others) {
            counter.inc_by(now(count).saturating_sub(counter.get()));
        }
        self.commits.set(counters.commit_classes.each_ref().map(now), now(&counters.commit_micros));
    }
}
