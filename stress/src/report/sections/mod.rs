//! What a report says, by subject: the figures, and the lines that show them.

mod broadcasts;
mod failures;
mod memory;
mod phases;
mod probes;
mod pushes;
mod received;
mod sessions;
mod storms;

pub(crate) use {
    broadcasts::Broadcasts,
    failures::{FailureReport, retried, show_failures},
    memory::MemoryReport,
    phases::{PhaseReport, phases, show_phase},
    probes::ProbeReport,
    pushes::PushReport,
    received::Received,
    sessions::SessionsReport,
    storms::StormReport,
};
