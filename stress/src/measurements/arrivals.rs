//! Sessions that were opened.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{distribution::Distribution, span::Span, sum::add};
use crate::session::failure::Failures;

/// How many, and how that went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Arrivals {
    /// Sessions that were opened.
    pub held: u64,
    /// From when a session was due until it was held, with all tries in between.
    pub connect: Distribution,
    /// When the first connect began and when the last session was held.
    pub span: Span,
    /// Sessions opened in each second since the epoch.
    pub per_second: BTreeMap<u64, u64>,
    /// Handshakes of TLS.
    #[serde(default)]
    pub encrypted: u64,
    /// Those of them that went on from an earlier one.
    #[serde(default)]
    pub resumed: u64,
    /// Failures after which the session was tried again.
    pub retried: Failures,
}

impl Arrivals {
    /// A session is open.
    pub(crate) fn on_held(&mut self, due: u64, now: u64) {
        self.held += 1;
        self.connect.record(now.saturating_sub(due));
        self.span.add(now);
        *self.per_second.entry(now / 1_000_000).or_default() += 1;
    }

    /// A handshake of TLS is done.
    pub(crate) fn on_encrypted(&mut self, is_resumed: bool) {
        self.encrypted += 1;
        self.resumed += u64::from(is_resumed);
    }

    /// Adds those of another worker.
    pub(super) fn merge(&mut self, other: Self) {
        add(&mut self.held, other.held);
        self.connect.merge(&other.connect);
        self.span.merge(other.span);
        for (second, count) in other.per_second {
            add(self.per_second.entry(second).or_default(), count);
        }
        add(&mut self.encrypted, other.encrypted);
        add(&mut self.resumed, other.resumed);
        self.retried.merge(other.retried);
    }
}
