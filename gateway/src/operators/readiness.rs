//! Whether load balancers shall send clients here, and why not.

use super::probe::Probe;
use crate::gateway::Gateway;

/// Why they shall not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reason {
    /// As it stands in metric labels.
    pub label: &'static str,
    /// For people.
    pub detail: &'static str,
    /// Whether it is so now.
    pub applies: bool,
}

/// Every reason there may be, the gravest first.
pub(super) fn reasons(gateway: &Gateway, probe: &Probe) -> [Reason; 7] {
    let Gateway { admission, authenticator, push_memory, accepting, .. } = gateway;
    let reason = |label, detail, applies| Reason { label, detail, applies };
    [
        reason("draining", "draining", admission.is_leaving()),
        reason("full", "as many sessions as --max-sessions allows", admission.is_full()),
        reason(
            "memory",
            "less memory is left than --memory-reserve",
            admission.is_short_of_memory(),
        ),
        reason(
            "no_keys",
            "no keys to check tokens with could be fetched yet",
            authenticator.lacks_keys(),
        ),
        reason("push_memory", "pushes that wait fill --push-memory", push_memory.is_full()),
        reason(
            "accept_blocked",
            "no connection could be accepted for a second",
            accepting.is_blocked(),
        ),
        reason("probe_late", "a worker has not delivered its own push lately", probe.is_late()),
    ]
}
