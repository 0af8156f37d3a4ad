//! What was not as it should be. A run went well only if there is nothing of that.

use std::fmt;

use serde::Serialize;

use super::probes::lost;
use crate::{
    measurements::asked::AskedRate,
    report::{numbers::thousands, pushed::Pushed, record::Record},
    session::failure::Failure,
};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Severity {
    /// The run has failed.
    Failure,
    /// The figures mean something else than they seem to.
    Warning,
}

impl Severity {
    /// As it is shown.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Failure => "failure",
            Self::Warning => "warning",
        }
    }
}

/// One thing that was not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// Its name, for programs.
    pub name: &'static str,
    /// What was seen, for people.
    pub text: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<12} {}", self.severity.as_str(), self.text)
    }
}

/// Everything that was found, failures first.
pub(crate) fn findings(record: &Record) -> Vec<Finding> {
    let mut found = Findings::default();
    found.look_at_sessions(record);
    found.look_at_messages(record);
    record.pushes.iter().for_each(|pushed| found.look_at_pushes(pushed, record));
    found.look_at_probes(record);
    found.look_at_rates(record);
    found.0.sort_by_key(|finding| finding.severity == Severity::Warning);
    found.0
}

/// Whether there is no failure among them.
pub(crate) fn is_success(findings: &[Finding]) -> bool {
    findings.iter().all(|finding| finding.severity != Severity::Failure)
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn fail(&mut self, name: &'static str, count: u64, text: &str) {
        if count > 0 {
            let text = format!("{} {text}", thousands(count));
            self.0.push(Finding { severity: Severity::Failure, name, text });
        }
    }

    fn warn(&mut self, name: &'static str, text: impl Into<String>) {
        self.0.push(Finding { severity: Severity::Warning, name, text: text.into() });
    }

    fn look_at_sessions(&mut self, record: &Record) {
        let tally = &record.tally;
        let silent = tally.losses.iter().filter(|(failure, _)| **failure == Failure::Silent);
        let silent = silent.fold(0, |sum: u64, (_, count)| sum.saturating_add(count));
        let there = tally.held_to_end.saturating_add(tally.recalls.away());
        let gone = record.asked.saturating_sub(there).saturating_sub(silent);
        let asked = thousands(record.asked);
        let text = format!("of {asked} sessions were not opened or not held to the end");
        self.fail("sessions_missing", gone, &text);
        let text = format!("of {asked} sessions were open in the end, but nobody answered on them");
        self.fail("sessions_silent", silent, &text);
        if tally.held_to_end > record.asked {
            let more = tally.held_to_end - record.asked;
            self.fail("sessions_surplus", more, "sessions more than were asked for");
        }
        if record.interrupted {
            self.warn("interrupted", "ended before its time; nobody was asked for a sign of life");
        }
        if tally.refusals > 0 {
            let text = format!("clients got {} error frames", thousands(tally.refusals));
            self.warn("error_frames", text);
        }
    }

    fn look_at_messages(&mut self, record: &Record) {
        let proofs = &record.tally.proofs;
        self.fail("misdirected", proofs.misdirected, "messages reached somebody they were not for");
        self.fail("doubled", proofs.doubled, "messages came again");
        let text = "messages came after one that was sent later";
        self.fail("reordered", proofs.reordered, text);
        if !record.is_proved() && record.tally.messages > 0 {
            let text = "messages of an older report were counted only: nobody looked at whether they \
                        were for whom they reached, in order, once";
            self.warn("unproved", text);
        }
    }

    fn look_at_pushes(&mut self, pushed: &Pushed, record: &Record) {
        let Pushed { outcome, expected, arrived, .. } = pushed;
        // Messages that were stored in a record of before were not proved.
        let there = arrived.saturating_add(pushed.missed);
        let missing = expected.map_or(0, |expected| expected.saturating_sub(there));
        if missing as f64 > record.allowed.missing * expected.unwrap_or_default() as f64 {
            let expected = thousands(expected.unwrap_or_default());
            let text = format!("of {expected} messages that were accepted have not arrived");
            self.fail("missing", missing, &text);
        }
        let refused = outcome.offered.saturating_sub(outcome.accepted);
        if outcome.share_refused() > record.allowed.refused {
            let offered = thousands(outcome.offered);
            self.fail("refused", refused, &format!("of {offered} messages were refused"));
        }
        if outcome.gave_up || !outcome.is_clean() {
            let tries = outcome.refused.values().fold(0, |sum: u64, it| sum.saturating_add(*it));
            self.fail("nobody_takes_pushes", tries.max(1), "tries to push led nowhere to the end");
        }
    }

    fn look_at_probes(&mut self, record: &Record) {
        for (what, probed) in &record.probes {
            let lost = lost(probed);
            if lost as f64 > record.allowed.missing * probed.sent as f64 {
                let text = format!("of {} probes ({what}) were lost", thousands(probed.sent));
                self.fail("probes_lost", lost, &text);
            }
        }
    }

    fn look_at_rates(&mut self, record: &Record) {
        let pushes = record.phases.values().chain(&record.pushes).filter_map(|it| it.rate);
        let pushes =
            pushes.reduce(|one, other| AskedRate::worst(Some(one), Some(other)).unwrap_or(one));
        for (name, what, rate) in [
            ("sessions_behind", "sessions were opened", record.rate),
            ("pushes_behind", "messages were offered", pushes),
        ] {
            let Some(rate) = rate.filter(AskedRate::is_behind) else { continue };
            let (asked, achieved) = (rate.per_second, rate.achieved());
            let text = format!(
                "{what} at {achieved:.0}/s, {asked:.0}/s were asked for: server or client is too slow"
            );
            self.warn(name, text);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{measurements::probed::Probed, traffic::pusher::outcome::Outcome};

    fn names(record: &Record) -> Vec<&'static str> {
        findings(record).iter().map(|finding| finding.name).collect()
    }

    fn well() -> Record {
        let mut record = Record::new("push", 10, 1);
        record.tally.held_to_end = 10;
        record
    }

    fn pushed(offered: u64, accepted: u64, arrived: u64) -> Record {
        let outcome = Outcome { offered, accepted, ..Outcome::default() };
        Record { pushes: Some(Pushed { arrived, ..Pushed::to_one_each(outcome) }), ..well() }
    }

    #[test]
    fn nothing_wrong_is_no_finding() {
        assert_eq!(names(&well()), [""; 0]);
        assert_eq!(names(&pushed(1000, 1000, 1000)), [""; 0]);
    }

    #[test]
    fn every_lie_has_a_name() {
        let mut lost = well();
        lost.tally.held_to_end = 7;
        lost.tally.losses.add(Failure::Silent, 2);
        assert_eq!(names(&lost), ["sessions_missing", "sessions_silent"]);
        let mut wrong = well();
        let proofs = &mut wrong.tally.proofs;
        (proofs.misdirected, proofs.doubled, proofs.reordered) = (1, 2, 3);
        assert_eq!(names(&wrong), ["misdirected", "doubled", "reordered"]);
        assert_eq!(names(&pushed(1000, 1000, 999)), ["missing"]);
        assert_eq!(names(&pushed(1000, 980, 980)), ["refused"]);
        assert_eq!(names(&pushed(1000, 990, 990)), [""; 0]);
        assert_eq!(names(&pushed(1000, 0, 0)), ["refused", "nobody_takes_pushes"]);
        let mut gone = well();
        gone.tally.held_to_end = 8;
        gone.tally.recalls.on_asked("draining", Duration::from_secs(1), 5);
        assert_eq!(names(&gone), ["sessions_missing"], "one is on its way, one is not");
        let mut probed = well();
        let lost = [("timeout".to_owned(), 1)].into();
        probed.probes.insert("http".into(), Probed { sent: 100, lost, ..Probed::default() });
        assert_eq!(names(&probed), ["probes_lost"]);
        probed.allowed.missing = 0.01;
        assert_eq!(names(&probed), [""; 0]);
    }

    #[test]
    fn a_rate_that_was_not_kept_is_a_warning() {
        let rate = Some(AskedRate { per_second: 1000.0, count: 1000, seconds: 20.0 });
        let slow = Record { rate, ..well() };
        assert_eq!(names(&slow), ["sessions_behind"]);
        assert!(is_success(&findings(&slow)));
        assert!(findings(&slow)[0].text.contains("50/s, 1000/s were asked for"), "{slow:?}");
        let mut late = pushed(5, 5, 5);
        late.pushes.iter_mut().for_each(|pushed| pushed.rate = rate);
        assert_eq!(names(&late), ["pushes_behind"]);
    }
}
