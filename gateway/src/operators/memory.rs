//! How much memory is left, for admission to act on.

use limits::Headroom;
use serving::metrics::signed;

use crate::{access::admission::Admission, ledger::Ledger, metrics::Metrics};

/// Checks passed over while nothing changes.
const PASS_OVER: u32 = 8;

/// Looks how much memory is left: at once while sessions come or are refused, and now and then while
/// nothing changes, because the kernel takes long to say.
#[derive(Default)]
pub(super) struct MemoryCheck {
    headroom: Option<Headroom>,
    sessions: usize,
    passed_over: u32,
}

impl MemoryCheck {
    /// Looks, if it is time to, and tells admission, sessions and metrics.
    pub(super) fn look(&mut self, admission: &Admission, ledger: &Ledger, metrics: &Metrics) {
        let before = std::mem::replace(&mut self.sessions, admission.sessions());
        let urgent = self.sessions > before || admission.is_short_of_memory();
        if self.passed_over > 0 && !urgent {
            self.passed_over -= 1;
            return;
        }
        self.passed_over = PASS_OVER;
        let headroom = self.headroom.get_or_insert_with(Headroom::of_this_process);
        if let Some(left) = headroom.look() {
            metrics.memory_left.set(signed(left.bytes));
            admission.set_memory_left(left);
            ledger.set_short(admission.is_short_of_memory());
        }
    }
}
