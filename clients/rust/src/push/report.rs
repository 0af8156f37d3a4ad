//! What pusher-api says became of a batch.

use std::ops::RangeInclusive;

use serde::Deserialize;

/// The answer to a batch, or what one that broke off says of the lines until then.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Report {
    /// Lines that were taken, repetitions included.
    accepted: u64,
    /// Lines that were not, in order.
    rejected: Vec<Rejection>,
    /// Seconds until those that may be sent again may be.
    pub retry_after: Option<u64>,
}

/// Neighbouring lines that were not taken for one cause.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Rejection {
    /// The first and the last, counted from 1.
    lines: [u64; 2],
    /// What a single push would have been answered with.
    pub status: u16,
    /// What is wrong.
    #[serde(default)]
    pub detail: String,
    /// The JSON pointer to what is wrong in the line.
    pub pointer: Option<String>,
}

/// What became of neighbouring lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate<'a> {
    /// They were taken.
    Taken,
    /// They were not, for this cause.
    Rejected(&'a Rejection),
    /// They were not looked at.
    Unread,
}

impl Report {
    /// Reads a report of a batch of so many lines; none where it is not one.
    pub fn read(text: &[u8], lines: usize, is_whole: bool) -> Option<Self> {
        let report: Self = serde_json::from_slice(text).ok()?;
        let mut last = 0;
        let mut rejected = 0_u64;
        for Rejection { lines: [from, to], .. } in &report.rejected {
            if *from <= last || to < from {
                return None;
            }
            rejected += to - from + 1;
            last = *to;
        }
        let looked_at = report.accepted.checked_add(rejected)?;
        let lines = lines as u64;
        let fits = if is_whole { looked_at == lines } else { looked_at <= lines };
        (fits && last <= looked_at).then_some(report)
    }

    /// Every line of a batch of so many, neighbours of one fate together: in order, and none is left out. Lines are
    /// counted from 0.
    pub fn fates(&self, lines: usize) -> Vec<(RangeInclusive<usize>, Fate<'_>)> {
        let mut fates = Vec::with_capacity(2 * self.rejected.len() + 2);
        let mut add = |from: u64, to: u64, fate| {
            if from <= to {
                fates.push((place(from)..=place(to), fate));
            }
        };
        let (mut next, mut looked_at) = (1, self.accepted);
        for rejection in &self.rejected {
            let [from, to] = rejection.lines;
            looked_at += to - from + 1;
            add(next, from - 1, Fate::Taken);
            add(from, to, Fate::Rejected(rejection));
            next = to + 1;
        }
        add(next, looked_at, Fate::Taken);
        add(looked_at + 1, lines as u64, Fate::Unread);
        fates
    }
}

/// From a line's number to its index.
fn place(number: u64) -> usize {
    usize::try_from(number - 1).expect("reports are held against the lines that were sent")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(report: &serde_json::Value, lines: usize, is_whole: bool) -> Option<Report> {
        Report::read(report.to_string().as_bytes(), lines, is_whole)
    }

    #[test]
    fn every_line_has_one_fate() {
        let rejected = json!([
            {"lines": [3, 3], "status": 422, "detail": "must not be empty", "pointer": "/to/user"},
            {"lines": [5, 9], "status": 503, "detail": "full"},
        ]);
        let report = json!({"accepted": 4, "rejected": rejected, "retry_after": 2});
        let whole = read(&report, 10, true).expect("a report");
        let fates: Vec<_> = whole
            .fates(10)
            .into_iter()
            .map(|(lines, fate)| {
                let status =
                    if let Fate::Rejected(rejection) = fate { rejection.status } else { 0 };
                (lines, fate == Fate::Taken, status)
            })
            .collect();
        let expected = [
            (0..=1, true, 0),
            (2..=2, false, 422),
            (3..=3, true, 0),
            (4..=8, false, 503),
            (9..=9, true, 0),
        ];
        assert_eq!((fates, whole.retry_after), (expected.to_vec(), Some(2)));
        let broken = read(&report, 12, false).expect("a report");
        assert_eq!(broken.fates(12).last(), Some(&(10..=11, Fate::Unread)));
        assert_eq!(read(&report, 12, true), None, "two are not accounted for");
    }

    #[test]
    fn what_cannot_be_is_no_report() {
        let entry = |from: u64, to: u64| json!({"lines": [from, to], "status": 503, "detail": ""});
        for rejected in [
            json!([entry(0, 1)]),
            json!([entry(2, 1)]),
            json!([entry(3, 4)]),
            json!([entry(2, 2), entry(2, 2)]),
            json!([entry(2, 2), entry(1, 1)]),
            json!([entry(1, u64::MAX)]),
            json!([entry(1, u64::MAX), entry(1, u64::MAX)]),
            json!([{"lines": [1], "status": 503}]),
        ] {
            let report = json!({"accepted": 1, "rejected": rejected});
            assert_eq!(read(&report, 2, false), None, "{report}");
        }
        assert_eq!(Report::read(b"<html>", 1, false), None);
    }

    proptest! {
        #[test]
        fn what_a_server_writes_is_read_as_it_was_meant(
            fates in prop::collection::vec(0..4_u16, 0..200),
            unread in 0..5_usize,
        ) {
            let mut rejected: Vec<serde_json::Value> = Vec::new();
            for (line, fate) in (1_u64..).zip(&fates) {
                let status = 420 + fate;
                match rejected.last_mut() {
                    _ if *fate == 0 => {}
                    Some(last) if last["status"] == status && last["lines"][1] == line - 1 => {
                        last["lines"][1] = line.into();
                    }
                    _ => rejected.push(json!({"lines": [line, line], "status": status, "detail": "x"})),
                }
            }
            let accepted = fates.iter().filter(|fate| **fate == 0).count();
            let report = json!({"accepted": accepted, "rejected": rejected});
            let lines = fates.len() + unread;
            prop_assert_eq!(read(&report, lines, true).is_some(), unread == 0);
            let report = read(&report, lines, false).expect("a report");
            let mut found = Vec::new();
            for (places, fate) in report.fates(lines) {
                prop_assert_eq!(*places.start(), found.len());
                found.extend(places.map(|_| match fate {
                    Fate::Taken => 0,
                    Fate::Rejected(rejection) => rejection.status - 420,
                    Fate::Unread => 9,
                }));
            }
            let expected: Vec<_> = fates.iter().copied().chain(vec![9; unread]).collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn whatever_comes_is_either_no_report_or_says_each_line_once(
            accepted in 0..12_u64,
            entries in prop::collection::vec((0..14_u64, 0..14_u64, 400..600_u16), 0..6),
            lines in 0..14_usize,
            is_whole: bool,
        ) {
            let rejected = entries.iter().map(|(from, to, status)| json!({"lines": [from, to], "status": status}));
            let report = json!({"accepted": accepted, "rejected": rejected.collect::<Vec<_>>()});
            if let Some(report) = read(&report, lines, is_whole) {
                let mut next = 0;
                for (places, _) in report.fates(lines) {
                    prop_assert_eq!(*places.start(), next);
                    next = places.end() + 1;
                }
                prop_assert_eq!(next, lines);
            }
        }
    }
}
