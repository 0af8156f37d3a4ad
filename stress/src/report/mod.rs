//! What a run found: as a record that can be added to others, as JSON, and as pages for people.

mod files;
mod findings;
mod numbers;
mod page;
mod pushed;
mod record;
mod sections;
mod text;

pub use files::page_of_report;
pub(crate) use {
    files::{write_html, write_json},
    findings::Report,
    pushed::Pushed,
    record::Record,
};
