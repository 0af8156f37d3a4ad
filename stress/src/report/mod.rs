//! What a run found: as a record that can be added to others, as JSON, and as pages for people.

mod counts;
mod findings;
mod html;
mod plot;
mod record;
mod summary;

pub use findings::page_of_report;
pub(crate) use {
    findings::{
        Broadcasts, FailureReport, MemoryReport, PhaseReport, ProbeReport, PushReport, Received,
        Report, SessionsReport, StormReport,
    },
    record::{Pushed, Record},
};
