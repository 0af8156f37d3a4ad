//! Failures by cause, beside each other.

use crate::report::{findings::Report, numbers::thousands, sections::failures::FailureReport};

/// One way to fail.
pub(super) struct Cause<'a> {
    /// What became of the session.
    pub(super) kind: &'static str,
    pub(super) seen: &'a str,
    pub(super) count: String,
    /// Of the most frequent one, in percent.
    pub(super) width: String,
    /// The limit behind it; empty where none is known.
    pub(super) limit: &'a str,
}

/// Every way to fail that was seen.
pub(super) fn causes<'a>(report: &'a Report<'_>) -> Vec<Cause<'a>> {
    let kinds = [
        ("not opened", &report.failures),
        ("tried again", &report.retried),
        ("lost", &report.losses),
    ];
    let all = || kinds.iter().flat_map(|(kind, of)| of.iter().map(|it| (*kind, it)));
    let most = all().map(|(_, it)| it.count).max().unwrap_or_default();
    let cause = |(kind, FailureReport { what, count, limit }): (_, &'a FailureReport)| Cause {
        kind,
        seen: what,
        count: thousands(*count),
        width: format!("{:.1}", *count as f64 / most as f64 * 100.0),
        limit: limit.as_deref().unwrap_or_default(),
    };
    if most == 0 { Vec::new() } else { all().map(cause).collect() }
}
