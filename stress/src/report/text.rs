//! The report as text for people.

use std::fmt;

use super::{
    findings::Report,
    sections::{failures::show_failures, phases::show_phase},
};

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let interrupted = if self.interrupted { ", interrupted" } else { "" };
        writeln!(f, "stress {}{interrupted}", self.scenario)?;
        self.sessions.fmt(f)?;
        show_failures(f, "not opened", &self.failures)?;
        show_failures(f, "tried again", &self.retried)?;
        show_failures(f, "lost", &self.losses)?;
        if let Some(recalls) = &self.recalls {
            recalls.fmt(f)?;
        }
        self.memory.fmt(f)?;
        self.storms.iter().try_for_each(|storm| storm.fmt(f))?;
        if let Some(pushes) = &self.pushes {
            pushes.fmt(f)?;
        }
        if let Some(received) = &self.received {
            received.fmt(f)?;
        }
        self.phases.iter().try_for_each(|(phase, it)| show_phase(f, phase.as_str(), it))?;
        self.probes.iter().try_for_each(|probe| probe.fmt(f))?;
        let many = [("broadcasts", &self.broadcasts), ("topic", &self.to_topic)];
        for (name, many) in many.into_iter().filter_map(|(name, it)| Some((name, it.as_ref()?))) {
            write!(f, "{name:13}{many}")?;
        }
        self.findings.iter().try_for_each(|finding| finding.fmt(f))?;
        write!(f, "result       {}", self.result())
    }
}
