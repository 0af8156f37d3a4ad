//! Sums of counts.

/// Adds counts that may come from a file, so that no sum can overflow.
pub(crate) fn add(count: &mut u64, more: u64) {
    *count = count.saturating_add(more);
}
