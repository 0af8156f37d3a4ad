//! What became of the lines of a batch: how many were taken, and every line that was not.

use protocol::problem::Problem;
use serde::Serialize;

/// Most entries of a report.
const MAX_REJECTED: usize = 1000;

/// The answer to a batch.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Report {
    /// Pushes taken, repetitions included.
    accepted: u64,
    /// Lines that were not, in order; at most 1,000 entries.
    rejected: Vec<Rejection>,
    /// Seconds until the lines of status 503 may be sent again.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// Neighbouring lines that were not taken for one cause.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Rejection {
    /// The first and the last, counted from 1, blank lines included.
    lines: [u64; 2],
    /// What a single push would have been answered with.
    status: u16,
    /// What is wrong.
    detail: String,
    /// JSON pointer to the wrong field of the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pointer: Option<String>,
    /// The report is full: this entry covers all that follows, and none of it was taken.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    truncated: bool,
}

/// What is said of a batch that was not read to its end, as a problem.
#[derive(Serialize)]
struct Interrupted<'a> {
    #[serde(flatten)]
    problem: &'a Problem,
    #[serde(flatten)]
    report: &'a Report,
}

impl Report {
    /// A line was taken.
    pub(super) fn accept(&mut self) {
        self.accepted += 1;
    }

    /// A line, behind all before it, was not. Once the report is full, nothing is taken any more:
    /// what it does not list could not be told from what was taken.
    pub(super) fn reject(&mut self, line: u64, problem: Problem) {
        let Problem { status, detail, pointer, retry_after, .. } = problem;
        if status == 503 {
            self.retry_after = self.retry_after.max(retry_after).or(Some(1));
        }
        if let Some(last) = self.rejected.last_mut() {
            let is_same = last.status == status && last.pointer == pointer && last.detail == detail;
            if last.truncated || (is_same && last.lines[1] + 1 == line) {
                last.lines[1] = line;
                return;
            }
        }
        let lines = [line; 2];
        if self.rejected.len() + 1 < MAX_REJECTED {
            self.rejected.push(Rejection { lines, status, detail, pointer, truncated: false });
        } else {
            self.retry_after = self.retry_after.or(Some(1));
            self.rejected.push(Rejection::of_the_rest(lines));
        }
    }

    /// How many lines may be under way at a time: were all of them refused, the one that fills the report
    /// would be the last of them.
    pub(super) fn room(&self) -> usize {
        (MAX_REJECTED - self.rejected.len()).max(1)
    }

    /// Whether it lists as much as it can.
    pub(super) fn is_full(&self) -> bool {
        self.rejected.last().is_some_and(|last| last.truncated)
    }

    /// The body of a problem that ended the batch, with what became of the lines before.
    pub(super) fn interrupted_by(&self, problem: &Problem) -> Vec<u8> {
        serde_json::to_vec(&Interrupted { problem, report: self }).expect("plain data")
    }
}

