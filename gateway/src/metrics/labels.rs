//! What stands in labels.

/// Why links end, as it stands in labels.
pub(super) const LINK_ENDS: [&str; 7] =
    ["closed", "lost", "silent", "bad_frame", "no_hello", "no_common_version", "overflow"];

/// What becomes of requests for sessions of other gateways, as it stands in labels.
pub(super) const RELAYS: [&str; 5] = ["done", "refused", "not_here", "no_way", "lost"];