impl Rejection {
    fn of_the_rest(lines: [u64; 2]) -> Self {
        let detail = format!("{MAX_REJECTED} entries are listed: nothing from here on was taken");
        Self { lines, status: 503, detail, pointer: None, truncated: true }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn shown(report: &Report) -> Value {
        serde_json::to_value(report).expect("plain data")
    }

    fn problem(status: u16, detail: &str, pointer: Option<&str>) -> Problem {
        let problem = Problem::new(status, "No", detail);
        pointer.map_or(problem.clone(), |pointer| problem.at(pointer))
    }

    #[test]
    fn neighbours_with_one_cause_share_an_entry() {
        let mut report = Report::default();
        assert_eq!(shown(&report), json!({"accepted": 0, "rejected": []}));
        let rejected = [
            (2, problem(422, "a", Some("/to"))),
            (3, problem(422, "a", Some("/to"))),
            (4, problem(422, "a", Some("/data"))),
            (5, problem(422, "b", Some("/data"))),
            (6, problem(400, "b", Some("/data"))),
            (8, problem(400, "b", Some("/data"))),
            (9, problem(400, "b", None)),
        ];
        report.accept();
        for (line, problem) in rejected {
            report.reject(line, problem);
        }
        let entry = |first: u64, last: u64, status: u16, detail: &str, pointer: Option<&str>| {
            let mut entry = json!({"lines": [first, last], "status": status, "detail": detail});
            if let Some(pointer) = pointer {
                entry["pointer"] = pointer.into();
            }
            entry
        };
        let expected = json!({"accepted": 1, "rejected": [
            entry(2, 3, 422, "a", Some("/to")),
            entry(4, 4, 422, "a", Some("/data")),
            entry(5, 5, 422, "b", Some("/data")),
            entry(6, 6, 400, "b", Some("/data")),
            entry(8, 8, 400, "b", Some("/data")),
            entry(9, 9, 400, "b", None),
        ]});
        assert_eq!(shown(&report), expected);
    }

    #[test]
    fn what_may_be_sent_again_says_when() {
        let mut report = Report::default();
        report.reject(1, Problem::unavailable("full"));
        assert_eq!(report.retry_after, Some(1));
        report.reject(2, problem(503, "full", None).retry_after(Duration::from_secs(7)));
        report.reject(3, Problem::unavailable("full"));
        assert_eq!(shown(&report)["retry_after"], 7);
        assert_eq!(shown(&report)["rejected"][0]["lines"], json!([1, 3]));
    }

    #[test]
    fn a_batch_that_was_cut_off_says_both() {
        let mut report = Report::default();
        report.accept();
        report.reject(2, problem(422, "a", None));
        let body = report.interrupted_by(&problem(408, "still", None));
        let body: Value = serde_json::from_slice(&body).expect("JSON");
        assert_eq!((&body["status"], &body["detail"]), (&json!(408), &json!("still")));
        assert_eq!((&body["type"], &body["title"]), (&json!("about:blank"), &json!("No")));
        assert_eq!((&body["accepted"], &body["rejected"][0]["lines"]), (&json!(1), &json!([2, 2])));
    }

    proptest! {
        /// Whatever comes, each line that was not taken is in one entry, and no other line.
        #[test]
        fn every_line_is_accounted_for(
            lines in prop::collection::vec(0..4_u16, 0..60),
            repeated in 1..60_usize,
        ) {
            let mut report = Report::default();
            let (mut expected, mut accepted) = (Vec::new(), 0);
            let all = lines.iter().cycle().take(lines.len() * repeated);
            for (line, kind) in (1..).zip(all) {
                match kind {
                    0 if !report.is_full() => {
                        report.accept();
                        accepted += 1;
                    }
                    0 => report.reject(line, problem(503, "full", None)),
                    kind => report.reject(line, problem(420 + kind, "x", None)),
                }
                if *kind > 0 || report.is_full() {
                    expected.push((line, 420 + kind));
                }
            }
            prop_assert_eq!(report.accepted, accepted);
            prop_assert!(report.rejected.len() <= MAX_REJECTED);
            let mut listed = Vec::new();
            for (place, entry) in report.rejected.iter().enumerate() {
                let [first, last] = entry.lines;
                let is_last = place + 1 == MAX_REJECTED;
                prop_assert_eq!((entry.truncated, entry.status == 503), (is_last, is_last));
                listed.extend((first..=last).map(|line| (line, entry.status, entry.truncated)));
            }
            prop_assert_eq!(listed.len(), expected.len());
            for ((line, status, truncated), (expected, wanted)) in listed.into_iter().zip(expected) {
                prop_assert_eq!(line, expected);
                prop_assert!(truncated || status == wanted);
            }
            prop_assert_eq!(report.is_full(), report.retry_after.is_some());
        }
    }

    #[test]
    fn the_thousandth_entry_covers_all_that_follow() {
        let mut report = Report::default();
        for line in 1..=999 {
            report.reject(2 * line, problem(422, "a", None));
        }
        assert!(!report.is_full());
        assert_eq!((Report::default().room(), report.room()), (1000, 1));
        report.reject(2000, problem(422, "a", None));
        assert!(report.is_full());
        report.reject(2001, problem(503, "b", None));
        report.reject(2005, problem(503, "b", None));
        let last = &shown(&report)["rejected"][999];
        assert_eq!((&last["lines"], &last["status"]), (&json!([2000, 2005]), &json!(503)));
        assert_eq!((&last["truncated"], report.rejected.len()), (&json!(true), MAX_REJECTED));
    }
}
